"""`unregister`: this machine stops being reachable by the chain, and goes back to none.

The daemon is turned away from the chain first: it would publish its endpoint again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from polarisctl.cells import clean
from polarisctl.failures import EXIT_OK, failed
from polarisctl.registration import chain as chains
from polarisctl.registration import judge, wallets
from polarisctl.registration.chain import Chain
from polarisctl.registration.files import read_small
from polarisctl.registration.judge import Ruling, wrong_chain
from polarisctl.registration.networks import Network, parse_network
from polarisctl.registration.parts import Parts, refuse
from polarisctl.registration.settings import Values
from polarisctl.registration.words import INDEPENDENT
from polarisctl.values import age
from polarisd.api.errors import ControlError
from polarisd.chain.outcomes import Failed, Unsure
from polarisd.chain.port import ChainPort
from polarisd.chain.values import Axon
from polarisd.keys import Hotkey

SLOT = """\
The chain has no way to give a UID back.  The slot stays this hotkey's until somebody who
registers takes it, which happens to whoever earns least once its immunity is over.  What was
paid is not given back.  As long as the slot is there, `polarisctl register` finds it again,
without paying.
"""

# Blocks may come more slowly than they should.
_WAIT_FACTOR = 2

_NO_CHAIN: tuple[tuple[str, str | int | None], ...] = (
    ("network", ""),
    ("netuid", 0),
    ("genesis_hash", ""),
    ("subnet_name", ""),
)


@dataclass(frozen=True, slots=True)
class Membership:
    network: Network
    netuid: int
    genesis_hash: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What the chain said; `uid` is None where this hotkey has none (any more)."""

    withdrawn: bool
    uid: int | None


def unregister(parts: Parts, *, remove_key: bool, no_chain: bool, asks: bool) -> int:
    """Error handling: refused or failed in words; what was done before that stays done."""
    values = parts.settings.values()
    hotkey = parts.place.installed()
    begun = parts.place.progress()
    gone = hotkey.ss58 if hotkey is not None and remove_key else ""
    refuse(judge.leaving(begun, gone, gives_up=no_chain, asks=asks), "unregister")
    given_up = begun if begun is not None and no_chain else None
    member = _membership(values)
    mode = values.get("node", {}).get("mode", INDEPENDENT)
    nothing = mode == INDEPENDENT and member is None and (hotkey is None or not remove_key)
    if nothing and given_up is None:
        return _answer(parts, hotkey, None, removed=False, daemon="unchanged", changed=False)
    asker = parts.asker
    if member is not None:
        where = f"subnet {member.netuid}, {clean(member.name)!r}, of {member.network.text}"
        asker.say(f"This host is registered on {where}.\n\n{SLOT}")
    if remove_key and hotkey is not None:
        asker.say(_key_text(parts, hotkey))
    if given_up is not None:
        asker.say(judge.given_up_text(given_up, str(parts.place.where(given_up.hotkey))))
    if asks and not asker.agrees("Go on?"):
        raise failed("nothing was done: the answer was not yes")
    changed = not nothing and _turn_away(parts)
    left = None
    if member is not None and hotkey is not None and not no_chain:
        try:
            left = _leave(parts, member, hotkey)
        except ControlError as error:
            raise _half_done(error) from None
    changed = _forget(parts, values) or changed
    parts.place.record("")
    if given_up is not None:
        parts.place.forget()
    removed = False
    if remove_key and hotkey is not None:
        parts.place.owe_restart()
        parts.place.remove(hotkey)
        removed = True
    daemon = parts.restart() if parts.place.owes_restart() else "unchanged"
    return _answer(parts, hotkey, left, removed=removed, daemon=daemon, changed=True)


def _half_done(error: ControlError) -> ControlError:
    """The daemon has left the chain by then, but the chain still knows the way to this host."""
    return ControlError(
        error.code,
        f"{error.message}; polarisd is in the mode independent now, but the chain still names its "
        "endpoint",
        "run it again when the chain answers, or with --no-chain to leave the endpoint there",
    )


def _membership(values: Values) -> Membership | None:
    chain = values.get("chain", {})
    network, netuid = chain.get("network"), chain.get("netuid")
    if not isinstance(network, str) or not isinstance(netuid, int) or not network or not netuid:
        return None
    genesis_hash, name = str(chain.get("genesis_hash", "")), str(chain.get("subnet_name", ""))
    return Membership(parse_network(network), netuid, genesis_hash, name)


def _turn_away(parts: Parts) -> bool:
    """The daemon has no chain when this returns, but the configuration still knows which."""
    edited = parts.settings.prepare({"node": {"mode": INDEPENDENT}})
    if not parts.settings.differs(edited):
        return False
    parts.place.owe_restart()
    parts.settings.replace(edited)
    if parts.restart() not in ("restarted", "stopped"):
        parts.asker.say("polarisd has to be restarted, or it publishes its endpoint again")
    return True


