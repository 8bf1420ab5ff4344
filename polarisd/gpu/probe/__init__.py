"""The NVML child process: the only importer of pynvml.

It enumerates the GPUs once, then answers requests from its standard input and
reports XIDs as they come.  A call that hangs for one card delays no other
(`crew`).  It knows nothing of trio or of the daemon, and ends when its standard
input does.
"""
