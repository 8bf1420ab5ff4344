"""A GPU through CuPy: kernels.cu by NVRTC, products by cuBLAS.  The only importer of cupy.

main.py opens it.  Only what cupy-cuda12x and cupy-cuda13x 14.2 both have is used, and it
is imported when a device is opened, so that this module can be read without a GPU stack.
Memory comes from CUDA itself, not from CuPy's pools, so that what is freed is free.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from polarisd.bench.worker import demands
from polarisd.bench.worker.cuda_errors import (
    cublas_error,
    cuda_error,
    no_device,
    version_text,
)
from polarisd.bench.worker.cuda_memory import Allocation, CudaBuffer, CudaPinned
from polarisd.bench.worker.device import (
    DTYPES,
    NO_COMPILER,
    NO_STACK,
    Array,
    Buffer,
    DeviceError,
    DeviceInfo,
    Kind,
    Mark,
    Pinned,
    Product,
)
from polarisd.bench.worker.kernel_device import (
    KERNELS,
    KernelDevice,
    Launch,
    source,
    source_version,
)
from polarisd.bench.worker.remedies import SETUP_HINT

# cudaDataType_t
_R_32F, _R_16F, _R_8I, _R_32I, _R_16BF = 0, 2, 3, 10, 14
_OPERAND_TYPES: dict[Product, int] = {
    "bf16": _R_16BF,
    "fp16": _R_16F,
    "int8": _R_8I,
    "fp32": _R_32F,
    "tf32": _R_32F,
}
_STREAM = 0  # the default one, in which everything happens in order


class _Cuda:
    """CuPy's modules, once they are known to load, and their errors as DeviceErrors."""

    def __init__(self) -> None:
        # Compiled kernels are neither kept on the disk nor taken from there.
        os.environ["CUPY_CACHE_IN_MEMORY"] = "1"
        try:
            import cupy
            from cupy_backends.cuda.api import driver, runtime
            from cupy_backends.cuda.libs import cublas, nvrtc
        except Exception as error:  # its own libraries, or theirs, in whatever state
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            raise DeviceError(NO_STACK, f"cannot load CuPy: {why}", SETUP_HINT) from error
        self.cupy: Any = cupy
        self.runtime: Any = runtime
        self.cublas: Any = cublas
        self.nvrtc: Any = nvrtc
        self._cuda_errors: Any = (runtime.CUDARuntimeError, driver.CUDADriverError)

    @contextmanager
    def errors(self) -> Iterator[None]:
        try:
            yield
        except self._cuda_errors as error:
            raise cuda_error(error.status, str(error)) from error
        except self.cublas.CUBLASError as error:
            raise cublas_error(error.status, str(error)) from error

    def find_device(self) -> None:
        """Make CUDA's first device, the only one that this process is shown, ours."""
        try:
            self.runtime.getDeviceCount()
            self.runtime.setDevice(0)
            self.runtime.free(0)  # starts the context
        except self._cuda_errors as error:
            version = self.runtime.driverGetVersion()
            raise no_device(error.status, str(error), version) from error

    def compile(self) -> dict[str, Any]:
        """The kernels by name."""
        try:
            with self.errors():
                module = self.cupy.RawModule(code=source(), options=("--std=c++17",))
                return {name: module.get_function(name) for name in KERNELS}
        except self.cupy.cuda.compiler.CompileException as error:
            message = f"NVRTC cannot compile the kernels: {error}"
            raise DeviceError(NO_COMPILER, message[:2000], SETUP_HINT) from error
        except (ImportError, RuntimeError) as error:  # how a missing libnvrtc shows
            why = f"{error}".splitlines()[0] if f"{error}" else type(error).__name__
            raise DeviceError(NO_COMPILER, f"cannot use NVRTC: {why}", SETUP_HINT) from error


