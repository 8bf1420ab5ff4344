"""Asking the chain, and paying on it: over `polarisd.chain`, one connection for each errand.

Called by the modes, which are synchronous: between two errands a person may think for as long
as it takes.  The only module of polarisctl that knows trio.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import trio

from polarisctl.failures import FAILED
from polarisctl.registration.judge import Payer, Subnet
from polarisctl.registration.networks import Network
from polarisd.api import errors
from polarisd.api.errors import ControlError
from polarisd.chain.config import Patience
from polarisd.chain.opening import open_chain
from polarisd.chain.outcomes import Failed, Outcome, Submission
from polarisd.chain.port import ChainPort
from polarisd.chain.values import Head
from polarisd.keys import Hotkey, Signer

T = TypeVar("T")

PATIENCE = Patience()
# How long a node may be silent, or away, while something is waited for.
PATIENCE_S = 180.0
LOOK_AGAIN_S = 20.0
# What the daemon does by itself, a person has to do here.
_REMEDIES = {
    "unreachable": "look at this machine's network, and at --network; then run it again",
    "timeout": "run it again; if it lasts, name another node with --network wss://...",
    "node_error": "run it again; if it lasts, name another node with --network wss://...",
    "garbage": "name another node with --network wss://...",
    "node_rate_limited": "wait, then run it again; or name another node with --network wss://...",
    "node_refuses": "name another node with --network wss://...",
    "wrong_chain": "name a node of the right chain with --network",
    "serving_rate_limited": "run it again: it waits for as long as the subnet wants",
    "stalled": "run it again; if it lasts, name another node with --network wss://...",
    "registration_full": "run it again in some minutes",
    "no_slot": "run it again when the oldest of them loses its immunity",
    "bad_signature": "run it again; if it lasts, update polaris",
    "rejected": "run it again; if it lasts, report it, with the text above",
    "priority_too_low": "wait a minute, and stop what else signs with this key; then run it again",
    "displaced": "stop what else signs with this key; then run it again",
    "insufficient_balance": "send some TAO to the coldkey that pays",
    "fee_unpaid": "send some TAO to the coldkey that pays",
    "shield_unavailable": "run it again in a minute, or send it unshielded with --plain",
    "shield_failed": "run it again, perhaps with --plain; no more than a small fee was paid",
}
# Nothing here tries anything twice: of whatever passes.
_AGAIN = "run it again in a minute: what was done already is seen, and not done twice"
# What `judge` would have refused, had the chain said so before.
_REFUSED = frozenset(
    {
        "wrong_chain",
        "no_subnet",
        "registration_closed",
        "price_above_limit",
        "insufficient_balance",
        "fee_unpaid",
        "coldkey_frozen",
    }
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The UID of the hotkey, as of a finalized block: it stays.  `owner` is the coldkey that
    the chain has for it, empty where it tells none."""

    uid: int
    block: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class NotThere:
    """No UID as of this finalized block, and the time to wait is over."""

    block: int


class Chain:
    """For the length of a `with`.  `pin` it to a genesis hash before it is trusted with more
    than a look."""

    def __init__(self, network: Network) -> None:
        self._network = network.text
        self._genesis_hash: str | None = None
        # The chain's metadata is a megabyte, and the same for every errand.
        self._cache = TemporaryDirectory(prefix="polaris-")

    def __enter__(self) -> Chain:
        return self

    def __exit__(self, *_: object) -> None:
        self._cache.cleanup()

    def pin(self, genesis_hash: str) -> None:
        self._genesis_hash = genesis_hash

    def run(self, errand: Callable[[ChainPort], Awaitable[T]]) -> T:
        """Error handling: ControlError and KeyboardInterrupt come out of trio as they are."""

        async def main() -> T:
            async with open_chain(
                self._network,
                genesis_hash=self._genesis_hash,
                cache_dir=Path(self._cache.name),
                patience=PATIENCE,
            ) as port:
                return await errand(port)

        try:
            return trio.run(main)
        except BaseException as problem:
            alone = _alone(problem)
            if alone is problem:
                raise
            raise alone from None


def told(problem: Failed, what: str) -> ControlError:
    """As polarisctl's own failure."""
    remedy = _REMEDIES.get(problem.code, _AGAIN if problem.passing else problem.remedy)
    if problem.retry_after_s is not None:
        remedy += f" (in {problem.retry_after_s:.0f} s)"
    code = errors.REFUSED if problem.code in _REFUSED else FAILED
    return ControlError(code, f"cannot {what}: {problem.text}", remedy)


def sure(outcome: Outcome[T], what: str) -> T:
    if isinstance(outcome, Failed):
        raise told(outcome, what)
    return outcome


