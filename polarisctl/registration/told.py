"""What register says: the subnet's terms, and how it ended; for people and as JSON.  Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from polarisctl.cells import clean
from polarisctl.failures import EXIT_REFUSED
from polarisctl.registration.amounts import tao
from polarisctl.registration.judge import Payer, Ruling, Subnet
from polarisctl.registration.networks import LOCAL, Network
from polarisd.chain.values import Terms

EXIT_WOULD_REFUSE = EXIT_REFUSED  # of a dry run


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a registration ended.  `uid` and `block`, the finalized one where it was seen, are
    None where there is no chain; `changed` is whether this run registered it."""

    mode: str
    hotkey: str
    credential: str
    config: str
    daemon: str
    changed: bool
    network: str = ""
    netuid: int | None = None
    subnet_name: str = ""
    genesis_hash: str = ""
    uid: int | None = None
    block: int | None = None
    coldkey: str = ""
    fee_rao: int | None = None


def rows(pairs: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in pairs)


def subnet_text(network: Network, subnet: Subnet, origin: str) -> str:
    identity = subnet.identity
    chain = f"{network.text}: {clean(identity.chain_name)}, spec {identity.spec_version}"
    pairs = [("chain", f"{chain}, block {subnet.block:,}"), ("genesis", identity.genesis_hash)]
    if subnet.terms is not None:
        pairs += _terms_rows(subnet.terms, identity.block_time_s)
    pairs.append(("hotkey", f"{subnet.hotkey or 'none yet'} ({origin})"))
    if subnet.uid is not None:
        pairs.append(("uid", f"{subnet.uid}: this hotkey is registered there"))
    elif subnet.owner is not None:
        pairs.append(("owner", f"{subnet.owner} has registered this hotkey before"))
    return rows(pairs) + "\n"


def _terms_rows(terms: Terms, block_time_s: float) -> list[tuple[str, str]]:
    immune = duration(terms.immunity_blocks * block_time_s)
    price = f"{tao(terms.price_rao)} now, paid once, never given back"
    return [
        ("subnet", f"{terms.netuid}, which calls itself {quoted(terms.name)}"),
        ("price", f"{price}; it changes with every block"),
        ("slots", f"{terms.num_uids} of {terms.max_uids} taken"),
        (
            "immunity",
            f"{terms.immunity_blocks:,} blocks, about {immune}, in which others lose theirs first",
        ),
        ("registration", "open" if terms.registration_open else "closed"),
    ]


def quoted(name: str) -> str:
    """The name that a subnet gave itself, which may be anything."""
    return repr(clean(name)) if name else "(no name)"


def duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} hours" if seconds >= 7200 else f"{seconds / 60:.0f} minutes"


def payer_text(payer: Payer, price_rao: int) -> str:
    balance = "not known here" if payer.balance_rao is None else tao(payer.balance_rao)
    fee = "not known here" if payer.fee_rao is None else tao(payer.fee_rao)
    pairs = [
        ("coldkey", payer.coldkey or "of another machine"),
        ("balance", balance),
        ("price", tao(price_rao)),
        ("fee", f"{fee} besides, for the transaction"),
    ]
    return rows(pairs) + "\n"


def command(network: Network, netuid: int, hotkey: str, wallet: str) -> list[str]:
    """What registers it from the machine that has the coldkey."""
    return [
        *("btcli", "tx", "burned-register", "--netuid", str(netuid), "--hotkey", hotkey),
        *("-w", wallet or "WALLET", "-n", network.text),
    ]


def command_text(words: list[str], network: Network) -> str:
    lines = [
        "On the machine that has the coldkey, run:",
        "",
        "    " + shlex.join(words),
        "",
        "It shows the price, asks, and registers this hotkey, of which no more than the address",
        "leaves this host.  WALLET stands for the wallet of the coldkey there.",
    ]
    if "WALLET" not in words:
        lines[-1] = "leaves this host."
    if network.text == LOCAL or "127.0.0.1" in network.text or "localhost" in network.text:
        lines.append(f"From there, {network.text} has to lead to this same chain.")
    return "\n".join(lines) + "\n"


def ending_text(ending: Ending) -> str:
    if ending.uid is not None:
        first = "registered" if ending.changed else "this hotkey was registered already"
        head = (
            f"{first}: hotkey {ending.hotkey} has UID {ending.uid} on subnet {ending.netuid}, "
            f"{clean(ending.subnet_name)!r}, as of the finalized block {ending.block:,}"
        )
    elif ending.mode == "independent":
        head = f"this host is {ending.hotkey}, and belongs to no chain"
    else:
        head = f"this host is {ending.hotkey}"
    pairs = [("hotkey", ending.credential), ("configuration", ending.config)]
    if ending.coldkey:
        pairs.insert(0, ("owner", ending.coldkey))
    lines = [head, rows(pairs)]
    lines.append(_daemon_text(ending.daemon))
    return "\n".join(lines)


def _daemon_text(daemon: str) -> str:
    return {
        "unchanged": "nothing was to be changed on this host; see polarisctl status",
        "restarted": "polarisd was restarted with it; see polarisctl status",
        "stopped": "polarisd does not run; start it: sudo systemctl start polarisd",
        "left": "polarisd was not restarted (--no-restart): sudo systemctl restart polarisd",
    }.get(daemon, "have polarisd use it: sudo systemctl restart polarisd")


def ending_document(ending: Ending) -> dict[str, object]:
    """What `--json` prints; docs/register.md describes it."""
    return {
        "registered": True,
        "changed": ending.changed,
        "mode": ending.mode,
        "hotkey": ending.hotkey,
        "network": ending.network,
        "genesis_hash": ending.genesis_hash,
        "netuid": ending.netuid,
        "subnet_name": ending.subnet_name,
        "uid": ending.uid,
        "finalized_block": ending.block,
        "coldkey": ending.coldkey,
        "fee_rao": ending.fee_rao,
        "credential": ending.credential,
        "config": ending.config,
        "daemon": ending.daemon,
    }


def waiting_document(mode: str, hotkey: str, words: list[str]) -> dict[str, object]:
    """When somebody else has yet to sign."""
    return {"registered": False, "mode": mode, "hotkey": hotkey, "command": shlex.join(words)}


def dry_run_document(
    network: Network, subnet: Subnet, payer: Payer, against: list[Ruling], warned: list[str]
) -> dict[str, object]:
    terms = subnet.terms
    return {
        "dry_run": True,
        "registered": subnet.uid is not None,
        "mode": "bittensor",
        "hotkey": subnet.hotkey,
        "network": network.text,
        "genesis_hash": subnet.identity.genesis_hash,
        "spec_version": subnet.identity.spec_version,
        "block": subnet.block,
        "netuid": terms.netuid if terms else None,
        "subnet_name": terms.name if terms else None,
        "registration_open": terms.registration_open if terms else None,
        "price_rao": terms.price_rao if terms else None,
        "uids_taken": terms.num_uids if terms else None,
        "uids_most": terms.max_uids if terms else None,
        "immunity_blocks": terms.immunity_blocks if terms else None,
        "uid": subnet.uid,
        "owner_coldkey": subnet.owner,
        "coldkey": payer.coldkey or None,
        "balance_rao": payer.balance_rao,
        "fee_rao": payer.fee_rao,
        "refusals": [{"code": r.code, "text": r.text, "remedy": r.remedy} for r in against],
        "warnings": warned,
    }
