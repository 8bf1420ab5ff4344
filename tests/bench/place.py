"""An installation like the package's, in a directory of its own, from this tree.

The same launchers, isolated interpreter and order of sys.path, all of it compiled;
the libraries are those of the environment that runs the benchmarks.
"""

from __future__ import annotations

import compileall
import os
import re
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# the interpreter under the virtual environment, which is what a package would use
PYTHON = os.path.realpath(sys.executable)
BARE = (PYTHON, "-I", "-S", "-c", "pass")


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are; `directory` is for whatever else a benchmark makes."""

    directory: Path
    polarisd: Path
    polarisctl: Path


def install(directory: Path) -> Place:
    library = directory / "lib"
    for package in ("polarisd", "polarisctl"):
        shutil.copytree(
            REPOSITORY / package,
            library / "app" / package,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for name in _locked():
        _copy_distribution(name, library / "vendor")
    compileall.compile_dir(library, quiet=1)
    return Place(
        directory, _launcher("polarisd", directory, library),
        _launcher("polarisctl", directory, library),
    )  # fmt: skip


def _locked() -> list[str]:
    """The names of what the package brings along."""
    lock = (REPOSITORY / "packaging/lock/core.txt").read_text()
    return re.findall(r"^([A-Za-z0-9_.-]+)==", lock, re.MULTILINE)


def _copy_distribution(name: str, vendor: Path) -> None:
    try:
        files = distribution(name).files or []
    except PackageNotFoundError:
        return  # one that only another version of Python needs
    for file in files:
        source, target = Path(str(file.locate())), vendor / file
        # what was not installed from a wheel may list more files than there are
        if file.suffix in (".py", ".so") and ".." not in file.parts and source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def _launcher(name: str, directory: Path, library: Path) -> Path:
    text = (REPOSITORY / "packaging/launchers" / name).read_text()
    text = text.replace("/usr/lib/polaris", str(library)).replace("/usr/bin/python3", PYTHON, 1)
    path = directory / name
    path.write_text(text)
    path.chmod(0o755)
    return path
