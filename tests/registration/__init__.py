"""`polarisctl register` and `unregister`: the real program, in front of the devnode."""