async def look(port: ChainPort, netuid: int, hotkey: str, clock: Callable[[], float]) -> Subnet:
    """Error handling: fails in words if the chain does not tell."""
    what = "look at the chain"
    identity = sure(await port.identity(), what)
    head = sure(await port.head(), what)
    terms = sure(await port.terms(netuid), what)
    at = sure(await port.block_at(), what)
    subnet = Subnet(
        identity=identity,
        block=head.number,
        terms=terms,
        hotkey=hotkey,
        block_age_s=clock() - at,
    )
    if not hotkey or terms is None:
        return subnet
    return replace(
        subnet,
        uid=sure(await port.uid(netuid, hotkey), what),
        owner=sure(await port.owner(hotkey), what),
        hotkey_balance_rao=sure(await port.balance_rao(hotkey), what),
    )


async def look_at_payer(
    port: ChainPort, netuid: int, hotkey: str, coldkey: str, *, shielded: bool
) -> Payer:
    """`hotkey` may be empty in a dry run: the fee does not depend on which it is."""
    balance = sure(await port.balance_rao(coldkey), "read the balance of the coldkey")
    fee = await port.registration_fee_rao(netuid, hotkey or coldkey, coldkey, shielded=shielded)
    return Payer(
        coldkey=coldkey, balance_rao=balance, fee_rao=None if isinstance(fee, Failed) else fee
    )


async def pay(
    port: ChainPort, netuid: int, hotkey: str, coldkey: Signer, most_rao: int, *, shielded: bool
) -> Submission:
    return await port.register(netuid, hotkey, coldkey, most_rao=most_rao, shielded=shielded)


async def withdraw(port: ChainPort, netuid: int, hotkey: Hotkey) -> Submission:
    return await port.withdraw(netuid, hotkey)


async def watch(
    port: ChainPort,
    netuid: int,
    hotkey: str,
    *,
    wait_s: float,
    expires_block: int | None = None,
    tell: Callable[[str], None],
) -> Seen | NotThere:
    """Until the hotkey has a UID at a finalized block; at most `wait_s`, and not beyond
    `expires_block`, after which what was sent can land no more.

    Error handling: a node that is away is waited for; fails if it stays away.
    """
    with port.heads() as heads:
        return await _watch(port, netuid, hotkey, heads, wait_s, expires_block, tell)


async def _watch(
    port: ChainPort,
    netuid: int,
    hotkey: str,
    heads: trio.MemoryReceiveChannel[Head],
    wait_s: float,
    expires_block: int | None,
    tell: Callable[[str], None],
) -> Seen | NotThere:
    end = trio.current_time() + wait_s
    answered = trio.current_time()
    while True:
        found = await _look_for(port, netuid, hotkey)
        now = trio.current_time()
        if isinstance(found, Seen):
            return found
        if isinstance(found, NotThere):
            answered = now
            if expires_block is not None and found.block > expires_block:
                return found
            if now >= end:
                return found
        elif now - answered > PATIENCE_S or now >= end:
            raise told(found, f"tell whether {hotkey} has a UID on subnet {netuid}")
        else:
            tell(f"  the chain does not answer ({found.text}); trying again")
        await _next_head(heads, min(LOOK_AGAIN_S, max(end - now, 0.05)))


async def wait_for_block(port: ChainPort, number: int, *, wait_s: float) -> bool:
    """Whether the chain comes to that block within that time; a node that is away is waited for."""
    with trio.move_on_after(wait_s), port.heads() as heads:
        while True:
            head = await port.head()
            if not isinstance(head, Failed) and head.number >= number:
                return True
            await _next_head(heads, LOOK_AGAIN_S)
    return False


async def _look_for(port: ChainPort, netuid: int, hotkey: str) -> Seen | NotThere | Failed:
    # The block first: a UID that comes after it is found all the same.
    head = await port.head(finalized=True)
    if isinstance(head, Failed):
        return head
    uid = await port.uid(netuid, hotkey, finalized=True)
    if isinstance(uid, Failed):
        return uid
    if uid is None:
        return NotThere(head.number)
    owner = await port.owner(hotkey)
    return owner if isinstance(owner, Failed) else Seen(uid, head.number, owner or "")


async def _next_head(heads: trio.MemoryReceiveChannel[Head], most_s: float) -> None:
    with trio.move_on_after(most_s):
        await heads.receive()


def _alone(problem: BaseException) -> BaseException:
    """Out of the groups that nurseries put around it; of several, Ctrl-C."""
    inner: tuple[BaseException, ...] = getattr(problem, "exceptions", ())
    found = [_alone(one) for one in inner]
    pressed = [one for one in found if isinstance(one, KeyboardInterrupt)]
    if pressed or len(found) == 1:
        return (pressed or found)[0]
    return problem
