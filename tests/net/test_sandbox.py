"""Where the service may not ask the kernel: said as it is, and others are believed all the same."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Without AF_NETLINK, as by systemd's RestrictAddressFamilies=: a filter of system calls.
SCRIPT = """\
import ctypes, json, os, platform, struct, sys, time
import trio
from polarisd.api.encode import to_wire
from polarisd.net import netlink
from polarisd.net.given import Settings
from polarisd.net.watch import AddressWatch

SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
def step(code, value, yes=0, no=0):
    return struct.pack("HBBI", code, yes, no, value)
steps = [
    step(0x20, 0),  # load the number of the call
    step(0x15, SOCKET, 0, 3),
    step(0x20, 16),  # load its first argument
    step(0x15, 16, 0, 1),  # AF_NETLINK
    step(0x06, 0x00050000 | int(sys.argv[1])),
    step(0x06, 0x7FFF0000),
]
filter = ctypes.create_string_buffer(b"".join(steps))
program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(filter))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()

async def get(url, **limits):
    raise AssertionError("nobody is to be asked")

async def main():
    published = []
    watch = AddressWatch(Settings(), published.append, get, time.time)
    async with trio.open_nursery() as nursery:
        await nursery.start(watch.run)
        for validator in ("alice", "bob"):
            watch.take_sighting(validator, "5.9.20.2", time.time())
        nursery.cancel_scope.cancel()
    with trio.fail_after(5):  # it does not ask again what will not change
        await netlink.follow(lambda interfaces: None)
    print(json.dumps([to_wire(published[0]), to_wire(published[-1])]))

trio.run(main)
"""


@pytest.mark.parametrize("refusal", [errno.EAFNOSUPPORT, errno.EPERM])
def test_without_netlink_validators_decide(refusal: int) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, str(refusal)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, last = json.loads(done.stdout)
    assert "RestrictAddressFamilies=" in first["endpoint"]["detail"]
    assert "no validators have said" in first["endpoint"]["detail"]
    assert first["behind_nat"]["unknown"] == "no_permission"
    assert last["endpoint"] == "5.9.20.2:8000"
