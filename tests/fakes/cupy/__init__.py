"""A fake CuPy, put before the real one in front of a process; see README.md."""
