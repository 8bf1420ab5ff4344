"""The GPU worker as a real process, on a fake CuPy and on the backends without a GPU."""