def _leave(parts: Parts, member: Membership, hotkey: Hotkey) -> Left:
    async def errand(port: ChainPort) -> Left | Ruling:
        what = "leave the subnet"
        identity = chains.sure(await port.identity(), what)
        if wrong := wrong_chain(member.network, identity, member.genesis_hash):
            return wrong
        uid = chains.sure(await port.uid(member.netuid, hotkey.ss58), what)
        axon = chains.sure(await port.axon(member.netuid, hotkey.ss58), what)
        if uid is None or axon is None or axon.endpoint is None:
            return Left(withdrawn=False, uid=uid)
        await _wait_for_turn(parts, port, member, axon, identity.block_time_s)
        parts.asker.say(f"taking {axon.endpoint} off the chain ...")
        done = await port.withdraw(member.netuid, hotkey)
        if isinstance(done, Failed):
            raise chains.told(done, "take the endpoint off the chain")
        # It counts what the chain says afterwards.
        axon = chains.sure(await port.axon(member.netuid, hotkey.ss58), what)
        if axon is not None and axon.endpoint is not None:
            why = done.why.text if isinstance(done, Unsure) else "it is still there"
            raise failed(
                f"cannot tell whether the endpoint is off the chain: {why}", "run it again"
            )
        return Left(withdrawn=True, uid=uid)

    with Chain(member.network) as chain:
        found = chain.run(errand)
    if isinstance(found, Ruling):
        refuse([found], "unregister")
        raise AssertionError
    return found


def blocks_to_wait(axon: Axon, limit_blocks: int, head: int) -> int:
    """Until the chain takes anything of this hotkey's endpoint: so many blocks have to lie
    between two words on it.  What is sent now lands in the next block at the earliest."""
    return max(axon.block + limit_blocks - (head + 1), 0) if axon.block else 0


async def _wait_for_turn(
    parts: Parts, port: ChainPort, member: Membership, axon: Axon, block_time_s: float
) -> None:
    what = "tell how soon the endpoint may be taken off the chain"
    terms = chains.sure(await port.terms(member.netuid), what)
    limit = terms.serving_limit_blocks if terms is not None else 0
    head = chains.sure(await port.head(), what)
    blocks = blocks_to_wait(axon, limit, head.number)
    if not blocks:
        return
    wait_s = blocks * block_time_s
    parts.asker.say(
        f"the endpoint was published at block {axon.block:,}, and the subnet lets a hotkey change"
        f" it every {limit:,} blocks: waiting for {blocks:,} more, about {age(wait_s)}.\n"
        "Ctrl-C ends the waiting; sudo polarisctl unregister goes on from there later"
    )
    deadline_s = _WAIT_FACTOR * wait_s + chains.PATIENCE_S
    if not await chains.wait_for_block(port, head.number + blocks, wait_s=deadline_s):
        raise failed(
            f"cannot take the endpoint off the chain: in {age(deadline_s)} it did not come to"
            f" block {head.number + blocks:,}, before which the subnet refuses it",
            "run it again later; polarisd is off that chain already, and stays so",
        )


def _forget(parts: Parts, values: Values) -> bool:
    chain = values.get("chain", {})
    changes = {key: nothing for key, nothing in _NO_CHAIN if chain.get(key, nothing) != nothing}
    if not changes:
        return False
    edited = parts.settings.prepare({"chain": changes})
    parts.place.owe_restart()
    return parts.settings.replace(edited)


def _key_text(parts: Parts, hotkey: Hotkey) -> str:
    copies = _copies(parts, hotkey)
    head = f"The hotkey {hotkey.ss58} is going to be removed from {parts.place.credential}.\n"
    if copies:
        return head + f"There is another copy of it: {', '.join(map(str, copies))}\n"
    return head + (
        "No other copy was found on this host: if there is none elsewhere, and nobody knows its\n"
        "mnemonic, the hotkey and its UID are lost for good.\n"
    )


def _copies(parts: Parts, hotkey: Hotkey) -> list[Path]:
    root = wallets.default_path(parts.environ)
    candidates = [
        root / wallet / "hotkeys" / name
        for wallet in wallets.names(root)
        for name in wallets.Wallet(root, wallet).hotkeys()
    ]
    return [path for path in candidates if _is_of(path, hotkey)]


def _is_of(path: Path, hotkey: Hotkey) -> bool:
    try:
        content = read_small(path) if path.is_file() else None
        document = json.loads(content or b"{}")
    except (ValueError, RecursionError, OSError):
        return False
    return isinstance(document, dict) and document.get("ss58Address") == hotkey.ss58


def _answer(
    parts: Parts,
    hotkey: Hotkey | None,
    left: Left | None,
    *,
    removed: bool,
    daemon: str,
    changed: bool,
) -> int:
    document = {
        "changed": changed,
        "hotkey": hotkey.ss58 if hotkey else "",
        "uid": left.uid if left else None,
        "withdrawn": left.withdrawn if left else False,
        "key_removed": removed,
        "config": str(parts.settings.path),
        "daemon": daemon,
    }
    if parts.as_json:
        parts.print_json(document)
        return EXIT_OK
    if not changed:
        parts.show("this host is registered on no chain; nothing was to be done")
        return EXIT_OK
    lines = ["this host belongs to no chain any more"]
    if left is not None and left.withdrawn:
        lines.append(f"its endpoint is off the chain; UID {left.uid} stays until it is taken")
    elif left is not None and left.uid is None:
        lines.append("its hotkey has no UID there (any more)")
    elif left is not None:
        lines.append(f"it had no endpoint on the chain; UID {left.uid} stays until it is taken")
    lines.append("the hotkey was removed" if removed else "the hotkey stays on this host")
    parts.show("\n".join(lines))
    return EXIT_OK
