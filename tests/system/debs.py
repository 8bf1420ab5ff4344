"""Packages to install: this tree's, and one of the version that would follow it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

# What packaging/build-deb works from.
SOURCES = (
    "polarisd",
    "polarisctl",
    "systemd",
    "docs",
    "packaging",
    "README.md",
    "CHANGELOG.md",
    "polaris.toml.example",
)

# Compressing as for a release takes most of a build's time, and changes nothing of what is packed.
QUICK = {"DPKG_DEB_COMPRESSOR_TYPE": "gzip", "DPKG_DEB_COMPRESSOR_LEVEL": "1"}

ADDED_COMMENT = "# this line is new in the next version\n"


def build(tree: Path, out: Path) -> Path:
    command = [tree / "packaging/build-deb", out]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, **QUICK}
    )
    assert done.returncode == 0, done.stderr
    (package,) = out.glob("polaris_*.deb")
    return package


def version() -> str:
    changelog = REPOSITORY / "packaging/debian/changelog"
    return changelog.read_text().split("(", 1)[1].split(")", 1)[0]


def next_version() -> str:
    *first, last = version().split(".")
    return ".".join([*first, str(int(last) + 1)])


def tree_of_next_version(tree: Path) -> Path:
    """A copy of the sources whose version is one up, and whose example configuration differs."""
    for source in SOURCES:
        _copy(REPOSITORY / source, tree / source)
    (tree / ".cache").symlink_to(REPOSITORY / ".cache")
    _replace(tree / "polarisd/__init__.py", version(), next_version())
    _replace(tree / "packaging/debian/changelog", version(), next_version())
    example = tree / "polaris.toml.example"
    example.write_text(example.read_text() + ADDED_COMMENT)
    return tree


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
