"""The kernels of kernels.cu on a processor, by ctypes: no GPU, and the same source.

Made by the worker for the backend "host", and by the tests.  Imports kernel_device,
processor and host_build.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from polarisd.bench.worker import host_build
from polarisd.bench.worker.device import Buffer
from polarisd.bench.worker.kernel_device import KernelDevice, Launch, source, source_version
from polarisd.bench.worker.processor import ProcessorDevice, host, processors


class HostDevice(KernelDevice, ProcessorDevice):
    """Builds the kernels unless `cache` has them.  DeviceError if there is no compiler.

    Each call is shared among `threads`, as far as it has work for them.
    """

    backend = "host"

    def __init__(self, cache: Path | None, *, threads: int | None = None) -> None:
        self._build = host_build.load(source(), cache)
        self.multiprocessors = threads or processors()
        self._pool = ThreadPoolExecutor(self.multiprocessors, "kernel")

    def versions(self) -> dict[str, str]:
        more = {"compiler": self._build.compiler, "kernels": source_version()}
        return {**super().versions(), **more}

    def launch(self, kernel: str, shape: Launch, arguments: Sequence[int]) -> None:
        function = getattr(self._build.library, kernel)
        function.restype = None
        words = [ctypes.c_uint64(argument) for argument in arguments]
        parts = min(self.multiprocessors, shape.blocks)

        def run(part: int) -> None:
            # ctypes lets go of the interpreter's lock meanwhile.
            function(ctypes.c_uint64(part), ctypes.c_uint64(parts), *words)

        if parts == 1:
            run(0)
            return
        for done in [self._pool.submit(run, part) for part in range(parts)]:
            done.result()

    def zero(self, buffer: Buffer, nbytes: int) -> None:
        host(buffer).entries("i8", nbytes)[:] = 0
