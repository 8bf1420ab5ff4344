"""How much is taken from whom: the figures, and token buckets per peer.  Pure.

`desk` and `server` ask these before they spend time or memory on a peer.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one face.  `address` is an IPv4 address or an IPv6 /64; a connection, and each
    request on it, takes one token of the address's budget.  Where no known hotkey has asked
    of late, it also takes one of its network's, an IPv6 /48, and one of what all such
    addresses share."""

    most_connections: int = 256
    most_connections_of_address: int = 32
    most_requests_of_connection: int = 1000
    address_rate_per_s: float = 20.0
    address_burst: int = 100
    most_addresses: int = 8192
    network_rate_per_s: float = 80.0
    network_burst: int = 400
    strangers_rate_per_s: float = 400.0
    strangers_burst: int = 2000
    most_trusted: int = 4096
    hotkey_rate_per_s: float = 2.0
    hotkey_burst: int = 20
    most_hotkeys: int = 4096
    most_nonces_of_hotkey: int = 64
    head_bytes: int = 8192
    target_bytes: int = 1024
    idle_s: float = 5.0  # for the next request's head to be there as a whole
    reply_s: float = 10.0  # for the peer to take a reply
    stop_s: float = 5.0  # for running requests, when the face stops


def address_key(address: str) -> str:
    """Whom an address counts for: itself, or its /64, which is what one customer is given."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(ip) >> 64 << 64)}/64"


def network_key(address_key: str) -> str | None:
    """The /48 that a /64 is of: what one customer may have at most."""
    if not address_key.endswith("/64"):
        return None
    return str(ipaddress.IPv6Network(address_key).supernet(new_prefix=48))


def plain_address(address: str) -> str:
    """As it is shown: without a zone, and IPv4 as such."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)


TRUST_S = 3600.0


class Trusted:
    """Addresses from which a known hotkey has asked within `TRUST_S`; the last `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen_at: OrderedDict[str, float] = OrderedDict()  # longest ago first

    def __len__(self) -> int:
        return len(self._seen_at)

    def note(self, key: str, now_s: float) -> None:
        self._seen_at[key] = now_s
        self._seen_at.move_to_end(key)
        if len(self._seen_at) > self._most:
            self._seen_at.popitem(last=False)

    def has(self, key: str, now_s: float) -> bool:
        seen_at = self._seen_at.get(key)
        return seen_at is not None and now_s - seen_at <= TRUST_S


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Buckets:
    """A token bucket per key, for at most `most` keys.

    A bucket that has filled up again is as good as none, and makes room.  When there
    is no such bucket, keys that are new share one: they crowd each other out, not those
    that are known.
    """

    def __init__(self, *, rate_per_s: float, burst: int, most: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()  # least recently used first
        self._shared = _Bucket(self._burst, float("-inf"))

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now_s: float) -> float:
        """0 if a token was there, otherwise in how many seconds there will be one."""
        bucket = self._bucket(key, now_s)
        elapsed_s = max(0.0, now_s - bucket.at_s)
        bucket.tokens = min(self._burst, bucket.tokens + elapsed_s * self._rate_per_s)
        bucket.at_s = max(bucket.at_s, now_s)
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / self._rate_per_s

    def _bucket(self, key: str, now_s: float) -> _Bucket:
        if key in self._buckets:
            self._buckets.move_to_end(key)
            return self._buckets[key]
        if len(self._buckets) >= self._most and not self._made_room(now_s):
            return self._shared
        self._buckets[key] = _Bucket(self._burst, now_s)
        return self._buckets[key]

    def _made_room(self, now_s: float) -> bool:
        key, eldest = next(iter(self._buckets.items()))
        filled = eldest.tokens + (now_s - eldest.at_s) * self._rate_per_s >= self._burst
        if filled:
            del self._buckets[key]
        return filled
