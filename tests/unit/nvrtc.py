"""NVIDIA's run-time compiler, from the PyPI package nvidia-cuda-nvrtc-cu12.  Needs no GPU."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import files

_LIBRARY = "libnvrtc.so.12"
_ENTRY = re.compile(r"Compiling entry function '(\w+)'")
_STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")


@dataclass(frozen=True, slots=True)
class Compiled:
    """`log` is empty if there was nothing to say; `cubin` if it did not compile."""

    log: str
    cubin: bytes
    ptx: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What one kernel takes of the GPU, as ptxas reports it."""

    registers: int
    stack_bytes: int
    spill_bytes: int


def library() -> ctypes.CDLL:
    for file in files("nvidia-cuda-nvrtc-cu12") or []:
        if file.name == _LIBRARY:
            return ctypes.CDLL(str(file.locate()))
    raise FileNotFoundError(f"nvidia-cuda-nvrtc-cu12 has no {_LIBRARY}")


def compile_source(source: str, architecture: str, *options: str) -> Compiled:
    nvrtc = library()
    program = ctypes.c_void_p()
    begun = nvrtc.nvrtcCreateProgram(
        ctypes.byref(program), source.encode(), b"kernels.cu", 0, None, None
    )
    assert begun == 0
    words = [f"--gpu-architecture={architecture}", "--std=c++17", *options]
    encoded = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
    try:
        failed = nvrtc.nvrtcCompileProgram(program, len(words), encoded)
        log = _text(nvrtc, program, "ProgramLog")
        if failed:
            return Compiled(log, b"", "")
        real = architecture.startswith("sm_")
        cubin = _bytes(nvrtc, program, "CUBIN") if real else b""
        return Compiled(log, cubin, "" if real else _text(nvrtc, program, "PTX"))
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def usage(log: str) -> dict[str, Usage]:
    """By kernel, from what ptxas says under -v."""
    found: dict[str, Usage] = {}
    name = ""
    stack: Sequence[int] = ()
    for line in log.splitlines():
        if entry := _ENTRY.search(line):
            name = entry[1]
        elif frame := _STACK.search(line):
            stack = [int(number) for number in frame.groups()]
        elif used := _REGISTERS.search(line):
            found[name] = Usage(int(used[1]), stack[0], stack[1] + stack[2])
    return found


def _bytes(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> bytes:
    size = ctypes.c_size_t()
    assert getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)) == 0
    buffer = ctypes.create_string_buffer(size.value)
    assert getattr(nvrtc, f"nvrtcGet{what}")(program, buffer) == 0
    return buffer.raw


def _text(nvrtc: ctypes.CDLL, program: ctypes.c_void_p, what: str) -> str:
    return _bytes(nvrtc, program, what).rstrip(b"\0").decode().strip()
