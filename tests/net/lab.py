"""Networks to test in: namespaces of their own, joined by real (virtual) cables.

A namespace lives as long as its descriptor here is open, so nothing stays behind, however
a test ends.  A thread enters one with `with`; what it opens meanwhile, sockets and child
processes, stays in there.
"""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

import pytest

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def needs_root() -> pytest.MarkDecorator:
    return pytest.mark.skipif(os.geteuid() != 0, reason="only root makes network namespaces")


class Namespace:
    """A network stack of its own, with nothing but its loopback interface, which is up."""

    def __init__(self) -> None:
        before = _here()
        try:
            _succeed(_libc.unshare(_CLONE_NEWNET))
            self.fd = _here()
            self._outside: list[int] = []
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        finally:
            _succeed(_libc.setns(before, _CLONE_NEWNET))
            os.close(before)

    def __enter__(self) -> None:
        self._outside.append(_here())
        _succeed(_libc.setns(self.fd, _CLONE_NEWNET))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        outside = self._outside.pop()
        _succeed(_libc.setns(outside, _CLONE_NEWNET))
        os.close(outside)

    @property
    def path(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def run(self, *commands: str, stdin: str = "") -> str:
        """Each of the commands, in here; the output of the last."""
        done = subprocess.CompletedProcess[str]([], 0, "")
        with self:
            for command in commands:
                done = subprocess.run(
                    shlex.split(command), input=stdin, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def ip(self, *arguments: str) -> None:
        """Several `ip` commands, in one process."""
        self.run("ip -batch -", stdin="\n".join(arguments) + "\n")

    def start_ip(self, *arguments: str) -> subprocess.Popen[bytes]:
        """The same, while the caller goes on."""
        with TemporaryFile("w+") as script, self:
            script.write("\n".join(arguments) + "\n")
            script.seek(0)
            return subprocess.Popen(["ip", "-batch", "-"], stdin=script)

    def set(self, name: str, value: int) -> None:
        """A setting of this stack, such as net/ipv4/ip_forward."""
        with self:
            Path("/proc/sys", name).write_text(f"{value}\n")

    def close(self) -> None:
        os.close(self.fd)


class Lab:
    """Makes namespaces, and takes them all down."""

    def __init__(self) -> None:
        self._made: list[Namespace] = []

    def namespace(self) -> Namespace:
        made = Namespace()
        self._made.append(made)
        return made

    def cable(self, here: Namespace, name: str, there: Namespace, other: str) -> None:
        """A pair of interfaces, both up; without IPv6's own ideas (DAD, link-local addresses)."""
        here.ip(f"link add {name} type veth peer name {other} netns {there.path}")
        for namespace, end in ((here, name), (there, other)):
            namespace.set(f"net/ipv6/conf/{end}/accept_dad", 0)
            namespace.set(f"net/ipv6/conf/{end}/addr_gen_mode", 1)
            namespace.ip(f"link set {end} up")

    def close(self) -> None:
        for namespace in self._made:
            namespace.close()


def masquerade(router: Namespace, outside: str) -> None:
    """What leaves the router through the interface `outside` seems to come from there."""
    router.set("net/ipv4/ip_forward", 1)
    router.run(
        "nft -f -",
        stdin=f"""table ip nat {{
            chain out {{
                type nat hook postrouting priority srcnat;
                oifname "{outside}" masquerade
            }}
        }}""",
    )


def _here() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _succeed(result: int) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
