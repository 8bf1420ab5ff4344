"""GPUs: what is there, what each is doing, what is wrong with it.

NVML lives in a child process (`probe/`, the only importer of pynvml) because
only a new process gets the new library after a driver upgrade, and because a
call that hangs in the kernel, or a crash inside libnvidia-ml, must not take the
daemon with it.  `link` talks to that child, `sampling` drives it, the rest is
pure.
"""
