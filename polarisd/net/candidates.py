"""Every address that some source names, for an owner to see what the decision rests on.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from polarisd.api.network import CONFIGURED, ECHO, INTERFACE, VALIDATORS, Candidate
from polarisd.net.evidence import Witness
from polarisd.net.interfaces import Interfaces
from polarisd.net.kinds import FAMILIES, GLOBAL, Ip, kind_of

# A snapshot carries them; of each source no more than this.
MOST = 64
CONFIG_KEY = "network.public_address"


def candidates(
    *,
    configured: Ip | None,
    interfaces: Interfaces | None,
    sightings: Iterable[Witness],
    echoes: Iterable[Witness],
    now: float,
    before: Iterable[Candidate],
) -> tuple[Candidate, ...]:
    """`seen_at` is since when its origin has named it, without a break."""
    since = {_key(candidate): candidate.seen_at for candidate in before}
    named = [] if configured is None else [_candidate(configured, CONFIGURED, CONFIG_KEY, now)]
    if interfaces is not None:
        named += sorted(_of_interfaces(interfaces, now), key=_key)[:MOST]
    for source, witnesses in ((VALIDATORS, sightings), (ECHO, echoes)):
        seen = (_candidate(w.ip, source, w.origin, w.since_at) for w in witnesses)
        named += sorted(seen, key=_key)[:MOST]
    return tuple(replace(c, seen_at=min(c.seen_at, since.get(_key(c), now))) for c in named)


def _of_interfaces(interfaces: Interfaces, now: float) -> Iterator[Candidate]:
    """Those on the way out, and the public ones of all others."""
    on_the_way = {a.ip for family in FAMILIES for _, a in interfaces.on_the_way(family)}
    for interface in interfaces.all:
        for address in interface.addresses:
            useful = address.ip in on_the_way and address.scope != "link"
            if useful or kind_of(address.ip) == GLOBAL:
                yield _candidate(address.ip, INTERFACE, interface.name, now)


def _candidate(ip: Ip, source: str, origin: str, seen_at: float) -> Candidate:
    return Candidate(
        address=str(ip), kind=kind_of(ip), source=source, origin=origin, seen_at=seen_at
    )


def _key(candidate: Candidate) -> tuple[str, str, str]:
    return (candidate.source, candidate.origin, candidate.address)
