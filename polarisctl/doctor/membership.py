"""This machine's key, and the chain that its configuration names.  Pure.

Made by `gather.hotkey` and `gather.nodes`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from polarisctl import values
from polarisctl.doctor.config import Settings
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown, warning
from polarisctl.doctor.limits import HOTKEY_FILE
from polarisd.api.reading import Reading, Unknown

REGISTER = "sudo polarisctl register"
RESTART = "sudo systemctl restart polarisd"
# What a file begins with that bittensor, of today or of old, has encrypted.
_ENCRYPTED = ("$NACL", "$ANSIBLE_VAULT", "gAAAA")
_SECRETS = ("secretSeed", "privateKey", "secretPhrase")
_SR25519 = 1
_KEYS = ("network", "netuid", "genesis_hash")


@dataclass(frozen=True, slots=True)
class Keyfile:
    """Nothing of a keyfile but its address, and what is wrong with it, empty if nothing is."""

    address: str
    flaw: str


@dataclass(frozen=True, slots=True)
class Nodes:
    """Whether the names of the chain's nodes are found: by host; empty where no name is needed."""

    found: dict[str, Reading[bool | None]]


def read_keyfile(text: str) -> Keyfile:
    """Its shape alone: whether the key in it is a key is for polarisd to find out."""
    if text.startswith(_ENCRYPTED):
        return Keyfile("", "it is encrypted, and polarisd has nobody to ask for the password")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return Keyfile("", "it is not a keyfile of bittensor (JSON)")
    if not isinstance(document, dict):
        return Keyfile("", "it is not a keyfile of bittensor (JSON)")
    address = document.get("ss58Address")
    address = address if isinstance(address, str) else ""
    if not any(document.get(name) for name in _SECRETS):
        return Keyfile(address, "it holds no secret key: it is the public half")
    if document.get("cryptoType", _SR25519) != _SR25519:
        return Keyfile(address, "its key is not of the kind sr25519")
    return Keyfile(address, "")


def chain_settings(settings: Settings) -> Finding:
    """What `polarisctl register` writes, all of it."""
    if settings.mode == "commune":
        if settings.text("commune", "python"):
            return ok(f"commune, through {settings.text('commune', 'python')}")
        return failure(
            "mode commune, without commune.python",
            "commune.python: an interpreter that has communex",
            "Name one in the configuration, or choose another mode:",
            REGISTER,
        )
    if settings.mode != "bittensor":
        return skipped(f"mode {settings.mode} needs no chain")
    section = settings.values.get("chain", {})
    if missing := [f"chain.{key}" for key in _KEYS if not section.get(key)]:
        return failure(
            f"mode bittensor, without {', '.join(missing)}",
            ", ".join(f"chain.{key}" for key in _KEYS),
            "This finds them out, shows them to you and writes them down:",
            REGISTER,
        )
    found = f"netuid {section['netuid']} of {section['network']}"
    name = settings.text("chain", "subnet_name")
    if not name:
        return warning(
            f"{found}, of which nobody has confirmed the name",
            "chain.subnet_name, by which polarisd notices that the netuid has become another's",
            "This shows the subnet's name, and writes it down when you agree:",
            REGISTER,
        )
    return ok(f'{found}, "{name}"')


def hotkey(file: Reading[Keyfile | None], settings: Settings, daemon: Daemon) -> Finding:
    """The keyfile, and whether the daemon runs with it."""
    needed = f"a keyfile without a password in {HOTKEY_FILE}"
    if isinstance(file, Unknown):
        return cannot_tell(HOTKEY_FILE, file, needed)
    running = values.text(daemon.snapshot, "chain", "hotkey")
    if file is None and running:
        return ok(f"{running}, which polarisd was given in another way")
    if file is None:
        if settings.mode == "independent":
            return skipped("there is none, and nothing is told to others; register makes one")
        return failure("there is none", needed, "Make or import one:", REGISTER)
    if file.flaw:
        return failure(file.flaw, needed, "Move it away, then make or import one:", REGISTER)
    if running is not None and running != file.address:
        now = f"with {running}" if running else "without"
        return warning(
            f"{file.address or 'a keyfile'}, but polarisd runs {now}",
            "polarisd running with the hotkey that is there",
            "It reads the hotkey when it starts:",
            RESTART,
        )
    return ok(file.address or "there, without its address in it")


def node_names(nodes: Nodes) -> Finding:
    needed = "names that are found"
    if not nodes.found:
        return skipped("no node of a chain is named here, or by its address alone")
    lost = [host for host, found in nodes.found.items() if found is False]
    untold = [host for host, found in nodes.found.items() if isinstance(found, Unknown)]
    if lost and len(lost) == len(nodes.found):
        return failure(
            f"{', '.join(lost)}: not found",
            needed,
            "See whether this machine's DNS works:",
            f"getent ahosts {lost[0]}",
            "resolvectl status",
        )
    if lost:
        return warning(
            f"{', '.join(lost)}: not found", needed, "Correct it in chain.fallback_endpoints."
        )
    if untold and isinstance(reason := nodes.found[untold[0]], Unknown):
        return cannot_tell(f"the address of {untold[0]}", reason, needed)
    if None in nodes.found.values():
        return unknown("getent is not installed to look them up", needed)
    return ok(", ".join(nodes.found))
