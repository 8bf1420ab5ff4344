"""A box on a chain: the devnode runs on the host, and the box finds it on its own loopback."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import bittensor_core

from tests.devnode.client import DevNode
from tests.devnode.keys import address, pair
from tests.system.box import Box, wait_for
from tests.system.box.machine import Done
from tests.system.daemon import Daemon

NETUID = 49
NAME = "Polaris"
PAYER = "//Alice"
PASSWORD = "correct-horse"
WALLETS, WALLET = "/root/wallets", "cold"
REGISTRATION = "/etc/polaris/registration"

# A box has no address that the world knows, so its operator names one.
ADDRESS = "1.2.3.4"
ENDPOINT = f"{ADDRESS}:8000"
CONFIG = f'[network]\npublic_address = "{ADDRESS}"\n'


@contextmanager
def reachable_chain(box: Box) -> Iterator[DevNode]:
    """Under the same URL in the box as here."""
    with DevNode() as node:
        tunnel = box.tunnel(node.port, node.port)
        try:
            yield node
        finally:
            tunnel.close()


def give_wallet(box: Box) -> None:
    """The wallet of the owner of a GPU host, whose coldkey is there for once."""
    make_wallet(box.root / WALLETS.lstrip("/"))


def make_wallet(wallets: Path) -> None:
    place = wallets / WALLET
    place.mkdir(mode=0o700, parents=True)
    (place / "coldkey").write_bytes(_coldkey())
    (place / "coldkeypub.txt").write_text(json.dumps({"ss58Address": address(PAYER)}))


@cache
def _coldkey() -> bytes:
    """Encrypting takes five seconds, as decrypting does."""
    plain = bytes(bittensor_core.serialized_keypair_to_keyfile_data(pair(PAYER)))
    return bytes(bittensor_core.encrypt_keyfile_data(plain, PASSWORD))


def register(box: Box, node: DevNode, *words: str, check: bool = True) -> Done:
    """As an operator's script would; the password is what comes on file 0."""
    which = ("--network", node.url, "--netuid", str(NETUID), "--subnet-name", NAME)
    command = ("polarisctl", "register", "--mode", "bittensor", *which, "--yes", "--json", *words)
    typed = f"printf %s {PASSWORD} | {shlex.join(command)}"
    return box.run("sh", "-c", typed, check=check, timeout_s=120)


def sign_here() -> tuple[str, ...]:
    key = ("--wallet", WALLET, "--wallet-path", WALLETS, "--password-fd", "0")
    return ("--sign", "here", *key, "--max-price", "1")


def sign_elsewhere(wait_s: int) -> tuple[str, ...]:
    key = ("--coldkey", address(PAYER), "--wallet", WALLET)
    return ("--sign", "elsewhere", *key, "--wait", str(wait_s))


def run_elsewhere(command: str, home: Path) -> None:
    """On the machine that has the coldkey, and bittensor's own program."""
    make_wallet(home / ".bittensor/wallets")
    program, *words = shlex.split(command)
    subprocess.run(
        [Path(sys.executable).with_name(program), *words, "--yes"],
        check=True,
        env={"HOME": str(home), "BT_WALLET_PASSWORD": PASSWORD, "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        timeout=120,
    )


def endpoint(node: DevNode, hotkey: str) -> str:
    """What the chain names for a hotkey, to whoever asks for it."""
    axon = node.get("SubtensorModule", "Axons", NETUID, hotkey)
    return f"{ip_address(axon['ip'])}:{axon['port']}"


def standing(daemon: Daemon) -> dict[str, Any]:
    chain: dict[str, Any] = daemon.snapshot()["chain"]
    return chain


def wait_until_published(daemon: Daemon) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        chain = standing(daemon)
        right = isinstance(chain["published"], dict) and (
            chain["published"].get("endpoint") == ENDPOINT
        )
        return chain if right and chain["state"] == "following" else None

    return wait_for(f"{ENDPOINT} on the chain", look, 60)
