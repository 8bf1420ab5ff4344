"""`polarisctl gpu-setup` whole: an index on the loopback, a directory, scripted workers."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polarisd.bench.stack import MANIFEST, Stack, find_stack
from tests.fakes.wheel_index import Fault, IndexServer
from tests.unit.ctl_support import ROOT, WAIT_S
from tests.unit.gpu_stack_support import (
    CUBLAS,
    CUPY,
    HELLO,
    NO_GPU,
    TAG,
    WRONG,
    Bench,
    failure,
    make_wheels,
    serving,
)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    make_wheels(tmp_path / "index")
    with serving(IndexServer(tmp_path / "index")) as server:
        yield Bench(tmp_path, server)


def test_from_nothing_to_a_stack_in_use(bench: Bench) -> None:
    assert bench.run() == 0
    told = bench.err.getvalue()
    for word in ("cupy-cuda12x", "14.2.0", "nvidia-cublas-cu12", bench.server.url, "are free"):
        assert word in told
    link = os.readlink(bench.place / TAG)
    assert f"goes to     {bench.place / TAG}, a link to {link}, which takes " in told
    assert "a first kernel ran on NVIDIA H100, and its answer is right" in bench.out.getvalue()
    assert bench.installed() == "VERSION = 1\n"
    # the link, the stack and the lock: downloads are gone
    stack = os.readlink(bench.place / TAG)
    assert sorted(path.name for path in bench.place.iterdir()) == [TAG, stack, "lock"]
    assert (bench.place / stack / "cupy/__pycache__").is_dir()


@pytest.mark.parametrize("umask", [0o077, 0o000])
def test_all_of_it_is_for_all_to_read_and_root_to_write(bench: Bench, umask: int) -> None:
    before = os.umask(umask)
    try:
        bench.run()
    finally:
        assert os.umask(before) == umask
    for path in (bench.place, *bench.place.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink() and path.name != "lock":
            assert mode == (0o755 if path.is_dir() else 0o644), path


def test_a_second_time_there_is_nothing_to_do(bench: Bench) -> None:
    bench.run()
    fetched = list(bench.downloads)
    bench.euid = 1000  # to be told so needs no root
    assert bench.run() == 0
    assert "nothing was to be done" in bench.out.getvalue()
    assert bench.downloads == fetched


def test_the_next_version_takes_the_place_of_the_old_one(bench: Bench) -> None:
    bench.run()
    old = os.readlink(bench.place / TAG)
    bench.next_version()
    assert bench.run() == 0
    assert bench.installed() == "VERSION = 2\n"
    assert not (bench.place / old).exists()


def test_a_wrong_answer_keeps_the_old_one(bench: Bench) -> None:
    bench.run()
    bench.next_version()
    error = failure(bench, bench.host((HELLO, WRONG)))
    assert "the answer is wrong" in error.message
    assert "the one before stays in use" in error.hint
    assert bench.installed() == "VERSION = 1\n"
    # nothing has to be fetched for another try
    fetched = list(bench.downloads)
    assert bench.run() == 0
    assert bench.downloads == fetched
    assert bench.installed() == "VERSION = 2\n"


def test_without_a_gpu_it_is_installed_and_that_is_said(bench: Bench) -> None:
    assert bench.run(bench.host((NO_GPU,))) == 0
    assert "installed, but could not be tried out: there is no GPU" in bench.out.getvalue()
    assert bench.installed() == "VERSION = 1\n"
    assert bench.run(bench.host((NO_GPU,)), check=True) == 0
    assert bench.run(check=True) == 0
    assert bench.run(bench.host((HELLO, WRONG)), check=True) == 1
    assert "it does not work: the answer is wrong" in bench.out.getvalue()


def test_what_stopped_half_way_goes_on(bench: Bench) -> None:
    """The network fails for good in the middle of the second file."""
    bench.server.faults[CUBLAS] = [Fault(drop_after=50), *[Fault(status=500)] * 6]
    assert "goes on where it stopped" in failure(bench).hint
    assert bench.installed() is None
    assert bench.run() == 0
    assert "are still missing" in bench.err.getvalue()
    assert bench.downloads.count(f"/files/{CUPY}") == 1
    assert bench.server.seen[-1] == (f"/files/{CUBLAS}", "bytes=50-")


def test_what_was_interrupted_while_unpacking_is_done_anew(bench: Bench) -> None:
    target = bench.host().place.root / "cp311-0123456789ab"
    target.mkdir(parents=True)
    (target / "half").write_text("")
    (bench.place / TAG).symlink_to(target.name)
    assert bench.run(json=True) == 0
    assert "which cannot be used: it has no stack.json" in bench.err.getvalue()
    assert bench.installed() == "VERSION = 1\n"
    assert not target.exists()


def test_a_file_that_was_spoiled_on_the_disk_is_not_used(bench: Bench) -> None:
    downloads = bench.place / "downloads"
    downloads.mkdir(parents=True)
    (downloads / CUPY).write_bytes(b"x" * (bench.server.directory / CUPY).stat().st_size)
    assert bench.run() == 0
    assert bench.installed() == "VERSION = 1\n"


def test_a_changed_file_on_the_index_is_not_used(bench: Bench) -> None:
    bench.server.faults[CUPY] = [Fault(spoil=True)] * 2
    assert "SHA-256" in failure(bench).message
    assert bench.installed() is None


def test_remove_takes_all_of_it(bench: Bench) -> None:
    bench.run()
    assert bench.run(remove=True) == 0
    assert "removed" in bench.out.getvalue()
    assert not bench.place.exists()
    assert bench.run(remove=True) == 0
    assert "nothing" in bench.out.getvalue()
    assert "set it up" in failure(bench, check=True).hint


def test_remove_through_a_link_to_another_disk(bench: Bench, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    bench.place.symlink_to(disk)
    assert bench.run() == 0
    assert bench.installed() == "VERSION = 1\n"
    assert bench.run(remove=True) == 0
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("given", [{}, {"remove": True}])
def test_who_is_not_root_is_told_to_use_sudo(bench: Bench, given: dict[str, Any]) -> None:
    if given:
        bench.run()
    else:
        bench.place.mkdir()
    bench.euid = 1000
    error = failure(bench, **given)
    assert error.code == "not_permitted"
    assert "sudo polarisctl gpu-setup" in error.hint


def test_two_at_once_do_not_get_in_each_others_way(bench: Bench) -> None:
    bench.place.mkdir()
    with open(bench.place / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another gpu-setup" in failure(bench).message
    assert bench.run() == 0


def test_stacks_of_other_pythons_are_told_of(bench: Bench) -> None:
    bench.run()
    os.rename(bench.place / TAG, bench.place / "cp310")
    bench.run()
    assert "cp310, for other Pythons" in bench.err.getvalue()
    assert (bench.place / "cp310" / MANIFEST).exists()


def test_as_json(bench: Bench) -> None:
    bench.run(bench.host((NO_GPU,)), json=True)
    document = json.loads(bench.out.getvalue())
    stack = find_stack((bench.host().own,), TAG)
    assert isinstance(stack, Stack)
    assert document == {
        "path": stack.path,
        "origin": "polarisctl gpu-setup",
        "versions": {"cupy-cuda12x": "14.2.0", "nvidia-cublas-cu12": "12.9.3.13"},
        "changed": True,
        "trial": "untried",
        "detail": "there is no GPU",
        "hint": "look",
        "device": "",
    }
    bench.run(remove=True, json=True)
    assert json.loads(bench.out.getvalue())["removed_bytes"] > 4000


def test_each_field_of_the_json_is_documented(bench: Bench) -> None:
    bench.run(json=True)
    text = (ROOT / "docs/gpu-setup.md").read_text().partition("## `--json`")[2]
    for name in json.loads(bench.out.getvalue()):
        assert f"`{name}`" in text, name


# The question, asked of somebody at a terminal.

ASK = """
import sys
from polarisctl.commands import gpu_setup
from polarisctl.context import Arguments, Context
try:
    gpu_setup._ask(Arguments(yes=False, json=False), Context(), "Go on?")
except Exception as error:
    sys.exit(error.message)
"""


@pytest.mark.parametrize(
    ("answer", "goes_on"), [("y", True), ("YES", True), ("", False), ("n", False)]
)
def test_only_yes_is_yes(answer: str, goes_on: bool) -> None:
    main, other = pty.openpty()
    os.write(main, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        stdin=other,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    os.close(main)
    os.close(other)
    assert "Go on? [y/N]" in done.stderr
    assert (done.returncode == 0) is goes_on
    assert ("the answer was not yes" in done.stderr) is not goes_on


def test_without_a_terminal_nobody_can_be_asked(bench: Bench) -> None:
    error = failure(bench, yes=False, json=True)
    assert error.code == "usage"
    assert "--yes" in error.hint
    assert bench.downloads == []
