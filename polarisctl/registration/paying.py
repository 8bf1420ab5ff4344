"""The step that costs money: signed here, or on the machine that has the coldkey.

What is going to be sent is written down before it is sent, and after that it is looked for on
the chain, and never sent again before it is certain that it cannot land.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from polarisctl.failures import failed
from polarisctl.registration import chain as chains
from polarisctl.registration import finishing, hotkeys, judge, owning, told, wallets
from polarisctl.registration.amounts import tao
from polarisctl.registration.asking import NOT_YES, flush_typed_ahead
from polarisctl.registration.chain import PATIENCE, Chain, NotThere, Seen, look_at_payer, watch
from polarisctl.registration.hotkeys import Chosen
from polarisctl.registration.judge import Payer, Subnet
from polarisctl.registration.parts import Parts, refuse
from polarisctl.registration.progress import AWAITED, KEPT, SENT, Progress
from polarisctl.registration.wallets import Wallet
from polarisctl.registration.wish import Wish, unlimited
from polarisctl.registration.words import BITTENSOR, ELSEWHERE, HERE
from polarisd.api.errors import ControlError
from polarisd.chain.outcomes import Failed, Landed, Submission, Unsure
from polarisd.chain.port import ChainPort

# What a transaction is signed in may be a few blocks after the one that was last heard of.
MARGIN_BLOCKS = 4
# A node whose newest block is no older than this does not lag, by less than the margin.
FRESH_BLOCKS = 3
FRESH_S = 5.0
# Finality trails by a few blocks; stalled, it is given this long.
FINAL_S = 600.0

_SIGNING = {
    ELSEWHERE: "on the machine that has the coldkey: the command for it is shown",
    HERE: "here: the coldkey is in a wallet on this host, where it should not stay",
}
_WRONG_PLACE = """\
A GPU host is the wrong place for a coldkey: whoever breaks in has all of its TAO.  It is opened
in this program alone and never written; polarisd refuses to run where it can read one.  Take
the wallet off this host afterwards.
"""


_UNDER_WAY = """\
A transaction may be under way.  Run it again: sudo polarisctl register.  It is looked for, and
not paid for again before it is certain that it cannot come."""


@dataclass(frozen=True, slots=True)
class Paid:
    """`changed` is whether it was this run that registered it; `coldkey` who was to pay."""

    changed: bool = False
    coldkey: str = ""
    fee_rao: int | None = None


def pay(
    parts: Parts, wish: Wish, chain: Chain, chosen: Chosen, subnet: Subnet
) -> tuple[Seen, Paid] | None:
    """None if somebody else has yet to sign.  Error handling: fails in words."""
    sign = wish.sign or parts.asker.choose("Where is the coldkey that pays?", _SIGNING)
    if sign == HERE:
        return _sign_here(parts, wish, chain, chosen, subnet)
    return _sign_elsewhere(parts, wish, chain, chosen, subnet)


def known_payer(parts: Parts, wish: Wish, chain: Chain, subnet: Subnet) -> Payer:
    """As far as it can be known without a password."""
    address = wish.coldkey
    if not address and wish.wallet and wish.sign != ELSEWHERE:
        address = hotkeys.choose_wallet(wish, parts.environ, parts.asker).address()
    return _payer(wish, chain, subnet, address)


def meant_payer(parts: Parts, wish: Wish) -> str:
    """The coldkey that is to own the UID, as far as it was said; empty where it was not."""
    if wish.coldkey or not wish.wallet:
        return wish.coldkey
    path = Path(wish.wallet_path) if wish.wallet_path else wallets.default_path(parts.environ)
    return Wallet(path, wish.wallet).address()


async def _still(port: ChainPort, wish: Wish, subnet: Subnet) -> None:
    """Error handling: refused if it is not the subnet any more that was shown."""
    assert subnet.terms is not None
    now = chains.sure(await port.terms(wish.netuid), "register")
    refuse(owning.changed_hands(subnet.terms, now), "register")


def agree(parts: Parts, question: str) -> None:
    """Error handling: fails unless the answer is yes."""
    flush_typed_ahead()
    if not parts.asker.agrees(question):
        raise failed(NOT_YES)


def last_block(sent: Progress, subnet: Subnet) -> int:
    """In which what an earlier run sent can still land: it was signed soon after that run said
    so, and before now; but what is now, a node that lags does not know."""
    block_time_s = max(subnet.identity.block_time_s, 0.001)
    signed = sent.sent_block + math.ceil(PATIENCE.submit_s / block_time_s)
    age_s = subnet.block_age_s
    if age_s is not None and abs(age_s) <= max(FRESH_S, FRESH_BLOCKS * block_time_s):
        signed = min(signed, max(subnet.block, sent.sent_block))
    return signed + sent.valid_blocks + MARGIN_BLOCKS


def longest_s(subnet: Subnet, expires_block: int) -> float:
    """How long what was sent may take to land, or to become void."""
    return max(expires_block - subnet.block, 0) * subnet.identity.block_time_s * 2 + FINAL_S


def not_final(subnet: Subnet) -> ControlError:
    return failed(
        f"cannot tell yet whether {subnet.hotkey} has its UID: it is not in a finalized block",
        "run it again: it is looked up, and not paid for again",
    )


def _payer(wish: Wish, chain: Chain, subnet: Subnet, address: str) -> Payer:
    if not address:
        return Payer()
    return chain.run(
        lambda port: look_at_payer(
            port, wish.netuid, subnet.hotkey, address, shielded=not wish.plain
        )
    )


def _sign_here(
    parts: Parts, wish: Wish, chain: Chain, chosen: Chosen, subnet: Subnet
) -> tuple[Seen, Paid]:
    assert subnet.terms is not None
    if wish.yes and wish.max_price_rao is None:
        raise unlimited()
    wallet = hotkeys.choose_wallet(wish, parts.environ, parts.asker)
    content = wallets.read_coldkey(wallet)
    parts.asker.say(_WRONG_PLACE)
    # Where the wallet does not tell the address, the coldkey has to.
    pair = None if wallet.address() else _open(parts, wish, wallet, content)
    payer = _payer(wish, chain, subnet, pair.ss58_address if pair else wallet.address())
    parts.asker.say(told.payer_text(payer, subnet.terms.price_rao))
    refuse(judge.payer_refusals(subnet, payer), "register")
    most_rao = subnet.terms.price_rao if wish.max_price_rao is None else wish.max_price_rao
    if not wish.yes:
        name = f"{subnet.terms.netuid}, {told.quoted(subnet.terms.name)}"
        agree(parts, f"Pay at most {tao(most_rao)} and the fee, for a UID on subnet {name}?")
    pair = pair or _open(parts, wish, wallet, content)
    if pair.ss58_address != payer.coldkey:
        raise failed(
            f"cannot use the wallet {wallet.name}: its coldkeypub.txt is of another coldkey",
            "restore it: btcli wallet regen-coldkeypub",
        )
    finishing.keep(parts, wish, chosen, _progress(wish, subnet, KEPT, pair.ss58_address))
    return _send(parts, wish, chain, chosen, subnet, pair, most_rao)


def _open(parts: Parts, wish: Wish, wallet: Wallet, content: bytes) -> Any:
    return wallets.open_coldkey(content, wallet, parts.asker, wish.password_fd)


def _send(
    parts: Parts,
    wish: Wish,
    chain: Chain,
    chosen: Chosen,
    subnet: Subnet,
    pair: Any,
    most_rao: int,
) -> tuple[Seen, Paid]:
    ours = pair.ss58_address
    kept = replace(_progress(wish, subnet, KEPT, ours), made=chosen.made)
    blocks = PATIENCE.valid_blocks if wish.plain else PATIENCE.shielded_valid_blocks

    async def errand(port: ChainPort) -> tuple[Submission, Seen | NotThere | None]:
        await _still(port, wish, subnet)
        head = chains.sure(await port.head(), "register")
        # From here on a second run looks for it before it sends anything.
        parts.place.save(replace(kept, stage=SENT, sent_block=head.number, valid_blocks=blocks))
        parts.asker.say("sending the registration, and waiting until it is final ...")
        done = await chains.pay(
            port, wish.netuid, subnet.hotkey, pair, most_rao, shielded=not wish.plain
        )
        if isinstance(done, Failed) and done.code != "already_registered":
            return done, None
        expires = None
        if isinstance(done, Unsure):
            expires = done.expires_block
            if expires is None:
                now = chains.sure(await port.head(), "register")
                expires = max(now.number, head.number) + blocks + MARGIN_BLOCKS
            parts.asker.say(f"  {done.why.text}; looking for it on the chain ...")
        wait_s = longest_s(subnet, expires or 0)
        seen = await watch(
            port,
            wish.netuid,
            subnet.hotkey,
            wait_s=wait_s,
            expires_block=expires,
            tell=parts.asker.say,
        )
        return done, seen

    try:
        done, seen = chain.run(errand)
    except KeyboardInterrupt:
        if judge.under_way(parts.place.progress()):
            parts.asker.say(f"\n{_UNDER_WAY}")
        raise
    if isinstance(seen, Seen):
        # That it is registered does not say by whom.
        landed = isinstance(done, Landed) or (isinstance(done, Unsure) and seen.owner == ours)
        fee = done.fee_rao if isinstance(done, Landed) else None
        return seen, Paid(landed, ours, fee)
    if isinstance(done, Landed):
        raise not_final(subnet)
    # It is certain that it had no effect.
    parts.place.save(kept)
    why = done.why if isinstance(done, Unsure) else done
    raise chains.told(why, "register")


def _sign_elsewhere(
    parts: Parts, wish: Wish, chain: Chain, chosen: Chosen, subnet: Subnet
) -> tuple[Seen, Paid] | None:
    assert wish.network is not None
    payer = _payer(wish, chain, subnet, wish.coldkey)
    refuse(judge.payer_refusals(subnet, payer), "register")
    chain.run(lambda port: _still(port, wish, subnet))
    meant = meant_payer(parts, wish)
    finishing.keep(parts, wish, chosen, _progress(wish, subnet, AWAITED, meant))
    words = told.command(wish.network, wish.netuid, subnet.hotkey, wish.wallet)
    text = told.command_text(words, wish.network)
    (parts.asker.say if parts.as_json else parts.show)(text)
    seen: Seen | NotThere = NotThere(subnet.block)
    if wish.wait_s:
        parts.asker.say(
            f"waiting for it, {told.duration(wish.wait_s)} at most; Ctrl-C ends only the waiting"
        )
        try:
            seen = chain.run(
                lambda port: watch(
                    port, wish.netuid, subnet.hotkey, wait_s=wish.wait_s, tell=parts.asker.say
                )
            )
        except KeyboardInterrupt:
            parts.asker.say("\nnot registered yet; to go on: sudo polarisctl register")
            raise
    if isinstance(seen, Seen):
        return seen, Paid(True, meant)
    if parts.as_json:
        parts.print_json(told.waiting_document(BITTENSOR, subnet.hotkey, words))
    parts.asker.say("not registered yet; when that command has run: sudo polarisctl register")
    return None


def _progress(wish: Wish, subnet: Subnet, stage: str, coldkey: str = "") -> Progress:
    assert wish.network is not None and subnet.terms is not None
    return Progress(
        stage=stage,
        mode=BITTENSOR,
        hotkey=subnet.hotkey,
        network=wish.network.text,
        netuid=wish.netuid,
        genesis_hash=subnet.identity.genesis_hash,
        subnet_name=subnet.terms.name,
        coldkey=coldkey,
    )
