"""A subtensor node for tests, on this machine: see README.md here.

`client.DevNode` is what tests use; all else runs in its child process, and is written
for asyncio.  Imports nothing of polarisd or polarisctl.
"""
