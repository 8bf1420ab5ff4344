"""Which GPU stack is used, and which is not: unfinished, another Python's, anybody's to write."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.bench import stack as stacks
from polarisd.bench.stack import (
    DIST_PACKAGES,
    MANIFEST,
    Candidate,
    Flaw,
    ManifestError,
    Stack,
    examine,
    find_stack,
    parse_manifest,
    python_tag,
    worker_path,
)

GOOD = {
    "format": 1,
    "python": "cp311",
    "id": "0123456789ab",
    "versions": {"cupy-cuda12x": "14.2.0"},
    "library_dirs": ["nvidia/cublas/lib"],
    "system_libraries": {},
}


def put(root: Path, tag: str = "cp311", **changed: object) -> Candidate:
    place = root / tag
    place.mkdir(parents=True, mode=0o755)
    (place / MANIFEST).write_text(json.dumps({**GOOD, **changed}))
    return Candidate(str(root), f"origin of {root.name}")


def test_the_first_one_that_can_be_used(tmp_path: Path) -> None:
    nothing = Candidate(str(tmp_path / "none"), "x")
    broken = put(tmp_path / "broken", format=2)
    good, later = put(tmp_path / "good"), put(tmp_path / "later")
    found = find_stack((nothing, broken, good, later), "cp311")
    path = str(tmp_path / "good" / "cp311")
    libraries = (f"{path}/nvidia/cublas/lib",)
    versions = {"cupy-cuda12x": "14.2.0"}
    assert found == Stack(path, "0123456789ab", libraries, versions, "origin of good")
    assert find_stack((nothing, broken), "cp311") is None


def test_a_link_is_followed_once_and_for_all(tmp_path: Path) -> None:
    candidate = put(tmp_path, "cp311-0123456789ab")
    (tmp_path / "cp311").symlink_to("cp311-0123456789ab")
    found = examine(candidate, "cp311")
    assert isinstance(found, Stack)
    assert found.path == str(tmp_path / "cp311-0123456789ab")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"format": 2}, "format 2"),
        ({"python": "cp310"}, "for cp310, and this Python is cp311"),
        ({"library_dirs": ["../../lib"]}, "outside"),
        ({"library_dirs": ["/lib"]}, "outside"),
        ({"versions": []}, "lacks"),
        ({"system_libraries": {"libnvrtc.so.12": "/nowhere/libnvrtc.so.12.9"}}, "is gone"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, changed: dict[str, Any], why: str) -> None:
    found = examine(put(tmp_path, **changed), "cp311")
    assert isinstance(found, Flaw)
    assert why in found.why


def test_one_without_a_manifest_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "cp311").mkdir()
    found = examine(Candidate(str(tmp_path), "x"), "cp311")
    assert isinstance(found, Flaw)
    assert "not finished" in found.why
    assert examine(Candidate(str(tmp_path), "x"), "cp312") is None


@pytest.mark.parametrize("place", [".", "cp311"])
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_code_that_others_can_write_is_not_run(tmp_path: Path, place: str, mode: int) -> None:
    candidate = put(tmp_path)
    (tmp_path / place).chmod(mode)
    found = examine(candidate, "cp311")
    assert isinstance(found, Flaw)
    assert "can be written by others" in found.why


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_code_of_another_user_is_not_run(tmp_path: Path) -> None:
    candidate = put(tmp_path)
    os.chown(tmp_path / "cp311", 4242, 4242)
    found = examine(candidate, "cp311")
    assert isinstance(found, Flaw)
    assert "uid 4242" in found.why


def test_a_manifest_without_end_is_not_read(tmp_path: Path) -> None:
    candidate = put(tmp_path)
    (tmp_path / "cp311" / MANIFEST).write_bytes(b" " * (stacks.MANIFEST_CAP_BYTES + 9))
    found = examine(candidate, "cp311")
    assert isinstance(found, Flaw)
    assert "larger" in found.why


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_any_other_manifest_is_refused_in_words(field: str, value: object) -> None:
    text = json.dumps({**GOOD, field: value}).encode()
    with suppress(ManifestError):
        stack = parse_manifest(text, "/p", "x", "cp311")
        assert all(directory.startswith("/p/") for directory in stack.library_dirs)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_nonsense_is_no_manifest(text: bytes) -> None:
    with pytest.raises(ManifestError):
        parse_manifest(text, "/p", "x", "cp311")


def test_a_workers_path() -> None:
    stack = Stack("/s", "id", (), {}, "x")
    assert worker_path(stack, ["/app", "/vendor"]) == ["/s", "/app", "/vendor", DIST_PACKAGES]
    assert worker_path(None, ["/app"]) == ["/app", DIST_PACKAGES]


def test_what_wheels_call_this_python() -> None:
    assert python_tag((3, 14, 1)) == "cp314"
