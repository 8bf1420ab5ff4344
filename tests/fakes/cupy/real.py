"""The real CuPy without a GPU, for tests that hold the fake to it.

It is taken from `$POLARIS_CUPY` or .cache/cupy, which `pip install --target` fills, or from
where this interpreter has it.  What it must find in order to load, cuBLAS, is an empty
library that is built here.
"""

from __future__ import annotations

import os
import site
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def real_site() -> Path:
    """Where the real CuPy is.  Skips the test if it is nowhere."""
    given = os.environ.get("POLARIS_CUPY")
    places = [Path(given)] if given else [ROOT / ".cache" / "cupy"]
    for place in (*places, *map(Path, site.getsitepackages())):
        if (place / "cupy_backends").is_dir():
            return place
    pytest.skip("CuPy is neither in .cache/cupy nor installed")


def real_environ(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(real_site()), **more}


def stand_ins(directory: Path) -> dict[str, str]:
    """An environment with a cuBLAS that has every function, none of which does anything."""
    (binding,) = (real_site() / "cupy_backends/cuda/libs").glob("cublas.*.so")
    listing = _told("nm", "-D", "--undefined-only", str(binding))
    lines = [line for line in listing.splitlines() if "cublas" in line]
    symbols = {line.split()[-1].partition("@")[0] for line in lines}
    needed = _told("readelf", "-d", str(binding))
    number = needed.partition("[libcublas.so.")[2].partition("]")[0]
    name = f"libcublas.so.{number}"
    source = "\n".join(f"int {symbol}(void) {{ return 1; }}" for symbol in sorted(symbols))
    versions = directory / "versions"
    versions.write_text(f"{name} {{ global: *; }};\n")
    options = [f"-Wl,-soname,{name}", f"-Wl,--version-script={versions}"]
    build(source, directory / name, *options)
    build("int nothing;", directory / f"libcublasLt.so.{number}")
    return real_environ(LD_LIBRARY_PATH=str(directory))


def build(source: str, library: Path, *options: str) -> None:
    command = ["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", *options, "-o", str(library)]
    subprocess.run(command, input=source, text=True, check=True)


def _told(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
