"""The chain: one actor in front of the SDK, and what is decided from what it says.

`port` is what the rest of the daemon, and `polarisctl register`, may know of it.
"""
