"""`register --mode bittensor`: from nothing to a UID that the finalized chain has.

Nothing is sent before everything else is known to be right: the chain, the subnet, the key on
the disk, and the configuration that is going to be written.
"""

from __future__ import annotations

from dataclasses import replace

from polarisctl.failures import EXIT_FAILED, EXIT_OK
from polarisctl.registration import finishing, hotkeys, judge, owning, paying, told
from polarisctl.registration.chain import PATIENCE_S, Chain, NotThere, Seen, look, watch
from polarisctl.registration.hotkeys import Chosen
from polarisctl.registration.judge import Payer, Ruling, Subnet
from polarisctl.registration.networks import (
    SUGGESTED,
    Network,
    is_ours,
    parse_netuid,
    parse_network,
)
from polarisctl.registration.parts import Parts, refuse
from polarisctl.registration.paying import Paid
from polarisctl.registration.progress import KEPT, SENT, Progress
from polarisctl.registration.toml_edit import Changes
from polarisctl.registration.wish import Wish
from polarisctl.registration.words import BITTENSOR

_NETWORKS = {
    "finney": "the main network",
    "test": "the test network, whose TAO is worth nothing",
    "local": "a node on this machine, ws://127.0.0.1:9944",
    "other": "the address of a node: ws(s)://...",
}


def register(parts: Parts, wish: Wish, progress: Progress | None) -> int:
    """Error handling: refused or failed, each with its remedy."""
    wish = _completed(parts, wish)
    assert wish.network is not None
    chosen = hotkeys.choose(wish, parts.place, progress, parts.environ, parts.asker)
    address = chosen.hotkey.ss58 if chosen.hotkey else ""
    refuse(judge.unfinished(progress, wish.network, wish.netuid, address), "register")
    with Chain(wish.network) as chain:
        parts.asker.say(f"looking at {wish.network.text} ...")
        subnet = chain.run(lambda port: look(port, wish.netuid, address, parts.clock))
        parts.asker.say(told.subnet_text(wish.network, subnet, chosen.origin))
        pinned = _pinned(parts, wish.network, progress)
        wrong = judge.wrong_chain(wish.network, subnet.identity, *pinned)
        if wish.dry_run:
            return _dry_run(parts, wish, chain, subnet, wrong)
        refuse([wrong] if wrong else [], "register")
        refuse(judge.of_subnet(wish, subnet), "register")
        chain.pin(subnet.identity.genesis_hash)
        return _go(parts, wish, chain, chosen, subnet, progress)


def _go(
    parts: Parts,
    wish: Wish,
    chain: Chain,
    chosen: Chosen,
    subnet: Subnet,
    progress: Progress | None,
) -> int:
    """It is the chain and the subnet that were meant."""
    assert wish.network is not None and chosen.hotkey is not None
    edited = parts.settings.prepare(_changes(wish.network, subnet))
    parts.prove(edited)
    finishing.set_aside(parts, progress, chosen.hotkey)
    paid = Paid(coldkey=_meant(parts, wish, subnet, progress))
    seen = _look_up(parts, chain, subnet, progress)
    if seen is None:
        if judge.under_way(progress):
            subnet = _again(parts, chain, subnet)
        found = _pay(parts, wish, chain, chosen, subnet)
        if found is None:
            return EXIT_FAILED
        seen, paid = found
    ending = _ending(parts, wish.network, subnet, seen, paid)
    # Kept, where it was not in use before; the registration itself is over.
    kept = str(parts.place.where(subnet.hotkey))
    if others := owning.of_another(subnet.hotkey, seen.uid, seen.owner, paid.coldkey, kept):
        parts.place.forget()
        return finishing.not_ours(parts, ending, others)
    finishing.answer(parts, finishing.finish(parts, chosen.hotkey, edited, ending))
    return EXIT_OK


def _meant(parts: Parts, wish: Wish, subnet: Subnet, progress: Progress | None) -> str:
    """Who was to pay: as said now, or by the registration that was begun."""
    begun = progress if progress is not None and progress.hotkey == subnet.hotkey else None
    return paying.meant_payer(parts, wish) or (begun.coldkey if begun else "")


def _again(parts: Parts, chain: Chain, shown: Subnet) -> Subnet:
    """Minutes have passed: the price is another, and the subnet is perhaps another's."""
    assert shown.terms is not None
    netuid = shown.terms.netuid
    now = chain.run(lambda port: look(port, netuid, shown.hotkey, parts.clock))
    refuse(owning.changed_hands(shown.terms, now.terms), "register")
    return now


