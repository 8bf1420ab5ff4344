"""The version and the range of Pythons are each said in more than one place."""

from __future__ import annotations

import re
from pathlib import Path

from polarisd import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGING = REPOSITORY / "packaging"


def test_the_package_has_the_programs_version() -> None:
    newest = (PACKAGING / "debian/changelog").read_text().splitlines()[0]
    assert re.fullmatch(r"polaris \((\S+)\) \S+; urgency=\w+", newest)
    assert f"({__version__})" in newest


def test_the_package_depends_on_the_pythons_that_its_libraries_are_built_for() -> None:
    pythons = [tuple(map(int, name.split("."))) for name in _words(PACKAGING / "pythons")]
    (oldest, *_, newest) = sorted(pythons)
    control = (PACKAGING / "debian/control").read_text()
    assert f"python3 (>= {oldest[0]}.{oldest[1]})" in control
    assert f"python3 (<< {newest[0]}.{newest[1] + 1}~)" in control
    project = (REPOSITORY / "pyproject.toml").read_text()
    span = f">={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}"
    assert f'requires-python = "{span}"' in project


def _words(path: Path) -> list[str]:
    return path.read_text().split()
