"""What is wrong between this machine and the world around it: the signs of its chain, its
addresses and its validators, put together for `keeper`.  Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from polarisd.api.reading import known
from polarisd.api.snapshot import Snapshot
from polarisd.health.board import Sign
from polarisd.health.chain_signs import Confirmed, chain_signs, hotkey_signs, publication_signs
from polarisd.health.network_signs import beating_signs, listening_signs, network_signs
from polarisd.health.validator_signs import clock_signs, validator_signs
from polarisd.identity import NoHotkey

VALIDATOR = "validator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What has to be known besides the snapshot.  `not_listening` is why the API port cannot
    be opened, empty if it is open or need not be; `not_beating` why no heartbeats are made,
    and what to do, both empty if they are or need not be."""

    no_hotkey: NoHotkey = field(default_factory=NoHotkey)
    confirmed: Confirmed = field(default_factory=Confirmed)
    api_port: int
    not_listening: str = ""
    not_beating: tuple[str, str] = ("", "")

    def signs(self, snapshot: Snapshot, now: float) -> Iterator[Sign]:
        daemon, chain, network = snapshot.daemon, snapshot.chain, snapshot.network
        yield from hotkey_signs(daemon, chain.hotkey, self.no_hotkey.why, self.no_hotkey.remedy)
        yield from chain_signs(daemon, chain, now, self.confirmed)
        yield from publication_signs(daemon, chain, network)
        yield from network_signs(daemon, network, chain.hotkey)
        yield from listening_signs(self.api_port, self.not_listening)
        yield from beating_signs(*self.not_beating)
        yield from validator_signs(daemon, chain, network, snapshot.validators, now, self.api_port)
        yield from clock_signs(snapshot.validators, now)


def with_spec(outlook: Outlook, snapshot: Snapshot) -> Outlook:
    """The first runtime that this daemon met is the one it knows."""
    spec = known(snapshot.chain.spec_version)
    if spec is None or outlook.confirmed.spec_version is not None:
        return outlook
    return replace(outlook, confirmed=replace(outlook.confirmed, spec_version=spec))
