"""Which faults hold between this machine and its chain.  Pure.

What was read stays as it was while the chain cannot be reached, so its faults
stay too; of what was never read nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from polarisd.api import chain as states
from polarisd.api.chain import Chain
from polarisd.api.network import Network
from polarisd.api.reading import NOT_PUBLISHED, NOT_REGISTERED, Unknown, known
from polarisd.api.snapshot import Daemon
from polarisd.health.board import Sign

RAO_PER_TAO = 10**9
# To publish an endpoint costs a fraction of a thousandth of a TAO.
_FUNDS_LOW_RAO = RAO_PER_TAO // 500
_FUNDS_ENOUGH_TAO = 0.05
# It is read every few blocks.  What was read of late is good for so long; the fault has to
# last for some minutes, besides, before it is shown.
_UNREAD_AFTER_S = 180.0
_KEPT_CHARACTERS = 128

_LINK_FAULTS = {
    states.UNREACHABLE: "chain_unreachable",
    states.STALLED: "chain_stalled",
    states.REFUSED: "chain_refused",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What the chain was found to be: the subnet's name when the owner agreed to it, empty if
    nobody did, and the runtime when this daemon met it, None if it has not yet."""

    subnet_name: str = ""
    spec_version: int | None = None


def hotkey_signs(daemon: Daemon, hotkey: str, why: str, remedy: str) -> Iterator[Sign]:
    """`hotkey` is empty where there is none; `why` and `remedy`, where one is unusable."""
    if hotkey:
        return
    if why:
        yield Sign("hotkey_unusable", facts={"detail": why, "remedy": remedy})
    else:
        yield Sign("no_identity" if daemon.mode == "independent" else "no_hotkey")


def chain_signs(
    daemon: Daemon, chain: Chain, now: float, confirmed: Confirmed | None = None
) -> Iterator[Sign]:
    if daemon.mode != "bittensor" or not chain.hotkey:
        return
    yield from _link_signs(chain)
    yield from _place_signs(chain, now)
    yield from _owner_signs(chain)
    if confirmed is not None:
        yield from _change_signs(chain, confirmed)


def _link_signs(chain: Chain) -> Iterator[Sign]:
    for state, code in _LINK_FAULTS.items():
        if chain.state == state:
            yield Sign(code, facts={"detail": chain.detail or "no reason was given"})
        elif chain.state == states.STARTING:
            # It is being tried again, which ends nothing.
            yield Sign(code, holds=None)


def _place_signs(chain: Chain, now: float) -> Iterator[Sign]:
    if isinstance(chain.uid, Unknown):
        facts = {"hotkey": chain.hotkey, "netuid": chain.netuid, "network": chain.network}
        holds = True if chain.uid.reason == NOT_REGISTERED else None
        yield Sign("not_registered", holds=holds, facts=facts)
    read_at = known(chain.read_at)
    if chain.state != states.FOLLOWING:
        yield Sign("chain_unread", holds=None)
    elif chain.unread and (read_at is None or now - read_at > _UNREAD_AFTER_S):
        yield Sign("chain_unread", facts={"detail": chain.unread})


def _owner_signs(chain: Chain) -> Iterator[Sign]:
    balance_rao = chain.owner_balance_rao
    if isinstance(balance_rao, Unknown):
        yield Sign("owner_funds_low", holds=None)
    elif balance_rao < _FUNDS_LOW_RAO and isinstance(chain.owner_coldkey, str):
        facts = {
            "coldkey": chain.owner_coldkey,
            "balance_tao": balance_rao / RAO_PER_TAO,
            "enough_tao": _FUNDS_ENOUGH_TAO,
        }
        yield Sign("owner_funds_low", facts=facts)


def _change_signs(chain: Chain, confirmed: Confirmed) -> Iterator[Sign]:
    name, spec = known(chain.subnet_name), known(chain.spec_version)
    if confirmed.subnet_name and name is None:
        yield Sign("subnet_renamed", holds=None)
    elif confirmed.subnet_name and _as_kept(name or "") != _as_kept(confirmed.subnet_name):
        facts = {"netuid": chain.netuid, "name": name, "confirmed": confirmed.subnet_name}
        yield Sign("subnet_renamed", facts=facts)
    before = confirmed.spec_version
    if before is not None and spec is not None and spec != before:
        yield Sign("runtime_changed", facts={"before": before, "after": spec})


def _as_kept(name: str) -> str:
    """What `register` writes down is cleaned and cut: letters and digits outlast that."""
    return "".join(filter(str.isalnum, name))[:_KEPT_CHARACTERS]


def publication_signs(daemon: Daemon, chain: Chain, network: Network) -> Iterator[Sign]:
    """Whether the chain names the endpoint under which the world finds this machine."""
    if daemon.mode != "bittensor" or not chain.hotkey:
        return
    published, endpoint = chain.published, known(network.endpoint)
    why = f": {chain.publication}" if chain.publication else ""
    if isinstance(chain.uid, Unknown):
        if chain.uid.reason != NOT_REGISTERED:
            yield from _cannot_tell("endpoint_not_published", "endpoint_differs")
    elif not isinstance(published, Unknown):
        if endpoint is None:
            yield from _cannot_tell("endpoint_differs")
        elif published.endpoint != endpoint:
            facts = {"published": published.endpoint, "endpoint": endpoint, "why": why}
            yield Sign("endpoint_differs", facts=facts)
    elif published.reason == NOT_PUBLISHED:
        yield Sign("endpoint_not_published", facts={"why": why})
    else:
        yield from _cannot_tell("endpoint_not_published", "endpoint_differs")


def _cannot_tell(*codes: str) -> Iterator[Sign]:
    for code in codes:
        yield Sign(code, holds=None)
