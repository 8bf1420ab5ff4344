"""Unpacking wheels: what an installer would make of them, and nothing anywhere else."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.gpu_stack import lock as locks
from polarisctl.gpu_stack.lock import Wheel
from polarisctl.gpu_stack.unpack import BadWheel, destination, unpack
from polarisd.api.errors import ControlError
from tests.fakes.wheel_index import Member, make_lock, make_wheel
from tests.unit.gpu_stack_support import CUPY, TAG


def packed(tmp_path: Path, *members: Member) -> tuple[Path, Wheel]:
    path = make_wheel(tmp_path, CUPY, members)
    (wheel,) = locks.parse(json.loads(make_lock({TAG: [path]}))).pythons[TAG]
    return path, wheel


def unpacked(tmp_path: Path, *members: Member) -> Path:
    target = tmp_path / "stack"
    target.mkdir(exist_ok=True)
    unpack(*packed(tmp_path, *members), target, lambda done: None)
    return target


def files(target: Path) -> dict[str, bytes]:
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}


def test_modules_data_and_metadata(tmp_path: Path) -> None:
    done: list[int] = []
    path, wheel = packed(
        tmp_path,
        Member("cupy/", mode=stat.S_IFDIR | 0o777),
        Member("cupy/__init__.py", b"1"),
        Member("x-1.data/purelib/pure.py", b"2"),
        Member("x-1.data/platlib/sub/plat.so", b"3"),
        Member("x-1.data/scripts/tool", b"4"),
        Member("x-1.data/headers/tool.h", b"5"),
        Member("x-1.dist-info/METADATA", b"6"),
    )
    target = tmp_path / "stack"
    target.mkdir()
    unpack(path, wheel, target, done.append)
    assert files(target) == {
        "cupy/__init__.py": b"1",
        "pure.py": b"2",
        "sub/plat.so": b"3",
        "x-1.dist-info/METADATA": b"6",
    }
    assert done[-1] == wheel.unpacked_bytes


def test_nothing_can_be_run_or_written_by_others(tmp_path: Path) -> None:
    target = unpacked(tmp_path, Member("cupy/x.py", mode=stat.S_IFREG | 0o6777))
    assert stat.S_IMODE((target / "cupy/x.py").stat().st_mode) == 0o644


def test_a_file_of_two_wheels_has_to_be_the_same(tmp_path: Path) -> None:
    for content in (b"same", b"same"):
        target = unpacked(tmp_path, Member("nvidia/__init__.py", content))
    assert files(target) == {"nvidia/__init__.py": b"same"}
    with pytest.raises(ControlError, match="in another wheel too"):
        unpacked(tmp_path, Member("nvidia/__init__.py", b"other"))


@pytest.mark.parametrize(
    "name",
    ["/etc/cron.d/x", "../x", "a/../../x", "a/..", "./x", "a//b", "..", "a\\..\\b", "", "a/./b"],
)
def test_names_that_could_lead_out(name: str) -> None:
    with pytest.raises(BadWheel):
        destination(name)


@pytest.mark.parametrize("name", ["/abs", "../up", "a/../../up", "x-1.data/purelib/../../up"])
def test_an_archive_with_such_a_name_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(ControlError, match="an entry named"):
        unpacked(tmp_path, Member("fine.py", b"1"), Member(name, b"2"))
    assert list((tmp_path / "stack").iterdir()) == []


@given(st.text(st.sampled_from("ab./\\\0~-")))
def test_whatever_the_name_it_stays_inside(name: str) -> None:
    try:
        place = destination(name)
    except BadWheel:
        return
    inside = Path("/target")
    assert (inside / place).resolve().is_relative_to(inside)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK])
def test_what_is_no_plain_file(tmp_path: Path, kind: int) -> None:
    with pytest.raises(ControlError, match="neither a file nor a directory"):
        unpacked(tmp_path, Member("link", b"/etc", mode=kind | 0o777))


@pytest.mark.parametrize("field", ["entries", "unpacked_bytes"])
def test_more_than_the_lock_knows_of(tmp_path: Path, field: str) -> None:
    path, wheel = packed(tmp_path, Member("big", b"0" * 10_000_000))
    less = {name: getattr(wheel, name) for name in Wheel.__slots__}
    less[field] -= 1
    with pytest.raises(ControlError, match="and the lock says"):
        unpack(path, Wheel(**less), tmp_path, lambda done: None)
    assert not (tmp_path / "big").exists()


def test_what_is_no_archive(tmp_path: Path) -> None:
    path, wheel = packed(tmp_path, Member("x", b"1"))
    path.write_bytes(b"not a zip file")
    with pytest.raises(ControlError, match="cannot unpack"):
        unpack(path, wheel, tmp_path, lambda done: None)


def test_content_that_its_checksum_does_not_fit(tmp_path: Path) -> None:
    path, wheel = packed(tmp_path, Member("x", b"0" * 5000))
    with zipfile.ZipFile(path) as archive:
        start = archive.infolist()[0].header_offset
    data = bytearray(path.read_bytes())
    data[start + 14] ^= 1  # the CRC of the local header does not count; the directory's does
    where = data.rindex(b"PK\x01\x02") + 16
    data[where] ^= 1
    path.write_bytes(data)
    with pytest.raises(ControlError, match="cannot unpack"):
        unpack(path, wheel, tmp_path, lambda done: None)
