"""Which chain is meant: names, addresses, and what a node of the right one says.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from polarisctl.cells import clean
from polarisd.chain.networks import NETWORKS

FINNEY, TEST, LOCAL = "finney", "test", "local"
NAMES = tuple(NETWORKS)
# The beginning and the end of the genesis hashes that are known; of the test network no more is.
_GENESIS = {
    FINNEY: (NETWORKS[FINNEY].genesis_hash or "", ""),
    TEST: ("0x8f9cf856", "3105"),
}
# Where the documents of the first Polaris had it.  Shown, never taken without asking: a
# netuid can change hands.
SUGGESTED = {FINNEY: (49,), TEST: (100, 12)}
MAX_NETUID = 65535


@dataclass(frozen=True, slots=True)
class Network:
    """`text` is a name or a ws(s):// address, as the configuration and btcli take it."""

    text: str

    @property
    def is_named(self) -> bool:
        return self.text in NAMES


def parse_network(text: str) -> Network:
    """ValueError with the reason if it is neither a name nor an address of a node."""
    text = text.strip()
    if text in NAMES:
        return Network(text)
    if "://" not in text:
        raise ValueError(
            f"{clean(text)!r} is neither {', '.join(NAMES)} nor an address such as ws://HOST:PORT"
        )
    return Network(_checked(text))


def _checked(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, port, user = parts.hostname, parts.port, parts.username
    except ValueError as problem:
        raise ValueError(f"{clean(text)!r} is not an address: {problem}") from None
    if parts.scheme not in ("ws", "wss"):
        raise ValueError(f"{clean(text)!r} does not begin with ws:// or wss://")
    if not host or port == 0 or not text.isprintable() or " " in text:
        raise ValueError(f"{clean(text)!r} names no host, or no port that can be reached")
    if user is not None:
        raise ValueError("an address with a user or a password in it would be shown and kept")
    if parts.query or parts.fragment:
        raise ValueError("an address with something after ? or # in it would be shown and kept")
    return parts.scheme + text[len(parts.scheme) :]


def is_open_text(network: Network) -> bool:
    """Whether what the node says can be changed on its way to us."""
    if not network.text.startswith("ws://"):
        return False
    host = urlsplit(network.text).hostname or ""
    if host == "localhost":
        return False
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return True


def is_genesis_of(network: Network, genesis_hash: str) -> bool | None:
    """Whether it is that of the named network; None where nothing is known of it."""
    known = _GENESIS.get(network.text)
    if known is None:
        return None
    return genesis_hash.startswith(known[0]) and genesis_hash.endswith(known[1])


def named_by_genesis(genesis_hash: str) -> str:
    """The public network that this is the genesis of, or empty."""
    return next((name for name in _GENESIS if is_genesis_of(Network(name), genesis_hash)), "")


def parse_netuid(text: str) -> int:
    """ValueError with the reason if no subnet can have it to register on."""
    if not text.isascii() or not text.isdecimal() or not 0 < int(text[:6]) <= MAX_NETUID:
        raise ValueError(f"{clean(text)!r} is not a netuid: a number from 1 to {MAX_NETUID}")
    return int(text)


def is_ours(subnet_name: str) -> bool:
    """Whether that is what a subnet calls itself, and not something like it."""
    return " ".join(subnet_name.casefold().split()) == "polaris"