def _completed(parts: Parts, wish: Wish) -> Wish:
    network = wish.network
    if network is None:
        name = parts.asker.choose("Which network?", _NETWORKS)
        if name == "other":
            network = parts.asker.ask("address of the node: ", parse_network)
        else:
            network = Network(name)
    netuid = wish.netuid
    if not netuid:
        if known := SUGGESTED.get(network.text):
            numbers = " and ".join(map(str, known))
            parts.asker.say(
                f"The first Polaris was netuid {numbers} there; a netuid can change hands, so what"
                "\nthe chain says of it is shown before anything is paid."
            )
        netuid = parts.asker.ask("netuid of the subnet: ", parse_netuid)
    return replace(wish, network=network, netuid=netuid)


def _pinned(parts: Parts, network: Network, progress: Progress | None) -> tuple[str, str]:
    """The genesis hash that was confirmed for this network before, or empty; and what has it."""
    if progress is not None and progress.network == network.text and progress.genesis_hash:
        return progress.genesis_hash, f"the registration that was begun ({parts.place.own})"
    chain = parts.settings.values().get("chain", {})
    same = chain.get("network") == network.text
    return str(chain.get("genesis_hash", "")) if same else "", str(parts.settings.path)


def _look_up(parts: Parts, chain: Chain, subnet: Subnet, progress: Progress | None) -> Seen | None:
    """The UID that there is already, or that a transaction of an earlier run still brings."""
    terms = subnet.terms
    assert terms is not None
    expires = None
    if progress is not None and progress.stage == SENT and progress.hotkey == subnet.hotkey:
        expires = paying.last_block(progress, subnet)
        if subnet.uid is None:
            parts.asker.say(
                "A registration was sent before, and its end was not seen.  Waiting until it is\n"
                f"there, or until it cannot come any more, after block {expires:,} ..."
            )
    elif subnet.uid is None:
        return None
    wait_s = PATIENCE_S if subnet.uid is not None else paying.longest_s(subnet, expires or 0)
    seen = chain.run(
        lambda port: watch(
            port,
            terms.netuid,
            subnet.hotkey,
            wait_s=wait_s,
            expires_block=None if subnet.uid is not None else expires,
            tell=parts.asker.say,
        )
    )
    if isinstance(seen, NotThere):
        if progress is not None and expires is not None and seen.block > expires:
            parts.asker.say("It was not taken into the chain; nothing was paid.")
            parts.place.save(replace(progress, stage=KEPT))
            return None
        raise paying.not_final(subnet)
    return seen


def _pay(
    parts: Parts, wish: Wish, chain: Chain, chosen: Chosen, subnet: Subnet
) -> tuple[Seen, Paid] | None:
    """None if somebody else has yet to sign."""
    terms = subnet.terms
    assert terms is not None
    refuse(judge.refusals(wish, subnet), "register")
    for text in judge.warnings(wish, subnet):
        parts.asker.say(f"Attention: {text}\n")
    if not is_ours(terms.name) and not wish.yes:
        paying.agree(parts, f"Register on subnet {terms.netuid} all the same?")
    return paying.pay(parts, wish, chain, chosen, subnet)


def _dry_run(parts: Parts, wish: Wish, chain: Chain, subnet: Subnet, wrong: Ruling | None) -> int:
    """Show everything, send nothing, write nothing.  Refused where it would be."""
    assert wish.network is not None
    against = [wrong] if wrong else []
    payer = Payer()
    if not against:
        against = judge.of_subnet(wish, subnet)
    if subnet.terms is not None and subnet.uid is None and not wrong:
        against += judge.refusals(wish, subnet)
        payer = paying.known_payer(parts, wish, chain, subnet)
        against += judge.payer_refusals(subnet, payer)
        parts.asker.say(told.payer_text(payer, subnet.terms.price_rao))
    warned = judge.warnings(wish, subnet)
    if parts.as_json:
        parts.print_json(told.dry_run_document(wish.network, subnet, payer, against, warned))
    else:
        for text in warned:
            parts.show(f"Attention: {text}\n")
        parts.show("nothing was sent: this was a dry run")
    if parts.as_json:
        return told.EXIT_WOULD_REFUSE if against else EXIT_OK
    refuse(against, "register")
    return EXIT_OK


def _changes(network: Network, subnet: Subnet) -> Changes:
    assert subnet.terms is not None
    return finishing.of_mode(
        BITTENSOR,
        network=network.text,
        netuid=subnet.terms.netuid,
        genesis_hash=subnet.identity.genesis_hash,
        subnet_name=subnet.terms.name,
    )


def _ending(parts: Parts, network: Network, subnet: Subnet, seen: Seen, paid: Paid) -> told.Ending:
    assert subnet.terms is not None
    return told.Ending(
        mode=BITTENSOR,
        hotkey=subnet.hotkey,
        credential=str(parts.place.credential),
        config=str(parts.settings.path),
        daemon="",
        changed=paid.changed,
        network=network.text,
        netuid=subnet.terms.netuid,
        subnet_name=subnet.terms.name,
        genesis_hash=subnet.identity.genesis_hash,
        uid=seen.uid,
        block=seen.block,
        coldkey=seen.owner,
        fee_rao=paid.fee_rao,
    )
