"""Benchmarks of this machine's GPUs: each runs in a process of its own, far from the daemon."""
