"""A fake cupy, with what cupy_device.py uses of the real one."""

from . import cuda
from ._module import RawModule

__all__ = ["RawModule", "__version__", "cuda"]
__version__ = "14.2.0"
