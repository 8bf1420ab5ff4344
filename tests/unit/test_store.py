"""Small documents: whole or not at all, whatever is in the file or happens to the disk."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polarisd import store

ROOT = Path(__file__).parents[2]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_document_comes_back_as_it_was(tmp_path: Path, document: dict[str, object]) -> None:
    path = tmp_path / "a.json"
    store.write(path, document)
    assert store.read(path) == document
    assert os.listdir(tmp_path) == ["a.json"]


def test_no_file_is_no_document(tmp_path: Path) -> None:
    assert store.read(tmp_path / "a.json") is None


BAD = {
    "empty": b"",
    "cut": b'{"format": 1, "xi',
    "a list": b"[1, 2]",
    "a number": b"79",
    "null": b"null",
    "zeroes, as after a power cut": bytes(4096),
    "not text": b"\xff\xfe\xfa\x00",
    "not UTF-8": b'{"a": "\xff"}',
    "nested deeply": b"[" * 100_000,
    "nested deeply and closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "large": b'{"a": "' + b"x" * (5 << 20) + b'"}',
}


@pytest.mark.parametrize("data", [pytest.param(v, id=k) for k, v in BAD.items()])
def test_what_cannot_be_understood_is_not_mistaken_for_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    for _ in range(2):
        with pytest.raises(store.NotUnderstood):
            store.read(path)
        aside = store.set_aside(path)
        assert aside.name == "a.json.bad"
        assert aside.read_bytes() == data[: (4 << 20) + 1]
    assert path.read_bytes() == data
    assert sorted(os.listdir(tmp_path)) == ["a.json", "a.json.bad"]


def test_one_copy_is_not_put_over_another_and_they_are_not_without_end(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    (tmp_path / "a.json.bad.3").mkdir()  # in the way, and stays
    for number in range(20):
        path.write_text(str(number))
        assert store.set_aside(path).read_text() == str(number)
    assert (tmp_path / "a.json.bad").read_text() == "0"
    assert (tmp_path / "a.json.bad.2").read_text() == "1"
    assert (tmp_path / "a.json.bad.8").read_text() == "19"
    assert len(os.listdir(tmp_path)) == 9


@pytest.mark.parametrize("kind", ["directory", "fifo", "socket"])
def test_what_is_no_file_is_said_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.json"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        os.mknod(path, stat.S_IFSOCK | 0o600)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match=r"regular file|No such device") as refused:
        store.read(path)
    assert refused.value.filename == str(path) or refused.value.filename == path
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_what_is_in_the_place_of_the_new_file_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    store.write(path, {"old": True})
    precious = tmp_path / "precious"
    precious.write_text("precious")
    scratch = tmp_path / "a.json.new"
    scratch.symlink_to(precious)
    with pytest.raises(OSError, match="symbolic links"):
        store.write(path, {"new": True})
    assert precious.read_text() == "precious"
    scratch.unlink()
    os.mkfifo(scratch)
    with pytest.raises(OSError, match="No such device"):
        store.write(path, {"new": True})
    assert store.read(path) == {"old": True}


def test_one_daemon_has_the_directory(tmp_path: Path) -> None:
    held = store.lock(tmp_path)
    assert not os.get_inheritable(held)
    with pytest.raises(store.InUse):
        store.lock(tmp_path)
    os.close(held)
    os.close(store.lock(tmp_path))
    assert os.listdir(tmp_path) == ["lock"]


def test_a_lock_file_of_another_kind_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        store.lock(tmp_path)
    assert not (tmp_path / "elsewhere").exists()


def run(code: str, *args: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own, which may end as it likes."""
    return subprocess.run(
        [sys.executable, "-c", code, *args], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_writing_keeps_the_old_document_until_the_new_one_is_whole(tmp_path: Path) -> None:
    """Ended by a full disk: RLIMIT_FSIZE is a disk that ends in the middle of the file."""
    path = tmp_path / "a.json"
    store.write(path, {"old": True})
    code = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from polarisd import store\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "store.write(Path(sys.argv[1]), {'new': 'x' * 100_000})\n"
    )
    assert os.strerror(errno.EFBIG) in run(code, str(path)).stderr
    assert store.read(path) == {"old": True}
    store.write(path, {"new": True})  # what was left over is in nobody's way
    assert store.read(path) == {"new": True}
    assert os.listdir(tmp_path) == ["a.json"]


@pytest.mark.parametrize("step", ["before", "after"])
def test_a_crash_leaves_the_old_document_or_the_new_one(tmp_path: Path, step: str) -> None:
    """Killed right before the new file takes the old one's place, or right after."""
    path = tmp_path / "a.json"
    store.write(path, {"old": True})
    # An audit hook sees each call of the operating system, in this process only.
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from polarisd import store\n"
        f"step = {step!r}\n"
        "def hook(event, args):\n"
        "    renames = event == 'os.rename'\n"
        "    opens_directory = event == 'open' and str(args[0]).endswith(sys.argv[2])\n"
        "    if renames if step == 'before' else opens_directory:\n"
        "        os.kill(os.getpid(), 9)\n"
        "sys.addaudithook(hook)\n"
        "store.write(Path(sys.argv[1]), {'new': True})\n"
    )
    assert run(code, str(path), tmp_path.name).returncode == -signal.SIGKILL
    expected = {"old": True} if step == "before" else {"new": True}
    assert json.loads(path.read_text()) == expected
    assert store.read(path) == expected


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for number in range(20):
        store.write(tmp_path / "a.json", {"number": number})
        store.read(tmp_path / "a.json")
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_a_document_is_nobody_elses_to_write(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    store.write(path, {})
    assert stat.S_IMODE(path.stat().st_mode) & 0o022 == 0


def test_what_json_cannot_hold_leaves_the_old_document(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    store.write(path, {"old": True})
    odd: Any = {"new": object()}
    with pytest.raises(TypeError):
        store.write(path, odd)
    assert store.read(path) == {"old": True}
