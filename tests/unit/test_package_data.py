"""What is no Python comes along wherever the package goes."""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
PACKAGES = ("polarisd", "polarisctl")


def data_files() -> list[Path]:
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    return [path for path in files if path.suffix not in (".py", ".pyc")]


def test_a_wheel_takes_all_data_along() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["*"]
    assert ROOT / "polarisd/bench/worker/kernels.cu" in data_files()
    for path in data_files():
        assert any(fnmatch(path.name, pattern) for pattern in patterns), path
        assert (path.parent / "__init__.py").exists(), f"{path} is in no package"


def test_the_debian_package_takes_whole_directories() -> None:
    rules = (ROOT / "packaging/debian/rules").read_text()
    assert f"cp -r {' '.join(PACKAGES)} $(library)/app/" in rules
