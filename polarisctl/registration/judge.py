"""Whether this hotkey may be registered on that subnet, from what the chain says.  Pure.

A refusal keeps money from being spent; a warning is shown before the question.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from polarisctl.cells import clean
from polarisctl.registration.amounts import tao
from polarisctl.registration.networks import (
    Network,
    is_genesis_of,
    is_open_text,
    is_ours,
    named_by_genesis,
)
from polarisctl.registration.progress import AWAITED, SENT, Progress
from polarisctl.registration.wish import Wish
from polarisd.chain.values import Identity, Terms

# A hotkey holds no funds: one that holds this much is perhaps somebody's coldkey.
MUCH_ON_A_HOTKEY_RAO = 10**8
# btauth/1, by which validators hear this machine, takes less than this.
CLOCK_BEHIND_S = 5.0
CLOCK_AHEAD_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnet:
    """What the chain says of itself, of the subnet and of the hotkey.

    `uid` is None without one; `block_age_s` our clock less that of the newest block, None
    where the chain does not tell.
    """

    identity: Identity
    block: int
    terms: Terms | None
    hotkey: str
    uid: int | None = None
    owner: str | None = None
    hotkey_balance_rao: int = 0
    block_age_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """The coldkey that is to pay; None for what is not known here."""

    coldkey: str = ""
    balance_rao: int | None = None
    fee_rao: int | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """`code` is stable, `text` for people, `remedy` says what to do."""

    code: str
    text: str
    remedy: str


def wrong_chain(
    network: Network, identity: Identity, pinned: str, source: str = "the configuration"
) -> Ruling | None:
    """`pinned` is the genesis hash that was confirmed before for this network, or empty;
    `source` is what has it."""
    genesis = identity.genesis_hash
    if is_genesis_of(network, genesis) is False:
        other = named_by_genesis(genesis)
        is_of = f"that of {other}" if other else "not that of this network"
        return Ruling(
            "wrong_chain",
            f"the node of {network.text} is of another chain: its genesis hash is {genesis}, "
            f"{is_of}",
            "nothing was sent; name another node: --network wss://...",
        )
    if pinned and pinned != genesis:
        return Ruling(
            "wrong_chain",
            f"the chain of {network.text} is not the one that was confirmed before: its genesis "
            f"hash is {genesis}, and {source} has {pinned}",
            "if the chain was made anew on purpose: sudo polarisctl unregister --no-chain first, "
            "on a terminal",
        )
    return None


def unfinished(
    progress: Progress | None, network: Network, netuid: int, hotkey: str
) -> list[Ruling]:
    """What another registration sent may yet land: it is not to be forgotten."""
    if progress is None:
        return []
    same = (progress.network, progress.netuid, progress.hotkey) == (network.text, netuid, hotkey)
    return [] if same else under_way(progress)


def under_way(progress: Progress | None) -> list[Ruling]:
    """Nothing else is to be begun before the end of what was sent is known."""
    if progress is None or progress.stage != SENT:
        return []
    return [
        Ruling(
            "unfinished",
            f"a registration of {progress.hotkey} on subnet {progress.netuid} of "
            f"{progress.network} was sent, and its end was not seen",
            "finish that one first, with no other options: sudo polarisctl register",
        )
    ]


def leaving(progress: Progress | None, gone: str, *, gives_up: bool, asks: bool) -> list[Ruling]:
    """`gone` is the hotkey that is to be removed, if any.  `gives_up` is --no-chain: what was
    begun is forgotten, and where something was sent only by a person who is asked."""
    if progress is None or progress.stage not in (SENT, AWAITED):
        return []
    if gone == progress.hotkey:
        return [
            Ruling(
                "unfinished",
                f"the registration of {gone} may still be paid for, and with --remove-key its key "
                "would be lost",
                "leave out --remove-key; or finish that one first: sudo polarisctl register",
            )
        ]
    return [] if gives_up and asks else under_way(progress)


def given_up_text(progress: Progress, where: str) -> str:
    head = f"The registration of {progress.hotkey} that was begun is given up; its key stays in\n"
    paid = {
        SENT: "A transaction was sent, and its end was not seen: it may be paid for.\n",
        AWAITED: "The command that was shown can still be run, and paid for.\n",
    }.get(progress.stage, "")
    return f"{head}{where}.\n{paid}"


def of_subnet(wish: Wish, subnet: Subnet) -> list[Ruling]:
    """Whether it is the subnet that was meant; also of a hotkey that has its UID there."""
    terms = subnet.terms
    if terms is None:
        return [_no_such_subnet(wish)]
    if wish.subnet_name is None or wish.subnet_name == terms.name:
        return []
    return [
        Ruling(
            "foreign_subnet",
            f"subnet {terms.netuid} calls itself {clean(terms.name)!r} on the chain, and not "
            f"{clean(wish.subnet_name)!r}",
            "nothing was sent; a netuid can change hands: ask where that subnet is now",
        )
    ]


def clock(subnet: Subnet) -> Ruling | None:
    age_s = subnet.block_age_s
    if age_s is None or -CLOCK_BEHIND_S <= age_s <= CLOCK_AHEAD_S:
        return None
    # A node that stands still looks like a clock that is ahead.
    ahead = f"{age_s:.0f} s ahead of the newest block of this node"
    how = f"{-age_s:.0f} s behind the chain's" if age_s < 0 else ahead
    return Ruling(
        "clock_off",
        f"the clock of this machine is {how}, and validators refuse what is signed more than 2 s "
        "ahead of theirs or 10 s behind",
        "set it: sudo timedatectl set-ntp true"
        + ("" if age_s < 0 else "; if it is right, the node lags: name another with --network"),
    )


def refusals(wish: Wish, subnet: Subnet) -> list[Ruling]:
    """Why it must not be paid for, whoever pays; `of_subnet` has nothing against it."""
    found = []
    if ruling := clock(subnet):
        found.append(ruling)
    terms = subnet.terms
    if terms is None:
        return found
    if wish.subnet_name is None and wish.yes and not wish.dry_run:
        name = clean(terms.name)
        found.append(
            Ruling(
                "name_not_confirmed",
                f"subnet {terms.netuid} calls itself {name!r}, and with --yes nobody confirms that",
                f"if that is the one you mean, give --subnet-name {shlex.quote(name)}",
            )
        )
    if not terms.registration_open:
        found.append(
            Ruling(
                "registration_closed",
                f"subnet {terms.netuid} takes no registrations now",
                "its owner has closed it: ask them, or try again later",
            )
        )
    if wish.max_price_rao is not None and terms.price_rao > wish.max_price_rao:
        found.append(
            Ruling(
                "price_too_high",
                f"registering costs {tao(terms.price_rao)} now, and --max-price is "
                f"{tao(wish.max_price_rao)}",
                "wait: the price falls while nobody registers; or allow more with --max-price",
            )
        )
    return found


def payer_refusals(subnet: Subnet, payer: Payer) -> list[Ruling]:
    """Why this coldkey cannot pay for this hotkey."""
    found = []
    terms = subnet.terms
    if payer.coldkey and payer.coldkey == subnet.hotkey:
        found.append(
            Ruling(
                "hotkey_is_coldkey",
                f"{subnet.hotkey} is the coldkey itself: it must not be on this host",
                "make another hotkey: --new-hotkey",
            )
        )
    if payer.coldkey and subnet.owner not in (None, payer.coldkey):
        found.append(
            Ruling(
                "owned_by_another",
                f"the hotkey {subnet.hotkey} belongs to another coldkey, {subnet.owner}, and not "
                f"to {payer.coldkey}",
                "sign with that coldkey, or make another hotkey: --new-hotkey",
            )
        )
    if payer.balance_rao is not None and terms is not None:
        needed = terms.price_rao + (payer.fee_rao or 0)
        if payer.balance_rao < needed:
            found.append(
                Ruling(
                    "no_funds",
                    f"the coldkey {payer.coldkey} has {tao(payer.balance_rao)}, and {tao(needed)} "
                    "are needed",
                    f"send at least {tao(needed - payer.balance_rao)} more to {payer.coldkey}",
                )
            )
    return found


def warnings(wish: Wish, subnet: Subnet) -> list[str]:
    """What one should know before saying yes."""
    found = []
    terms = subnet.terms
    if terms is not None and not is_ours(terms.name):
        found.append(foreign(terms))
    if terms is not None and terms.num_uids >= terms.max_uids:
        found.append(
            f"All {terms.max_uids} slots are taken: who registers takes the one of whoever earns "
            "least, those first whose immunity is over, and can lose it in the same way."
        )
    if subnet.hotkey_balance_rao >= MUCH_ON_A_HOTKEY_RAO:
        found.append(
            f"The hotkey {subnet.hotkey} holds {tao(subnet.hotkey_balance_rao)}.  A hotkey holds "
            "no funds: if it is a coldkey, stop here, and take it off this host."
        )
    if wish.network is not None and is_open_text(wish.network):
        found.append(
            f"The way to {wish.network.text} is not encrypted: whoever is on it can change what "
            "is shown here.  Use wss://, or a node on this machine."
        )
    return found


def foreign(terms: Terms) -> str:
    name = f"calls itself {clean(terms.name)!r}" if terms.name else "has no name"
    return (
        f"Subnet {terms.netuid} {name} and not Polaris.  Who registers there pays, and "
        "earns, by the rules of that subnet: offering GPUs by Polaris may earn nothing."
    )


def _no_such_subnet(wish: Wish) -> Ruling:
    network = wish.network.text if wish.network else ""
    return Ruling(
        "no_such_subnet",
        f"there is no subnet {wish.netuid} on {network}",
        "look at --netuid and --network: btcli query subnets -n NETWORK lists them",
    )