class CupyDevice(KernelDevice):
    backend = "cupy"

    def __init__(self) -> None:
        """Raises DeviceError: no stack, no GPU, no compiler."""
        self._cuda = _Cuda()
        self._cuda.find_device()
        with self._cuda.errors():
            device = self._cuda.cupy.cuda.Device(0)
            self.multiprocessors = int(device.attributes["MultiProcessorCount"])
            self._cublas_handle = device.cublas_handle
        self._kernels = self._cuda.compile()

    def describe(self) -> DeviceInfo:
        with self._cuda.errors():
            properties = self._cuda.runtime.getDeviceProperties(0)
            free_bytes, total_bytes = self._cuda.runtime.memGetInfo()
            versions = {
                "cupy": str(self._cuda.cupy.__version__),
                "cuda_runtime": version_text(self._cuda.runtime.runtimeGetVersion()),
                "cuda_driver": version_text(self._cuda.runtime.driverGetVersion()),
                "cublas": str(self._cuda.cublas.getVersion(self._cublas_handle)),
                "nvrtc": ".".join(map(str, self._cuda.nvrtc.getVersion())),
                "numpy": np.__version__,
                "kernels": source_version(),
            }
        return DeviceInfo(
            name=properties["name"].decode(errors="replace"),
            uuid=uuid_text(properties["uuid"], os.environ.get("CUDA_VISIBLE_DEVICES", "")),
            total_bytes=int(total_bytes),
            free_bytes=int(free_bytes),
            compute_capability=f"{properties['major']}.{properties['minor']}",
            multiprocessors=self.multiprocessors,
            versions=versions,
        )

    # Memory.

    def empty(self, count: int, kind: Kind) -> CudaBuffer:
        demands.for_empty(count, kind)
        memory = Allocation(self._cuda, count * DTYPES[kind].itemsize)
        return CudaBuffer(memory, kind, 0, count)

    def from_host(self, array: Array) -> CudaBuffer:
        array = np.ascontiguousarray(array)
        buffer = self.empty(array.size, demands.kind_of(array))
        self._copy_now(buffer.address, array.ctypes.data, buffer.nbytes, "HostToDevice")
        return buffer

    def to_host(self, buffer: Buffer) -> Array:
        array = np.empty(buffer.count, DTYPES[buffer.kind])
        self._copy_now(array.ctypes.data, buffer.address, buffer.nbytes, "DeviceToHost")
        return array

    def zero(self, buffer: Buffer, nbytes: int) -> None:
        with self._cuda.errors():
            self._cuda.runtime.memsetAsync(buffer.address, 0, nbytes, _STREAM)

    def copy(self, dst: Buffer, src: Buffer, nbytes: int) -> None:
        demands.for_copy(dst, src, nbytes)
        self._copy_later(dst.address, src.address, nbytes, "DeviceToDevice")

    def pinned(self, nbytes: int) -> CudaPinned:
        return CudaPinned(self._cuda, nbytes)

    def upload(self, pinned: Pinned, dst: Buffer, nbytes: int) -> None:
        demands.for_transfer(dst, pinned, nbytes)
        self._copy_later(dst.address, pinned.array.ctypes.data, nbytes, "HostToDevice")

    def download(self, src: Buffer, pinned: Pinned, nbytes: int) -> None:
        demands.for_transfer(src, pinned, nbytes)
        self._copy_later(pinned.array.ctypes.data, src.address, nbytes, "DeviceToHost")

    def _copy_now(self, dst: int, src: int, nbytes: int, way: str) -> None:
        runtime = self._cuda.runtime
        with self._cuda.errors():
            runtime.memcpy(dst, src, nbytes, getattr(runtime, f"memcpy{way}"))

    def _copy_later(self, dst: int, src: int, nbytes: int, way: str) -> None:
        runtime = self._cuda.runtime
        with self._cuda.errors():
            runtime.memcpyAsync(dst, src, nbytes, getattr(runtime, f"memcpy{way}"), _STREAM)

    # Computing.

    def launch(self, kernel: str, shape: Launch, arguments: Sequence[int]) -> None:
        words = tuple(map(np.uint64, arguments))
        with self._cuda.errors():
            self._kernels[kernel]((shape.blocks,), (shape.threads,), words)

    def gemm(
        self, operand: Product, a: Buffer, bt: Buffer, c: Buffer, rows: int, n: int, k: int
    ) -> None:
        """cuBLAS counts by columns: to it C is Ct[n,rows] = op(Bt)[n,k] . A[k,rows], for
        which Bt lies transposed and A as it is, the one layout that int8 has."""
        demands.for_gemm(operand, a, bt, c, rows, n, k)
        cublas, type_of_ab = self._cuda.cublas, _OPERAND_TYPES[operand]
        type_of_c = _R_32I if operand == "int8" else _R_32F
        scale = np.array([1, 0], np.int32 if operand == "int8" else np.float32)
        one, zero = scale.ctypes.data, scale.ctypes.data + scale.itemsize
        ways = (cublas.CUBLAS_OP_T, cublas.CUBLAS_OP_N)
        left = (bt.address, type_of_ab, k)
        right = (a.address, type_of_ab, k)
        compute = {
            "int8": cublas.CUBLAS_COMPUTE_32I,
            "tf32": cublas.CUBLAS_COMPUTE_32F_FAST_TF32,
        }.get(operand, cublas.CUBLAS_COMPUTE_32F)
        with self._cuda.errors():
            cublas.gemmEx(
                self._cublas_handle, *ways, n, rows, k, one, *left, *right,
                zero, c.address, type_of_c, n, compute, cublas.CUBLAS_GEMM_DEFAULT,
            )  # fmt: skip

    # Time.

    def mark(self) -> Any:
        with self._cuda.errors():
            event = self._cuda.cupy.cuda.Event()
            event.record()
        return event

    def wait(self, mark: Mark) -> None:
        event: Any = mark
        with self._cuda.errors():
            event.synchronize()

    def elapsed_s(self, start: Mark, end: Mark) -> float:
        self.wait(end)
        with self._cuda.errors():
            return float(self._cuda.cupy.cuda.get_elapsed_time(start, end)) / 1000

    def synchronize(self) -> None:
        with self._cuda.errors():
            self._cuda.runtime.deviceSynchronize()


def uuid_text(raw: bytes, visible: str) -> str:
    """As NVML spells it; `visible` is what this process was shown, by UUID or otherwise.

    CUDA has 16 bytes for a GPU and for a part of one, and CuPy cuts them off at a zero.
    """
    if len(raw) == 16 and not visible.startswith("MIG-"):
        text = raw.hex()
        parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
        return "GPU-" + "-".join(parts)
    return visible if visible.startswith(("GPU-", "MIG-")) else ""
