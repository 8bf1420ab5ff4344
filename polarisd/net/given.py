"""What the decision is made from: the owner's settings, and all that has been learnt.  Pure."""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.api.reading import NOT_READ_YET, Reading, Unknown
from polarisd.net.evidence import Witness
from polarisd.net.interfaces import Interfaces, Way
from polarisd.net.kinds import IPV4, ON_THE_INTERNET, Ip
from polarisd.whereabouts import machine_address

_NOT_READ = Unknown(NOT_READ_YET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`public_address` overrides every source, and is published whatever its kind is; other
    addresses only if theirs is in `publishable`.

    Sightings and echoes count for `…_fresh_s`; a validator that is the only one to speak is
    believed after `alone_s`; the endpoint changes its family after `hold_s`.
    """

    public_address: str = ""
    prefer: str = IPV4
    port: int = 8000
    echo_services: tuple[str, ...] = ()
    publishable: frozenset[str] = ON_THE_INTERNET
    sightings_fresh_s: float = 300.0
    echoes_fresh_s: float = 7200.0
    alone_s: float = 60.0
    hold_s: float = 60.0

    @property
    def configured(self) -> Ip | None:
        """None too where `public_address` is that of no machine, which the check of the config
        refuses by the same function."""
        return machine_address(self.public_address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that has been learnt so far.  `interfaces` may be Unknown for good, in a sandbox;
    `echo_problems` says of each echo service that gave no address, why."""

    interfaces: Reading[Interfaces] = _NOT_READ
    sightings: tuple[Witness, ...] = ()
    echoes: tuple[Witness, ...] = ()
    echo_problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Moved:
    """The way out in one family, and since when it has been so."""

    way: Way | None
    at: float

    def not_ahead(self, now: float) -> Moved:
        return Moved(self.way, min(self.at, now))


NEVER_MOVED = Moved(None, float("-inf"))
