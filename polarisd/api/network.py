"""Under which addresses the world finds this machine, as far as anyone can tell."""

from __future__ import annotations

from dataclasses import dataclass

from polarisd.api.reading import NOT_READ_YET, Reading, Unknown

# Where an address was learnt from, the most trusted first.
CONFIGURED = "configured"
INTERFACE = "interface"
VALIDATORS = "validators"
ECHO = "echo"
SOURCES = (CONFIGURED, INTERFACE, VALIDATORS, ECHO)

_NOT_READ = Unknown(NOT_READ_YET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An address that some source names.  `kind` is one of `polarisd.net.kinds`; `origin`
    is the interface, the validator or the echo service that named it; `seen_at` is since when
    it has named this one, without a break."""

    address: str
    kind: str
    source: str
    origin: str
    seen_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """The public address of one family, who said so, and since when it has been so."""

    address: str
    source: str
    since_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """`ipv4` and `ipv6` are Unknown with a reason in words where there is no public one.

    `endpoint` is what is to be published: `ip:port`, or `[ip]:port`.  `behind_nat` is
    whether the world sees an address that no interface has.
    """

    ipv4: Reading[Public] = _NOT_READ
    ipv6: Reading[Public] = _NOT_READ
    endpoint: Reading[str] = _NOT_READ
    behind_nat: Reading[bool] = _NOT_READ
    candidates: tuple[Candidate, ...] = ()
