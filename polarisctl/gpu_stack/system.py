"""CUDA libraries that the system has already, used instead of a wheel where they fit.  Pure.

`ldconfig -p` says where they are; the version is in the name of the file behind the link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

# The wheels that a system can spare, and the libraries that take the place of each.  The
# headers in nvidia-cuda-runtime-cu12 are small, and must be there for the compiler.
REPLACES = {
    "nvidia-cublas-cu12": ("libcublas.so.12", "libcublasLt.so.12"),
    "nvidia-cuda-nvrtc-cu12": ("libnvrtc.so.12",),
}
# The first CUDA that knows the Blackwell GPUs: older ones neither compile for them nor have
# their products of matrices.
OLDEST = (12, 8)
NEXT_MAJOR = (13,)

_LINE = re.compile(r"^\s*(\S+) \((libc6[^)]*)\) => (\S+)$")
_VERSION = re.compile(r"\.so\.(\d+(?:\.\d+)+)$")


@dataclass(frozen=True, slots=True)
class Spared:
    """A wheel that is not needed: soname -> the system's own file."""

    project: str
    libraries: dict[str, str]


def parse_ldconfig(text: str) -> dict[str, str]:
    """soname -> path of the 64-bit libraries in the output of `ldconfig -p`, first come first."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and "x86-64" in match[2]:
            found.setdefault(match[1], match[3])
    return found


def version_of(file: str) -> tuple[int, ...] | None:
    """libnvrtc.so.12.9.86 is (12, 9, 86)."""
    match = _VERSION.search(file)
    return tuple(map(int, match[1].split("."))) if match else None


def fits(file: str) -> bool:
    version = version_of(file)
    return version is not None and OLDEST <= version < NEXT_MAJOR


def spared(libraries: Mapping[str, str], resolve: Callable[[str], str]) -> tuple[Spared, ...]:
    """The wheels that these libraries stand in for; `resolve` follows links."""
    result = []
    for project, sonames in REPLACES.items():
        files = {name: resolve(libraries[name]) for name in sonames if name in libraries}
        if len(files) == len(sonames) and all(map(fits, files.values())):
            result.append(Spared(project, files))
    return tuple(result)
