"""What CUDA's and cuBLAS's error numbers mean to a GPU's owner.  Pure; for cupy_device."""

from __future__ import annotations

from polarisd.bench.worker.device import (
    CUDA_ERROR,
    NO_GPU,
    NOT_SUPPORTED,
    OUT_OF_MEMORY,
    DeviceError,
)
from polarisd.bench.worker.remedies import DRIVER_HINT, MEMORY_HINT, RESET_HINT, UPGRADE_HINT

# Those of cudaError_t that need another code than cuda_error, or have a remedy of their own.
_RUNTIME = {
    2: (OUT_OF_MEMORY, MEMORY_HINT),
    3: (NO_GPU, DRIVER_HINT),
    35: (NO_GPU, UPGRADE_HINT),
    46: (NO_GPU, "end what else uses the GPU, or leave its exclusive compute mode"),
    100: (NO_GPU, DRIVER_HINT),
    101: (NO_GPU, DRIVER_HINT),
    209: (NOT_SUPPORTED, "this GPU is newer or older than what CuPy and NVRTC know"),
    214: (CUDA_ERROR, "the GPU's memory has an ECC error that could not be mended: " + RESET_HINT),
    222: (NOT_SUPPORTED, "the NVIDIA driver is older than this GPU stack: upgrade the driver"),
    304: (NO_GPU, DRIVER_HINT),
    802: (NO_GPU, "start the fabric manager: systemctl start nvidia-fabricmanager"),
    803: (NO_GPU, "the driver's library and kernel module differ: restart the machine"),
    804: (NO_GPU, UPGRADE_HINT),
    999: (NO_GPU, DRIVER_HINT),
}

# Those of cublasStatus_t.
_CUBLAS = {
    3: (OUT_OF_MEMORY, MEMORY_HINT),
    8: (NOT_SUPPORTED, ""),
    15: (NOT_SUPPORTED, ""),
}


def cuda_error(status: int, text: str) -> DeviceError:
    """Of the runtime or the driver; both number them alike."""
    code, hint = _RUNTIME.get(status, (CUDA_ERROR, RESET_HINT))
    return DeviceError(code, f"CUDA says {text} ({status})", hint)


def cublas_error(status: int, text: str) -> DeviceError:
    code, hint = _CUBLAS.get(status, (CUDA_ERROR, RESET_HINT))
    return DeviceError(code, f"cuBLAS says {text} ({status})", hint)


def no_device(status: int, text: str, driver_version: int) -> DeviceError:
    """When CUDA cannot be started.  With no libcuda it only says that the driver is old."""
    if status == 35 and driver_version == 0:
        return DeviceError(
            NO_GPU,
            "there is no NVIDIA driver here: libcuda.so.1 cannot be loaded",
            "install the NVIDIA driver",
        )
    if status == 35:
        have = version_text(driver_version)
        error = cuda_error(status, text)
        return DeviceError(
            NO_GPU, f"the NVIDIA driver is too old: it knows CUDA {have}", error.hint
        )
    error = cuda_error(status, text)
    return DeviceError(NO_GPU, f"no GPU can be used: {error.message}", error.hint)


def version_text(number: int) -> str:
    """12090 is 12.9."""
    return f"{number // 1000}.{number % 1000 // 10}"
