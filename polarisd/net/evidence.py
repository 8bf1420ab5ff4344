"""What others say they see this machine as, and when enough of them agree.  Pure.

`public` asks for the agreement of validators, then for that of echo services.  No single
one is believed while others speak: an address needs a majority of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Union

from polarisd.net.kinds import Ip

# A clock may step back; what lies further ahead than this is not believed.
AHEAD_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """`origin` is a validator's hotkey or the host of an echo service.  It named `ip` at
    `at`, and has named no other since `since_at`."""

    origin: str
    ip: Ip
    since_at: float
    at: float


@dataclass(frozen=True, slots=True)
class Agreed:
    ip: Ip


@dataclass(frozen=True, slots=True)
class Nobody:
    """No fresh witness."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What the fresh ones say, and who says so; no majority."""

    said: tuple[tuple[Ip, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class TooFew:
    """Those who speak agree on `ip`, but they are fewer than `needed`.  Where a lone one
    may be believed in time, `until_at` says when."""

    ip: Ip
    origins: tuple[str, ...]
    needed: int
    until_at: float | None = None


Agreement = Union[Agreed, Nobody, Disagreement, TooFew]


def heard(
    before: Iterable[Witness], *, origin: str, ip: Ip, at: float, most: int
) -> tuple[Witness, ...]:
    """The witnesses with this one's newest word; the `most` who spoke last are kept."""
    kept = []
    since_at = at
    for witness in before:
        if witness.origin != origin or witness.ip.version != ip.version:
            kept.append(witness)
        elif witness.ip == ip:
            since_at = min(witness.since_at, at)
    kept.append(Witness(origin=origin, ip=ip, since_at=since_at, at=at))
    return tuple(sorted(kept, key=lambda witness: witness.at)[-most:])


def not_ahead(witnesses: Iterable[Witness], now: float) -> tuple[Witness, ...]:
    """Without those who spoke later than now: the clock was set back since."""
    return tuple(w for w in witnesses if w.at - AHEAD_S <= now)


def fresh(witnesses: Iterable[Witness], *, now: float, fresh_s: float) -> tuple[Witness, ...]:
    return tuple(w for w in not_ahead(witnesses, now) if now < w.at + fresh_s)


def says_again(
    before: Iterable[Witness], *, origin: str, ip: Ip, from_at: float, now: float, fresh_s: float
) -> bool:
    """Whether this one has named `ip` already, no earlier than `from_at`, and is still fresh: to
    name it once more can change nothing before what it said grows old."""
    return any(
        w.origin == origin and w.ip == ip and w.at >= from_at
        for w in fresh(before, now=now, fresh_s=fresh_s)
    )


def agreement(witnesses: Iterable[Witness], *, needed: int, incumbent: Ip | None) -> Agreement:
    """What most of `witnesses` say, if they are as many as `needed`.

    The incumbent, which was agreed on before, holds until most of them contradict it:
    one who falls silent or begins to lie does not unseat it.
    """
    said: dict[Ip, list[str]] = {}
    for witness in witnesses:
        said.setdefault(witness.ip, []).append(witness.origin)
    if not said:
        return Nobody()
    voters = sum(len(origins) for origins in said.values())
    votes = Counter({ip: len(origins) for ip, origins in said.items()})
    if incumbent is not None and 2 * votes[incumbent] >= voters:
        return Agreed(incumbent)
    [(ip, most)] = votes.most_common(1)
    if 2 * most <= voters:
        return Disagreement(tuple((ip, tuple(sorted(said[ip]))) for ip, _ in votes.most_common()))
    if most < needed:
        return TooFew(ip, tuple(sorted(said[ip])), needed)
    return Agreed(ip)


def of_validators(
    fresh_ones: tuple[Witness, ...],
    *,
    recent: int,
    incumbent: Ip | None,
    alone_from: float,
    alone_s: float,
    now: float,
) -> Agreement:
    """Two must agree if so many as two have spoken of late (`recent`).  One who is alone
    is believed once it has said the same for `alone_s` since the machine last moved, in
    which others could have spoken."""
    found = agreement(fresh_ones, needed=2, incumbent=incumbent)
    if not isinstance(found, TooFew) or recent > 1:
        return found
    until_at = max(fresh_ones[0].since_at, alone_from) + alone_s
    if now >= until_at:
        return Agreed(found.ip)
    return TooFew(found.ip, found.origins, 1, until_at)
