"""Which faults follow from what validators say, or that they say nothing.  Pure.

Only answers of the last minutes count.  One validator may be wrong or lie, so of
ports and clocks it takes most of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from polarisd.api.chain import FOLLOWING, Chain, Validator
from polarisd.api.network import Network
from polarisd.api.reading import Unknown, known
from polarisd.api.snapshot import Daemon
from polarisd.health.board import Sign

_FRESH_S = 300.0
# A validator looks at the same ports again after five minutes, and tells at the next heartbeat.
_LOOK_FRESH_S = 900.0
# What is signed this far ahead of a validator's clock is refused.
_CLOCK_OFF_S = 2.0
_MAX_TEXT = 200


def validator_signs(
    daemon: Daemon,
    chain: Chain,
    network: Network,
    validators: Sequence[Validator],
    now: float,
    api_port: int,
) -> Iterator[Sign]:
    if daemon.role != "miner" or not chain.hotkey or not daemon.offering.wanted:
        return
    if not validators:
        yield from _none_signs(daemon, chain)
        return
    yield from _silent_signs(daemon, validators, now)
    yield from _port_signs(network, validators, now, api_port)


def clock_signs(validators: Iterable[Validator], now: float) -> Iterator[Sign]:
    """By the time in validators' signed answers, of those too who refuse for its sake."""
    fresh = [
        ahead_s
        for each in validators
        if now - (known(each.heard_at) or 0.0) <= _FRESH_S
        and (ahead_s := known(each.clock_ahead_s)) is not None
    ]
    if not fresh:
        yield Sign("clock_off", holds=None)
        return
    ahead_s = median(fresh)
    if abs(ahead_s) > _CLOCK_OFF_S:
        way = "ahead of" if ahead_s > 0 else "behind"
        whose = "that of a validator" if len(fresh) == 1 else f"those of {len(fresh)} validators"
        facts = {"seconds": abs(ahead_s), "way": way, "whose": whose}
        yield Sign("clock_off", facts=facts)


def _none_signs(daemon: Daemon, chain: Chain) -> Iterator[Sign]:
    """In independent mode it is the owner who names validators, or does without."""
    if daemon.mode == "bittensor" and not isinstance(chain.uid, Unknown):
        holds = True if chain.state == FOLLOWING else None
        yield Sign("no_validators", holds=holds)


def _silent_signs(daemon: Daemon, validators: Sequence[Validator], now: float) -> Iterator[Sign]:
    answers = [at for each in validators if (at := known(each.replied_at)) is not None]
    since = max(*answers, daemon.started_at, daemon.offering.since_at, 0.0)
    if now - since <= _FRESH_S:
        return
    worst = next((each for each in validators if each.detail), validators[0])
    facts = {
        "count": len(validators),
        "minutes": (now - since) / 60,
        "why": worst.detail[:_MAX_TEXT] or f"they are {worst.state}",
        "remedy": worst.remedy or "see what each of them says: polarisctl validators",
    }
    yield Sign("validators_silent", facts=facts)


def _port_signs(
    network: Network, validators: Sequence[Validator], now: float, api_port: int
) -> Iterator[Sign]:
    fresh = [v for v in validators if now - (known(v.looked_at) or 0.0) <= _LOOK_FRESH_S]
    asked = [v for v in fresh if _tried(v)]
    if not asked:
        yield Sign("ports_closed", holds=None)
        return
    tried = Counter(port for each in asked for port in _tried(each))
    failed = Counter(port for each in asked for port in _failed(each, api_port))
    if ports := sorted(port for port in failed if 2 * failed[port] > tried[port]):
        facts = {
            "count": sum(not _failed(each, api_port).isdisjoint(ports) for each in asked),
            "asked": len(asked),
            "ports": ("port " if len(ports) == 1 else "ports ") + spans(ports, "-", ", "),
            "how": _how(known(network.behind_nat), ports),
        }
        yield Sign("ports_closed", facts=facts)


def _tried(validator: Validator) -> set[int]:
    return {seen.port for seen in validator.ports if seen.answer != "not_tried"}


def _failed(validator: Validator, api_port: int) -> set[int]:
    """That nobody listens on a slot without a lease (closed) is as it should be; silence
    means that what is sent there does not arrive."""
    return {
        seen.port
        for seen in validator.ports
        if seen.answer == "silent" or (seen.answer == "closed" and seen.port == api_port)
    }


def _how(behind_nat: bool | None, ports: Sequence[int]) -> str:
    """What to do; where it is not known whether there is a router, both."""
    shown = spans(ports, "-", ", ")
    forward = f"on the router in front of this machine, forward TCP {shown} to it"
    allow = (
        f"let TCP {shown} in, at the provider's firewall if there is one, and here, for example: "
        f"sudo ufw allow {spans(ports, ':', ',')}/tcp"
    )
    if behind_nat is False:
        return allow
    return f"{forward}; {allow}" if behind_nat else f"{allow}; behind a router: {forward}"


def spans(ports: Sequence[int], to: str, between: str) -> str:
    """`8000, 11000-11002`: sorted numbers, runs of them joined."""
    runs: list[list[int]] = []
    for port in ports:
        if runs and runs[-1][-1] == port - 1:
            runs[-1].append(port)
        else:
            runs.append([port])
    return between.join(str(run[0]) if len(run) == 1 else f"{run[0]}{to}{run[-1]}" for run in runs)
