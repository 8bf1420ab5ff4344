"""What is read of the chain, in our own frozen values: no type of the SDK gets out.

Amounts are in rao (10^-9 TAO), times in blocks unless named otherwise.  Imports
nothing of Polaris, so that pure code can be tested without the SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

RAO_PER_TAO = 10**9
# What an axon's `protocol` says for ours: HTTP with btauth/1, as the SDK's default.
AXON_PROTOCOL = 4


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a hotkey can be reached.  Text is `1.2.3.4:8000`, or `[2001:db8::1]:8000`."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"

    @property
    def address(self) -> IPv4Address | IPv6Address:
        return ip_address(self.ip)


def parse_endpoint(text: str) -> Endpoint:
    """ValueError, with the reason, if `text` is not an IP address and a port of 1 to 65535."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise ValueError(f"{text!r} is not ADDRESS:PORT with a port of 1 to 65535")
    if host.startswith("[") and host.endswith("]"):
        return Endpoint(str(IPv6Address(host[1:-1])), int(port))
    return Endpoint(str(IPv4Address(host)), int(port))


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A block as the node announced it."""

    number: int
    parent_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axon:
    """What a hotkey has published.  `endpoint` is None where it is not an endpoint: never
    published (ip 0, port 0) or reset (ip 0, port 1)."""

    endpoint: Endpoint | None
    block: int
    version: int
    protocol: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Neuron:
    """One UID of a subnet.  `incentive` is 0 to 1, `emission_rao` per tempo."""

    uid: int
    hotkey: str
    coldkey: str
    axon: Axon
    active: bool
    validator_permit: bool
    registered_block: int
    last_update_block: int
    incentive: float
    emission_rao: int
    stake_rao: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """The metagraph of one subnet at one block."""

    netuid: int
    name: str
    block: int
    tempo: int
    max_uids: int
    neurons: tuple[Neuron, ...]

    def by_hotkey(self, hotkey: str) -> Neuron | None:
        return next((n for n in self.neurons if n.hotkey == hotkey), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a subnet asks of those who register on it and serve."""

    netuid: int
    name: str
    block: int
    registration_open: bool
    price_rao: int
    num_uids: int
    max_uids: int
    immunity_blocks: int
    serving_limit_blocks: int
    weights_limit_blocks: int
    commit_reveal: bool
    owner_coldkey: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a node says of the chain that it is a node of."""

    genesis_hash: str
    spec_version: int
    chain_name: str
    block_time_s: float
