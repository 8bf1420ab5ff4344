"""Which ports of a miner a validator may look at, and how often.  Pure.

For `reach`.  A look must be of no use for scanning or flooding others: it goes only to the
address that the heartbeat came from, or to the one that the chain names for its hotkey;
to a few ports, seldom, and seldom to one address, whoever asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf

from polarisd.heartbeat.addresses import Address, read_endpoint
from polarisd.heartbeat.document import Heartbeat

MAX_TRIED = 8
_MAX_TOLD = 16
# Below are the ports of well-known services, which are nobody's SSH slots.
_FIRST_PORT = 1024
AGAIN_S = 300.0
CHANGED_S = 30.0
ADDRESS_S = 15.0
_MAX_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Plan:
    """`api_port` is None where the miner names none; `untried` are told of, not looked at.
    `is_source`: the heartbeat came from this address, so that it is the miner's own."""

    address: Address
    api_port: int | None
    ssh_ports: tuple[int, ...]
    untried: tuple[int, ...]
    is_source: bool = True


def plan(
    heartbeat: Heartbeat,
    source: Address,
    named: str | None,
    may_connect: Callable[[Address], bool],
) -> Plan:
    """`named` is the endpoint that the chain has for this hotkey, if it has one."""
    says = read_endpoint(heartbeat.endpoint or "")
    chain = read_endpoint(named or "")
    address = says[0] if says and chain and says[0] == chain[0] else source
    first, last = heartbeat.ssh_ports
    api_port = says[1] if says else None
    wanted = [api_port, *range(first, last + 1)] if api_port else list(range(first, last + 1))
    may = may_connect(address)
    allowed = {p for p in wanted if may and (p >= _FIRST_PORT or (address, p) == chain)}
    tried = [port for port in dict.fromkeys(wanted) if port in allowed][:MAX_TRIED]
    untried = [port for port in dict.fromkeys(wanted) if port not in tried]
    return Plan(
        address,
        api_port if api_port in tried else None,
        tuple(port for port in tried if port != api_port),
        tuple(untried[: _MAX_TOLD - len(tried)]),
        address == source,
    )


@dataclass(slots=True)
class Turns:
    """When each miner, and each address, was looked at last."""

    miners: dict[str, tuple[float, Plan]] = field(default_factory=dict)
    addresses: dict[Address, float] = field(default_factory=dict)

    def take(self, hotkey: str, wanted: Plan, now: float) -> bool:
        """Whether it may be looked at now; if so, it was."""
        at, before = self.miners.get(hotkey, (-inf, wanted))
        # With ever other ports it could be made to search an address that the chain only names.
        is_changed = wanted.is_source and before != wanted
        if now - at < (CHANGED_S if is_changed else AGAIN_S):
            return False
        if now - self.addresses.get(wanted.address, -inf) < ADDRESS_S:
            return False
        # Taken out first: the dicts stay in the order of time.
        self.miners.pop(hotkey, None)
        self.addresses.pop(wanted.address, None)
        self.miners[hotkey] = (now, wanted)
        self.addresses[wanted.address] = now
        while len(self.miners) > _MAX_REMEMBERED:
            del self.miners[next(iter(self.miners))]
        while len(self.addresses) > _MAX_REMEMBERED:
            del self.addresses[next(iter(self.addresses))]
        return True
