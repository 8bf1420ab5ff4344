"""The daemon at its real edges: a process, its socket, its files, a fake NVIDIA driver."""
