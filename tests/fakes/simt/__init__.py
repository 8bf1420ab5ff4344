"""A GPU's threads without a GPU: the very branch of kernels.cu that NVRTC compiles.

The host build replaces loops over threads, shuffles and atomic additions by its own; here
they run as they stand, so that a wrong index or a shuffle of half a warp shows without
a GPU.  Slow: for a few thousand threads.
"""

from tests.fakes.simt.device import Simt, SimtDevice, SimtProblem

__all__ = ["Simt", "SimtDevice", "SimtProblem"]
