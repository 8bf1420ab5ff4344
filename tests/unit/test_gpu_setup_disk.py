"""`polarisctl gpu-setup` where the disk refuses, or something else is in the way."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polarisctl.failures import EXIT_FAILED, exit_code
from polarisctl.gpu_stack.disk import disk_errors_told
from polarisctl.gpu_stack.place import Place
from polarisd.api.errors import ControlError
from tests.fakes.wheel_index import IndexServer
from tests.unit.gpu_stack_support import CUPY, Bench, failure, make_wheels, serving

# A directory that nobody may change, root neither: the kernel's own.
PROTECTED = Path("/proc/self/fdinfo")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    make_wheels(tmp_path / "index")
    with serving(IndexServer(tmp_path / "index")) as server:
        yield Bench(tmp_path, server)


def file_for_place(place: Path) -> Path:
    place.write_text("")
    return place


def dangling_place(place: Path) -> Path:
    place.symlink_to("nowhere")
    return place


def directory_for_lock(place: Path) -> Path:
    (place / "lock").mkdir(parents=True)
    return place / "lock"


def link_for_lock(place: Path) -> Path:
    place.mkdir()
    (place / "lock").symlink_to(place.parent / "index" / CUPY)
    return place / "lock"


@pytest.mark.parametrize("remove", [False, True])
@pytest.mark.parametrize("put", [file_for_place, dangling_place, directory_for_lock, link_for_lock])
def test_what_is_in_the_way_is_named(
    bench: Bench, put: Callable[[Path], Path], remove: bool
) -> None:
    bench.host()
    wheel = (bench.server.directory / CUPY).read_bytes()
    path = put(bench.place)
    error = failure(bench, remove=remove)
    assert exit_code(error) == EXIT_FAILED
    assert error.message.startswith(f"cannot use {path}: it is not a ")
    assert f"sudo rm -r {path}" in error.hint
    assert os.path.lexists(path)
    assert (bench.server.directory / CUPY).read_bytes() == wheel


def linked_downloads(place: Path) -> Path:
    elsewhere = place.parent / "elsewhere"
    elsewhere.mkdir()
    place.mkdir()
    (place / "downloads").symlink_to(elsewhere)
    return place / "downloads"


def file_for_downloads(place: Path) -> Path:
    place.mkdir()
    (place / "downloads").write_text("")
    return place / "downloads"


def dangling_wheel(place: Path) -> Path:
    (place / "downloads").mkdir(parents=True)
    (place / "downloads" / CUPY).symlink_to("nowhere")
    return place / "downloads" / CUPY


def linked_part(place: Path) -> Path:
    (place / "downloads").mkdir(parents=True)
    (place / "downloads" / f"{CUPY}.part").symlink_to(place.parent / "target")
    return place / "downloads" / f"{CUPY}.part"


@pytest.mark.parametrize("from_directory", [False, True])
@pytest.mark.parametrize("put", [linked_downloads, file_for_downloads, dangling_wheel, linked_part])
def test_downloads_go_where_they_belong_or_nowhere(
    bench: Bench, put: Callable[[Path], Path], from_directory: bool
) -> None:
    path = put(bench.place)
    before = sorted(bench.root.rglob("*"))
    source = str(bench.server.directory) if from_directory else None
    error = failure(bench, from_directory=source)
    assert exit_code(error) == EXIT_FAILED
    assert error.message.startswith(f"cannot use {path}: it is not a ")
    assert f"sudo rm -r {path}" in error.hint
    assert sorted(bench.root.rglob("*")) == before
    # and all of it can be taken away, what a link leads to excepted
    assert bench.run(remove=True) == 0
    assert not bench.place.exists()
    assert bench.run() == 0
    assert bench.installed() == "VERSION = 1\n"


@pytest.mark.parametrize("remove", [False, True])
def test_a_place_that_cannot_be_changed(bench: Bench, remove: bool) -> None:
    error = failure(bench, bench.host(place=Place(PROTECTED)), remove=remove)
    assert exit_code(error) == EXIT_FAILED
    assert error.message.startswith(f"cannot write {PROTECTED}: ")
    assert f"lsattr -d {PROTECTED}" in error.hint


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some disk at /place"),
        (errno.EDQUOT, "free some disk at /place"),
        (errno.EROFS, "mount the disk of /place for writing"),
        (errno.EACCES, "use sudo"),
        (errno.EIO, "dmesg"),
        (errno.EISDIR, "look at /place/x as root"),
    ],
)
def test_each_refusal_of_a_disk_has_its_remedy(number: int, remedy: str) -> None:
    with pytest.raises(ControlError) as caught, disk_errors_told(Path("/place")):
        raise OSError(number, os.strerror(number), "/place/x")
    assert caught.value.message == f"cannot write /place/x: {os.strerror(number)}"
    assert remedy in caught.value.hint


def test_an_output_that_is_closed_is_not_the_disks_fault() -> None:
    with pytest.raises(BrokenPipeError), disk_errors_told(Path("/place")):
        raise BrokenPipeError
