"""RawModule: CUDA source, built by g++ on emulation.h, and its kernels launched."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._machine import MACHINE, CUDADriverError
from .cuda.compiler import CompileException

_HEADER = Path(__file__).with_name("emulation.h")
_CACHE = Path(os.environ.get("FAKE_CUPY_CACHE", Path(__file__).parents[5] / ".cache/fake-cupy"))
_KERNEL = re.compile(
    r"__global__\s+void\s+(?:__launch_bounds__\((\d+)\)\s+)?(\w+)\s*\(([^)]*)\)", re.DOTALL
)
_SIZES = {"u64": 8, "long": 8, "u32": 4, "int": 4, "unsigned": 4, "float": 4, "double": 8}
_MAX_PARAMETERS = 12


class RawModule:
    def __init__(self, code: str | None = None, *, options: tuple[str, ...] = ()) -> None:
        MACHINE.check()
        if MACHINE.script.get("no_nvrtc"):
            raise RuntimeError('Failure finding "libnvrtc.so.12"')
        assert code is not None
        self._kernels = _kernels_of(code)
        self._library = ctypes.CDLL(str(_build(code)))

    def get_function(self, name: str) -> Any:
        if name not in self._kernels:
            raise CUDADriverError(500)
        most_threads, sizes = self._kernels[name]
        return _Kernel(self._library, name, most_threads, sizes)


class _Kernel:
    def __init__(
        self, library: ctypes.CDLL, name: str, most_threads: int, sizes: Sequence[int]
    ) -> None:
        self._launch = library.emulation_launch
        self._entry = ctypes.cast(getattr(library, name), ctypes.c_void_p)
        self._most_threads = most_threads
        self._sizes = sizes

    def __call__(self, grid: tuple[int], block: tuple[int], args: Sequence[Any]) -> None:
        MACHINE.check()
        if not 0 < block[0] <= self._most_threads or not 0 < grid[0] < 1 << 31:
            raise CUDADriverError(701)
        if [np.asarray(a).itemsize for a in args] != list(self._sizes):
            raise TypeError(f"the kernel's parameters have {self._sizes} bytes, given: {args}")
        MACHINE.launch()
        words = (ctypes.c_uint64 * _MAX_PARAMETERS)(*map(int, args))
        status = self._launch(self._entry, words, ctypes.c_uint(grid[0]), ctypes.c_uint(block[0]))
        if status:
            MACHINE.break_down(status)


def _kernels_of(code: str) -> dict[str, tuple[int, list[int]]]:
    """Each kernel's launch bound, and its parameters' sizes, from the preprocessed source."""
    text = _run(["g++", "-E", "-P", "-x", "c++", "-"], code, code)
    found = {}
    for bound, name, parameters in _KERNEL.findall(text):
        found[name] = (int(bound or 1024), [_size(p) for p in parameters.split(",")])
    return found


def _size(parameter: str) -> int:
    if "*" in parameter:
        return 8
    return max(_SIZES[word] for word in parameter.split()[:-1] if word != "const")


def _build(code: str) -> Path:
    text = f'#include "{_HEADER}"\n#line 1\n{code}'
    digest = hashlib.sha256((_HEADER.read_text() + text).encode()).hexdigest()[:16]
    done = _CACHE / f"{digest}.so"
    if not done.exists():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE) as work:
            product = Path(work, "product.so")
            flags = ["-std=c++17", "-O2", "-w", "-shared", "-fPIC", "-fno-strict-aliasing"]
            _run(["g++", *flags, "-x", "c++", "-", "-o", str(product)], text, code)
            with contextlib.suppress(OSError):  # another process was faster
                product.rename(done)
    return done


def _run(command: Sequence[str], text: str, code: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileException(done.stderr, code, "kernels.cu", ())
    return done.stdout
