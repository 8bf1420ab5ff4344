"""`polarisctl gpu-setup` on a stack whose files are no longer what was installed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from polarisctl.gpu_stack import listing
from polarisd.bench.stack import Candidate
from tests.fakes.wheel_index import IndexServer
from tests.unit.gpu_stack_support import HELLO, TAG, WRONG, Bench, failure, make_wheels, serving

MODULE = "cupy/__init__.py"
LIBRARY = "nvidia/cublas/lib/x.so"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    make_wheels(tmp_path / "index")
    with serving(IndexServer(tmp_path / "index")) as server:
        bench = Bench(tmp_path, server)
        assert bench.run() == 0
        yield bench


def overwrite(path: Path) -> None:
    path.write_text("VERSION = 9\n")  # of the same size


def truncate(path: Path) -> None:
    os.truncate(path, 1)


def swap(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


DAMAGES: list[tuple[str, Callable[[Path], None], str]] = [
    (MODULE, overwrite, f"{MODULE} has been changed"),
    (MODULE, swap, f"{MODULE} is no plain file"),
    (LIBRARY, Path.unlink, f"{LIBRARY} is gone"),
    (LIBRARY, truncate, f"{LIBRARY} has 1 bytes, not 8000"),
    (listing.NAME, Path.unlink, f"cannot read {listing.NAME}"),
    (listing.NAME, truncate, "is no JSON"),
]


@pytest.mark.parametrize(("name", "spoil", "why"), DAMAGES)
def test_what_is_damaged_is_set_up_anew(
    bench: Bench, name: str, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(bench.place / TAG / name)
    error = failure(bench, check=True)
    assert error.code == "failed"
    assert why in error.message
    assert error.hint == "set it up anew: sudo polarisctl gpu-setup"
    assert bench.run() == 0
    assert "which cannot be used: " in bench.err.getvalue()
    assert why in bench.err.getvalue()
    assert bench.installed() == "VERSION = 1\n"
    assert (bench.place / TAG / LIBRARY).stat().st_size == 8000
    assert bench.run() == 0
    assert "nothing was to be done" in bench.out.getvalue()
    assert bench.run(check=True) == 0


def test_what_is_damaged_needs_root_to_be_mended(bench: Bench) -> None:
    overwrite(bench.place / TAG / MODULE)
    bench.euid = 1000
    assert failure(bench).code == "not_permitted"


def test_what_looks_right_and_does_not_work_has_to_be_removed_first(bench: Bench) -> None:
    assert bench.run(bench.host((HELLO, WRONG)), check=True, json=True) == 1
    assert json.loads(bench.out.getvalue())["hint"].endswith(
        "set it up anew: sudo polarisctl gpu-setup --remove, then sudo polarisctl gpu-setup"
    )


@pytest.mark.parametrize("check", [False, True])
def test_a_damaged_package_is_to_be_installed_again(bench: Bench, check: bool) -> None:
    (bench.root / "package").mkdir()
    stack = (bench.place / TAG).resolve()
    own = bench.host(package=Candidate(str(bench.root / "package"), "the package polaris-gpu"))
    stack.rename(bench.root / "package" / TAG)
    assert bench.run(own, check=check) == 0
    overwrite(bench.root / "package" / TAG / MODULE)
    assert "apt install --reinstall polaris-gpu" in failure(bench, own, check=check).hint


def test_many_files_that_are_gone_are_counted(tmp_path: Path) -> None:
    names = [f"{number}.py" for number in range(5)]
    for name in names:
        (tmp_path / name).write_text(name)
    listing.write(tmp_path)
    assert listing.damage(tmp_path) == ""
    for name in names:
        (tmp_path / name).unlink()
    told = "0.py is gone, 1.py is gone, 2.py is gone, and 2 more files"
    assert listing.damage(tmp_path) == told


def test_of_a_large_file_the_size_is_looked_at(tmp_path: Path) -> None:
    large = tmp_path / "large.so"
    large.write_bytes(b"a" * (listing.DIGEST_CAP_BYTES + 1))
    listing.write(tmp_path)
    large.write_bytes(b"b" * (listing.DIGEST_CAP_BYTES + 1))
    assert listing.damage(tmp_path) == ""
    large.write_bytes(b"b" * listing.DIGEST_CAP_BYTES)
    assert "large.so has" in listing.damage(tmp_path)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "lists no files"),
        ("{}", "lists no files"),
        ('{"a.py": 3}', "does not say what a.py is"),
        ('{"a.py": ["3", ""]}', "does not say what a.py is"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_list_that_is_none(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / listing.NAME).write_text(text)
    assert why in listing.damage(tmp_path)
