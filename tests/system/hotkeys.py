"""A hotkey for a box's daemon, put where `polarisctl register` puts one."""

from __future__ import annotations

import json

from polarisd import keys
from tests.system.box import Box

DIRECTORY = "/etc/polaris/credentials"
PATH = f"{DIRECTORY}/hotkey"

HOTKEY = keys.from_seed(bytes(range(32)))
KEYFILE = keys.keyfile(HOTKEY).decode()
# what of it nobody else may ever see
SECRETS = tuple(
    value.removeprefix("0x")
    for name, value in json.loads(KEYFILE).items()
    if name in ("secretSeed", "privateKey", "secretPhrase") and value
)


def put(box: Box, content: str = KEYFILE) -> None:
    box.run("install", "-d", "-m", "0700", DIRECTORY)
    box.write(PATH, content)
    box.run("chmod", "0600", PATH)


def take_away(box: Box) -> None:
    box.run("rm", "-rf", DIRECTORY)
    box.run("systemd-tmpfiles", "--create", "polaris.conf")
