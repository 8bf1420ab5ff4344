"""`polarisctl gpu-setup`: where the wheels are from, and what of the host it goes by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polarisd.api.errors import ControlError
from polarisd.api.reading import Unknown
from polarisd.bench.stack import find_stack
from tests.fakes.wheel_index import IndexServer
from tests.unit.gpu_stack_support import (
    CUBLAS,
    CUPY,
    DRIVER,
    TAG,
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


def test_from_a_directory(bench: Bench) -> None:
    assert bench.run(from_directory=str(bench.server.directory)) == 0
    assert bench.server.seen == []
    assert "copying nvidia-cublas-cu12" in bench.err.getvalue()
    assert "downloading" not in bench.err.getvalue()
    assert bench.installed() == "VERSION = 1\n"


def test_from_a_directory_that_lacks_one_or_has_another(bench: Bench, tmp_path: Path) -> None:
    own = bench.host()
    elsewhere = tmp_path / "elsewhere"
    make_wheels(elsewhere, b"OTHER")
    error = failure(bench, own, from_directory=str(elsewhere))
    assert "SHA-256" in error.message
    for path in elsewhere.iterdir():
        path.unlink()
    lines = failure(bench, own, from_directory=str(elsewhere)).message.splitlines()
    assert lines == [  # all of them at once, before anything is planned or asked
        f"cannot take {name} from {elsewhere}: it is not there" for name in (CUPY, CUBLAS)
    ]
    assert bench.err.getvalue() == ""
    with pytest.raises(ControlError, match="not a directory"):
        bench.run(own, from_directory=str(tmp_path / "nowhere"))


def test_libraries_of_the_system_are_used_or_not(bench: Bench, tmp_path: Path) -> None:
    lines = []
    for name in ("libcublas.so.12", "libcublasLt.so.12"):
        library = tmp_path / f"{name}.9.1.4"
        library.write_text("")
        (tmp_path / name).symlink_to(library)
        lines.append(f"\t{name} (libc6,x86-64) => {tmp_path / name}")
    own = bench.host(libraries=lambda: "\n".join(lines))
    assert bench.run(own) == 0
    assert f"{tmp_path}/libcublas.so.12.9.1.4, this system's" in bench.err.getvalue()
    assert bench.downloads == [f"/files/{CUPY}"]
    # one that goes is noticed, and the wheel comes in its place
    library.unlink()
    assert find_stack((own.own,), TAG) is None
    assert bench.run() == 0
    assert bench.downloads == [f"/files/{CUPY}", f"/files/{CUPY}", f"/files/{CUBLAS}"]
    assert bench.run(own, no_system=True) == 0
    assert "nothing was to be done" in bench.out.getvalue()


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        (None, "none is loaded; CUDA 12 needs 525.60.13 or newer"),
        (DRIVER.format("515.105.01"), "515.105.01 is too old; CUDA 12 needs 525.60.13 or newer"),
        (DRIVER.format("525.60.13"), ""),
        ("of tomorrow", ""),
        (Unknown("read_error", "Input/output error"), ""),
    ],
)
def test_a_driver_that_will_not_do_is_told_of_and_no_obstacle(
    bench: Bench, driver: object, said: str
) -> None:
    assert bench.run(bench.host(driver=lambda: driver)) == 0
    lines = [line for line in bench.err.getvalue().splitlines() if line.startswith("  driver")]
    assert lines == ([f"  driver      {said}; how: polarisctl doctor"] if said else [])


@pytest.mark.parametrize(
    ("verb", "option", "value"),
    [
        ("check", "yes", True),
        ("check", "no_system", True),
        ("check", "index_url", "http://127.0.0.1/"),
        ("remove", "no_system", True),
        ("remove", "from_directory", "/"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    bench: Bench, verb: str, option: str, value: Any
) -> None:
    bench.run()
    error = failure(bench, **{verb: True, option: value})
    assert error.code == "usage"
    assert error.message.endswith(f"cannot go with --{verb}")
    assert bench.installed() is not None


def test_the_package_comes_first(bench: Bench) -> None:
    bench.run()
    package = bench.root / "package"
    package.mkdir()
    os.rename(bench.place / os.readlink(bench.place / TAG), package / TAG)
    bench.run(remove=True)
    assert bench.run() == 0
    assert "from the package polaris-gpu" in bench.out.getvalue()
    assert not bench.place.exists()
