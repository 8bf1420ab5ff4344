"""What is known of one family's public address, source by source.  Pure; for `public`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from polarisd.api.network import CONFIGURED, ECHO, INTERFACE, VALIDATORS, Public
from polarisd.api.reading import NOT_KNOWN, NOT_READ_YET, Reading, Unknown
from polarisd.net import evidence, why
from polarisd.net.evidence import Agreed, Agreement, TooFew, Witness
from polarisd.net.given import Moved, Settings, Told
from polarisd.net.interfaces import Address, Interfaces
from polarisd.net.kinds import GLOBAL, Ip, family_of, kind_of, parse

# Where so many as two validators have spoken within this, one alone is not believed.
_RECENT_S = 3600.0


@dataclass(frozen=True, slots=True)
class View:
    """`before` is the public address that was decided on before, if any."""

    settings: Settings
    told: Told
    now: float
    family: str
    moved: Moved
    before: Public | None

    def public(self) -> Reading[Public]:
        configured = self.settings.configured
        if configured is not None and family_of(configured) == self.family:
            return self._found(configured, CONFIGURED)
        interfaces = self.told.interfaces
        if isinstance(interfaces, Unknown):
            if interfaces.reason == NOT_READ_YET:
                return interfaces
            return self._seen_by_others(interfaces.detail, "")
        return self._by_interfaces(interfaces)

    def _by_interfaces(self, interfaces: Interfaces) -> Reading[Public]:
        way = interfaces.way(self.family)
        interface = None if way is None else interfaces.by_index(way.interface)
        if way is None or interface is None:
            return Unknown(NOT_KNOWN, why.no_way(self.family))
        if not (interface.up and interface.carrier):
            return Unknown(NOT_KNOWN, why.no_carrier(interface))
        held = interfaces.on_the_way(self.family)
        usable = [address for _, address in held if self._publishable(address.ip)]
        lasting = [address.ip for address in usable if address.lasting]
        if lasting:
            return self._found(self._steadiest(lasting, way.source), INTERFACE)
        for holder, address in held:
            if address in usable and _becoming(address):
                return Unknown(NOT_KNOWN, why.not_yet(holder, address))
        return self._seen_by_others(*why.unusable(held, self.family))

    def _steadiest(self, lasting: list[Ip], source: Ip | None) -> Ip:
        """The one that the kernel sends from, so that all see the same; else the one of before."""
        for ip in lasting:
            if ip == source:
                return ip
        for ip in lasting:
            if self.before is not None and str(ip) == self.before.address:
                return ip
        return lasting[0]

    def _seen_by_others(self, own: str, remedy: str) -> Reading[Public]:
        agreement = self.validators()
        if isinstance(agreement, Agreed):
            return self._found(agreement.ip, VALIDATORS)
        parts = [own, why.not_agreed(agreement, "validators")]
        if self.settings.echo_services:
            agreement = self.echoes()
            if isinstance(agreement, Agreed):
                return self._found(agreement.ip, ECHO)
            parts += [why.not_agreed(agreement, "echo services"), *self.told.echo_problems]
        text = "; ".join(part for part in parts if part)
        return Unknown(NOT_KNOWN, f"{text} → {remedy}" if remedy else text)

    def _found(self, ip: Ip, source: str) -> Public:
        same = self.before is not None and self.before.address == str(ip)
        since_at = self.before.since_at if self.before is not None and same else self.now
        return Public(address=str(ip), source=source, since_at=since_at)

    def validators(self) -> Agreement:
        of_late = self._fresh(self.told.sightings, _RECENT_S)
        return evidence.of_validators(
            self._counting(self._fresh(self.told.sightings, self.settings.sightings_fresh_s)),
            recent=len(of_late),
            incumbent=self._incumbent(),
            alone_from=self.moved.at,
            alone_s=self.settings.alone_s,
            now=self.now,
        )

    def echoes(self) -> Agreement:
        fresh = self._fresh(self.told.echoes, self.settings.echoes_fresh_s)
        return evidence.agreement(self._counting(fresh), needed=2, incumbent=self._incumbent())

    def _incumbent(self) -> Ip | None:
        return None if self.before is None else parse(self.before.address)

    def _fresh(self, witnesses: Iterable[Witness], fresh_s: float) -> tuple[Witness, ...]:
        fresh = evidence.fresh(witnesses, now=self.now, fresh_s=fresh_s)
        return tuple(w for w in fresh if family_of(w.ip) == self.family)

    def _counting(self, witnesses: Iterable[Witness]) -> tuple[Witness, ...]:
        """Those of them who saw what can be published, and saw it since the machine moved."""
        return tuple(
            w
            for w in witnesses
            if w.at >= self.moved.at and self._publishable(w.ip) and not self._passing(w.ip)
        )

    def _publishable(self, ip: Ip) -> bool:
        return kind_of(ip) in self.settings.publishable

    def _passing(self, ip: Ip) -> bool:
        """Whether it is an address of ours that will be another one tomorrow."""
        interfaces = self.told.interfaces
        held = None if isinstance(interfaces, Unknown) else interfaces.holder_of(ip)
        return held is not None and not held[1].lasting

    def behind_nat(self, public: Reading[Public]) -> Reading[bool]:
        """Whether the world sees an address that no interface has."""
        interfaces = self.told.interfaces
        if isinstance(interfaces, Unknown):
            return interfaces
        agreement = self.validators()
        if isinstance(agreement, Agreed):
            return interfaces.holder_of(agreement.ip) is None
        if not isinstance(public, Unknown):
            kind = kind_of(parse(public.address))
            if public.source == CONFIGURED and kind != GLOBAL:
                return Unknown(NOT_KNOWN, why.not_the_worlds(public.address, kind))
            return interfaces.holder_of(parse(public.address)) is None
        held = [a.ip for _, a in interfaces.on_the_way(self.family) if a.scope != "link"]
        if held and not any(kind_of(ip) == GLOBAL for ip in held):
            return True  # whatever the world sees, it is none of these
        return Unknown(NOT_KNOWN, "nobody has said from where the world sees this machine")

    def times(self) -> Iterator[float]:
        """When each word that counts now ceases to count, or a lone one begins to."""
        for fresh_s, witnesses in (
            (self.settings.sightings_fresh_s, self.told.sightings),
            (_RECENT_S, self.told.sightings),
            (self.settings.echoes_fresh_s, self.told.echoes),
        ):
            for witness in witnesses:
                yield from (witness.at - evidence.AHEAD_S, witness.at + fresh_s)
        agreement = self.validators()
        if isinstance(agreement, TooFew) and agreement.until_at is not None:
            yield agreement.until_at


def _becoming(address: Address) -> bool:
    return address.tentative and not (address.temporary or address.deprecated or address.dad_failed)
