"""The fake CUDA driver."""

from cupy._machine import CUDADriverError

__all__ = ["CUDADriverError"]
