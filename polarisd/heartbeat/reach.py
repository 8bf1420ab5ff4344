"""A validator's look at a miner's ports from outside.  What may be looked at, `looking` says.

For `answering`; `daemon` runs `Reach.run`.  Nothing is sent: it connects, and of an SSH
server reads the greeting.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

import trio

from polarisd.api.chain import PortSeen
from polarisd.heartbeat.addresses import Address, read_address
from polarisd.heartbeat.document import Heartbeat
from polarisd.heartbeat.looking import Plan, Turns, plan

CONNECT_S = 5.0
GREETING_S = 3.0
MAX_GREETING_BYTES = 255
_LOOKERS = 8  # each at no more than `looking.MAX_TRIED` ports
_MAX_WAITING = 128
_MAX_LOOKS = 4096

# IPv6 that carries an address of IPv4: NAT64, 6to4, Teredo, and what came before them.
_CARRIERS = ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")
_TUNNELS = tuple(map(ip_network, _CARRIERS))

OPEN, SSH, CLOSED, SILENT, NOT_TRIED = "open", "ssh", "closed", "silent", "not_tried"


def is_public(address: Address) -> bool:
    """Whether it is one of the internet's own: not of a network behind it, in any disguise."""
    if address.version == 6 and any(address in network for network in _TUNNELS):
        return False
    return address.is_global and not address.is_multicast


def is_ours(address: Address) -> bool:
    """Whether it is this machine's: it would look at itself from inside of its firewall."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((str(address), 9))  # sends nothing: it asks which way that would go
            return read_address(sock.getsockname()[0]) == address
    except OSError:
        return False


def may_look(address: Address) -> bool:
    return is_public(address) and not is_ours(address)


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at `address` at that time, in seconds since 1970."""

    at: float
    address: str
    ports: tuple[PortSeen, ...]


class Reach:
    """`named` gives the endpoint that the chain has for a hotkey.  `may_connect` decides about
    addresses: public ones of others, unless all is in a lab."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        named: Callable[[str], str | None] = lambda _: None,
        may_connect: Callable[[Address], bool] = may_look,
    ) -> None:
        self._clock = clock
        self._named = named
        self._may_connect = may_connect
        self._turns = Turns()
        self._looks: dict[str, Look] = {}
        self._send, self._receive = trio.open_memory_channel[tuple[str, Plan]](_MAX_WAITING)

    @property
    def looks(self) -> Mapping[str, Look]:
        """The last of each miner, by hotkey."""
        return self._looks

    def consider(self, heartbeat: Heartbeat, source: Address) -> None:
        """Look at this miner soon, if it is its turn.  Its heartbeat came from `source`."""
        hotkey = heartbeat.hotkey
        wanted = plan(heartbeat, source, self._named(hotkey), self._may_connect)
        if self._send.statistics().current_buffer_used == _MAX_WAITING:
            return
        if self._turns.take(hotkey, wanted, trio.current_time()):
            self._send.send_nowait((hotkey, wanted))

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(_LOOKERS):
                nursery.start_soon(self._looker)
            task_status.started()

    async def _looker(self) -> None:
        while True:
            hotkey, wanted = await self._receive.receive()
            ports = await look(wanted)
            self._looks.pop(hotkey, None)
            self._looks[hotkey] = Look(self._clock(), str(wanted.address), ports)
            while len(self._looks) > _MAX_LOOKS:
                del self._looks[next(iter(self._looks))]


async def look(wanted: Plan) -> tuple[PortSeen, ...]:
    """All ports at once; in the order of their numbers."""
    seen = dict.fromkeys(wanted.untried, NOT_TRIED)

    async def one(port: int, greets: bool) -> None:
        seen[port] = await _answer(wanted.address, port, greets)

    async with trio.open_nursery() as nursery:
        if wanted.api_port is not None:
            nursery.start_soon(one, wanted.api_port, False)
        for port in wanted.ssh_ports:
            nursery.start_soon(one, port, True)
    return tuple(PortSeen(port=port, answer=seen[port]) for port in sorted(seen))


async def _answer(address: Address, port: int, greets: bool) -> str:
    family = trio.socket.AF_INET6 if address.version == 6 else trio.socket.AF_INET
    try:
        sock = trio.socket.socket(family, trio.socket.SOCK_STREAM)
    except OSError:
        return NOT_TRIED  # it is we who have no socket left, or no IPv6
    with sock:
        with trio.move_on_after(CONNECT_S) as waiting:
            try:
                await sock.connect((str(address), port))
            except (ConnectionRefusedError, ConnectionResetError):
                return CLOSED
            except OSError:
                return SILENT
        if waiting.cancelled_caught:
            return SILENT
        return SSH if greets and await _greets(sock) else OPEN


async def _greets(sock: trio.socket.SocketType) -> bool:
    """Whether a line of what comes at first is that of an SSH server (RFC 4253, 4.2)."""
    greeting = b""
    with trio.move_on_after(GREETING_S):
        while len(greeting) < MAX_GREETING_BYTES:
            try:
                more = await sock.recv(MAX_GREETING_BYTES - len(greeting))
            except OSError:
                break
            greeting += more
            if not more or _is_ssh(greeting):
                break
    return _is_ssh(greeting)


def _is_ssh(greeting: bytes) -> bool:
    return any(line.startswith(b"SSH-2.0-") for line in greeting.split(b"\n"))
