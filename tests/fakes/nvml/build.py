"""Builds the fake libnvidia-ml.so.1, one per driver branch, on first use.

Sources: engine/*.c, the shared state from layout.py, and NVIDIA's own nvml.h (from the
PyPI package nvidia-nvml-dev), so that every prototype is checked by the compiler. What the
engine does not implement is filled in with stubs that answer NOT_SUPPORTED; what a driver
branch lacks is left out of its exports. Results are kept under .cache/, by source hash.
"""

import contextlib
import functools
import hashlib
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import layout

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).parent
ENGINE = HERE / "engine"
LIBRARY = "libnvidia-ml.so.1"
DEFAULT_CACHE = HERE.parents[2] / ".cache" / "fake-nvml"
FLAGS = ("-std=gnu11", "-O1", "-fPIC", "-Wall", "-Wextra", "-Werror")

_DECLARATION = re.compile(r"\bDECLDIR\s+(?:char\s*\*\s*)?(nvml\w+)\s*\(")


@dataclass(frozen=True)
class Branch:
    """A driver branch: what a library of that age knows."""

    name: str
    cuda: int
    field_max: int
    absent: frozenset[str]


def branch_of(driver: str) -> Branch:
    """The newest branch modelled that is not newer than `driver`."""
    major = int(driver.partition(".")[0])
    known = [branch for branch in branches() if int(branch.name) <= major]
    if not known:
        raise ValueError(f"driver {driver} is older than {branches()[0].name}, the oldest modelled")
    return known[-1]


@functools.cache
def branches() -> tuple[Branch, ...]:
    tables = list(tomllib.loads((HERE / "drivers.toml").read_text()).items())
    return tuple(
        Branch(
            name=name,
            cuda=table["cuda"],
            field_max=table["field_max"],
            absent=frozenset(f for _, later in tables[i + 1 :] for f in later["brought"]),
        )
        for i, (name, table) in enumerate(tables)
        if name != "later"
    )


@functools.cache
def header() -> Path:
    """Where nvml.h is: beside the packages of this interpreter, or in $NVML_INCLUDE."""
    given = os.environ.get("NVML_INCLUDE")
    candidates = [Path(given)] if given else []
    candidates += sorted(Path(sysconfig.get_paths()["purelib"], "nvidia").glob("*/include"))
    for directory in candidates:
        if (directory / "nvml.h").exists():
            return directory / "nvml.h"
    raise FileNotFoundError("cannot find nvml.h: pip install nvidia-nvml-dev")


@functools.cache
def functions() -> dict[str, int]:
    """The id of every function that nvml.h declares."""
    names = sorted(set(_DECLARATION.findall(header().read_text())))
    if len(names) > layout.MAX_FUNCTIONS:
        raise ValueError(f"nvml.h declares {len(names)} functions: raise layout.MAX_FUNCTIONS")
    return {name: number for number, name in enumerate(names)}


@functools.cache
def build() -> Path:
    """The directory with one library per branch, `<branch>/libnvidia-ml.so.1`.

    Safe when several processes build at once: each builds in a directory of its own and the
    first to finish publishes it.
    """
    cache = Path(os.environ.get("FAKE_NVML_CACHE", DEFAULT_CACHE))
    done = cache / _source_hash()
    if done.exists():
        return done
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as work:
        product = Path(work, "product")
        _build_in(Path(work), product)
        with contextlib.suppress(OSError):  # another process was faster
            product.rename(done)
    return done


def _source_hash() -> str:
    digest = hashlib.sha256()
    sources = (Path(__file__), HERE / "drivers.toml", header(), *sorted(ENGINE.iterdir()))
    for text in (layout.c_header(), _compiler(), *(s.read_text() for s in sources)):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:16]


def _compiler() -> str:
    return os.environ.get("CC", "gcc")


def _build_in(work: Path, product: Path) -> None:
    (work / "layout.h").write_text(layout.c_header())
    (work / "functions.h").write_text(_functions_header())
    engine = [str(path) for path in sorted(ENGINE.glob("*.c"))]
    includes = (f"-I{work}", f"-I{ENGINE}", f"-I{header().parent}")
    _run([_compiler(), *FLAGS, *includes, "-c", *engine], work)
    written = _defined(sorted(work.glob("*.o")))
    (work / "stubs.c").write_text(_stubs([name for name in functions() if name not in written]))
    _run([_compiler(), *FLAGS, *includes, "-c", "stubs.c"], work)
    objects = [str(path) for path in sorted(work.glob("*.o"))]
    for branch in branches():
        (product / branch.name).mkdir(parents=True)
        exports = work / f"{branch.name}.map"
        exports.write_text(_version_script(branch))
        options = ("-shared", f"-Wl,-soname,{LIBRARY}", f"-Wl,--version-script={exports}")
        library = product / branch.name / LIBRARY
        _run([_compiler(), *options, *objects, "-lpthread", "-o", str(library)], work)


def _functions_header() -> str:
    ids = "".join(f"  FN_{name} = {number},\n" for name, number in functions().items())
    return f"/* Written by build.py. */\nenum fake_function {{\n{ids}}};\n"


def _stubs(names: Sequence[str]) -> str:
    lines = [
        '#include "functions.h"',
        "int fake_stub(enum fake_function function, const void *first_argument);",
    ]
    lines += [f"int {n}(const void *first) {{ return fake_stub(FN_{n}, first); }}" for n in names]
    return "\n".join(lines) + "\n"


def _version_script(branch: Branch) -> str:
    exported = "".join(f"  {name};\n" for name in functions() if name not in branch.absent)
    return f"{{\nglobal:\n{exported}local:\n  *;\n}};\n"


def _defined(objects: Sequence[Path]) -> set[str]:
    listing = _run(["nm", "--defined-only", *map(str, objects)], objects[0].parent)
    return set(re.findall(r" T (nvml\w+)", listing))


def _run(command: Sequence[str], directory: Path) -> str:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"cannot build the fake NVML: {command[0]} said\n{done.stderr}")
    return done.stdout
