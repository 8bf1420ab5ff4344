"""Which of two addresses, IPv4 and IPv6, is to be published, without swinging between them.  Pure.

A change of family costs a transaction and tears renters' connections, so it has to be worth
it: the preferred family must have been gone for a while, or back for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from polarisd.api.network import CONFIGURED, Public
from polarisd.api.reading import Reading, Unknown
from polarisd.net import why
from polarisd.net.kinds import FAMILIES


@dataclass(frozen=True, slots=True)
class Choice:
    """The family chosen last, and since when the preferred one has had no address."""

    family: str = ""
    lost_at: float | None = None

    def not_ahead(self, now: float) -> Choice:
        return self if self.lost_at is None else Choice(self.family, min(self.lost_at, now))


@dataclass(frozen=True, slots=True)
class Chosen:
    """`again_at` is when time alone may change it."""

    endpoint: Reading[str]
    choice: Choice
    again_at: float | None = None


def endpoint_of(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def choose(
    publics: Mapping[str, Reading[Public]],
    *,
    prefer: str,
    port: int,
    hold_s: float,
    now: float,
    before: Choice,
) -> Chosen:
    """The owner's own word holds at once, and whatever the family."""
    [other] = [family for family in FAMILIES if family != prefer]
    first, second = publics[prefer], publics[other]
    for family, public in publics.items():
        if not isinstance(public, Unknown) and public.source == CONFIGURED:
            return Chosen(endpoint_of(public.address, port), Choice(family))
    if not isinstance(first, Unknown):
        back_at = first.since_at + hold_s
        if before.family == other and not isinstance(second, Unknown) and now < back_at:
            return Chosen(endpoint_of(second.address, port), before, back_at)
        return Chosen(endpoint_of(first.address, port), Choice(prefer))
    lost_at = now if before.lost_at is None else before.lost_at
    if isinstance(second, Unknown):
        return Chosen(first, Choice(before.family, lost_at))
    if before.family == other or now >= lost_at + hold_s:
        return Chosen(endpoint_of(second.address, port), Choice(other, lost_at))
    wait = f"{first.detail}; if that lasts, {why.name_of(other)} is published instead"
    return Chosen(
        Unknown(first.reason, wait), Choice(before.family, lost_at), again_at=lost_at + hold_s
    )
