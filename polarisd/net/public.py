"""Decides under which addresses the world finds this machine, and which is to be published.

Pure; `watch` calls it whenever something was learnt.  The sources, in order: what the owner
configured; an interface on the way out with a public address; what validators see; what echo
services see.  What the better source knows is not overruled by the lesser.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from polarisd.api.network import Network, Public
from polarisd.api.reading import Reading, Unknown, known
from polarisd.net import evidence
from polarisd.net.candidates import candidates
from polarisd.net.endpoint import Choice, Chosen, choose
from polarisd.net.given import NEVER_MOVED, Moved, Settings, Told
from polarisd.net.kinds import FAMILIES, IPV4, IPV6
from polarisd.net.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`again_at` is when the mere passing of time may change it."""

    network: Network = field(default_factory=Network)
    moved: Mapping[str, Moved] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)
    again_at: float | None = None

    def public(self, family: str) -> Reading[Public]:
        return self.network.ipv4 if family == IPV4 else self.network.ipv6


def decide(settings: Settings, told: Told, now: float, before: Decision) -> Decision:
    """What is true now.  `before` only makes it steady: it breaks ties and bridges gaps.

    The clock may have been set back since: nothing of before lies later than now, or it would
    be waited for.  That costs the wait that was under way, and no more.
    """
    views = {
        family: View(
            settings,
            told,
            now,
            family,
            moved=_moved(told, family, now, before),
            before=_not_ahead(known(before.public(family)), now),
        )
        for family in FAMILIES
    }
    publics = {family: view.public() for family, view in views.items()}
    chosen = choose(
        publics,
        prefer=settings.prefer,
        port=settings.port,
        hold_s=settings.hold_s,
        now=now,
        before=before.choice.not_ahead(now),
    )
    shown = _shown(chosen, settings)
    network = Network(
        ipv4=publics[IPV4],
        ipv6=publics[IPV6],
        endpoint=chosen.endpoint,
        behind_nat=views[shown].behind_nat(publics[shown]),
        candidates=candidates(
            configured=settings.configured,
            interfaces=known(told.interfaces),
            sightings=evidence.fresh(told.sightings, now=now, fresh_s=settings.sightings_fresh_s),
            echoes=evidence.fresh(told.echoes, now=now, fresh_s=settings.echoes_fresh_s),
            now=now,
            before=before.network.candidates,
        ),
    )
    times = [chosen.again_at, *(at for view in views.values() for at in view.times())]
    return Decision(
        network=network,
        moved={family: view.moved for family, view in views.items()},
        choice=chosen.choice,
        again_at=min((at for at in times if at is not None and at > now), default=None),
    )


def _shown(chosen: Chosen, settings: Settings) -> str:
    """The family that `behind_nat` is about: that of the endpoint."""
    if isinstance(chosen.endpoint, Unknown):
        return settings.prefer
    return chosen.choice.family


def _moved(told: Told, family: str, now: float, before: Decision) -> Moved:
    """What was seen of this machine before its way out changed, is of no account any more."""
    last = before.moved.get(family, NEVER_MOVED)
    if isinstance(told.interfaces, Unknown):
        return last
    way = told.interfaces.way(family)
    if last is NEVER_MOVED:
        return Moved(way, NEVER_MOVED.at)
    last = last.not_ahead(now)
    return last if way == last.way else Moved(way, now)


def _not_ahead(public: Public | None, now: float) -> Public | None:
    return None if public is None else replace(public, since_at=min(public.since_at, now))
