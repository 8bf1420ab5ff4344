"""Which faults hold on this machine's addresses and its API port.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from polarisd.api.network import CONFIGURED, INTERFACE, Network
from polarisd.api.reading import NOT_READ_YET, Unknown
from polarisd.api.snapshot import Daemon
from polarisd.health.board import Sign

# Kinds of addresses, as `Candidate.kind` has them.
_GLOBAL = "global"
_CGNAT = "cgnat"
# Of those that are not global, what a router may translate.
_FORWARDED = ("private", _CGNAT, "unique_local")


def network_signs(daemon: Daemon, network: Network, hotkey: str) -> Iterator[Sign]:
    """Without a hotkey nobody is told of this machine, and nothing has to be public."""
    if not hotkey:
        return
    if daemon.mode != "independent":  # where a network of one's own is as good as any
        yield from _configured_signs(network)
    yield from _unknown_signs(network)
    yield from _endpoint_signs(daemon, network)


def listening_signs(port: int, problem: str) -> Iterator[Sign]:
    """`problem` is why polarisd cannot listen on its API port, empty if it does or need not."""
    if problem:
        yield Sign("api_port_taken", facts={"port": port, "detail": problem})


def beating_signs(problem: str, remedy: str) -> Iterator[Sign]:
    """`problem` is why no heartbeats are made, empty if they are or need not be."""
    if problem:
        yield Sign("heartbeats_not_sent", facts={"detail": problem, "remedy": remedy})


def _configured_signs(network: Network) -> Iterator[Sign]:
    for candidate in network.candidates:
        if candidate.source == CONFIGURED and candidate.kind != _GLOBAL:
            facts = {"address": candidate.address, "kind": candidate.kind.replace("_", " ")}
            yield Sign("address_configured_not_public", facts=facts)


def _unknown_signs(network: Network) -> Iterator[Sign]:
    """One of three, by what the interfaces say, where neither family has a public address."""
    told = (network.ipv4, network.ipv6)
    unknown = [address for address in told if isinstance(address, Unknown)]
    if len(unknown) < len(told) or any(c.source == CONFIGURED for c in network.candidates):
        return
    if any(address.reason == NOT_READ_YET for address in unknown):
        for code in ("public_address_unknown", "address_private", "address_cgnat"):
            yield Sign(code, holds=None)
        return
    own = [c for c in network.candidates if c.source == INTERFACE and c.kind in _FORWARDED]
    shared = [c for c in own if c.kind == _CGNAT]
    code = "address_private"
    if not own:
        code = "public_address_unknown"
    elif len(shared) == len(own):
        code = "address_cgnat"
    yield Sign(code, facts={"detail": _why(unknown)})


def _why(unknown: Iterable[Unknown]) -> str:
    """Without the advice after the arrow: that is what remedies are for."""
    said = next((address.detail for address in unknown if address.detail), "")
    return said.partition(" → ")[0] or "no source names one"


def _endpoint_signs(daemon: Daemon, network: Network) -> Iterator[Sign]:
    endpoint = network.endpoint
    if isinstance(endpoint, Unknown):
        yield Sign("endpoint_private", holds=None)
        return
    address = endpoint.rpartition(":")[0].strip("[]")
    of_it = [c for c in network.candidates if c.address == address]
    # What was set is told above.
    if daemon.mode == "independent" or any(c.source == CONFIGURED for c in of_it):
        return
    if not all(c.kind == _GLOBAL for c in of_it):
        yield Sign("endpoint_private", facts={"endpoint": endpoint})
