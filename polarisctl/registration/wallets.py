"""Bittensor wallets on this host: where they are, what is in them, and opening a coldkey.

PATH/NAME/coldkey          encrypted, usually
PATH/NAME/coldkeypub.txt   its address, for all
PATH/NAME/hotkeys/HOTKEY   plain
"""

from __future__ import annotations

import pwd
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polarisctl.cells import clean
from polarisctl.failures import failed
from polarisctl.registration import formats
from polarisctl.registration.asking import Asker, read_secret
from polarisctl.registration.files import read_small
from polarisd import keys
from polarisd.api.errors import ControlError
from polarisd.keys import BadKeyfile

MOST_SHOWN = 12
PASSWORD_TRIES = 3


def default_path(environ: Mapping[str, str]) -> Path:
    """Of the user who called sudo: root has no wallets."""
    home = environ.get("HOME", "/root")
    user = environ.get("SUDO_USER", "")
    if user and user != "root":
        with suppress(KeyError):
            home = pwd.getpwnam(user).pw_dir
    return Path(home, ".bittensor", "wallets")


@dataclass(frozen=True, slots=True)
class Wallet:
    path: Path
    name: str

    @property
    def coldkey_file(self) -> Path:
        return self.path / self.name / "coldkey"

    def hotkey_file(self, name: str) -> Path:
        return self.path / self.name / "hotkeys" / name

    def check(self) -> None:
        """Error handling: fails, with the wallets that there are, if this is none."""
        try:
            there = (self.path / self.name).is_dir()
        except PermissionError:
            raise failed(f"cannot look into {self.path}: permission denied", "use sudo") from None
        if not there:
            raise failed(
                f"cannot find the wallet {clean(self.name)} in {self.path}", _others(self.path)
            )

    def address(self) -> str:
        """The coldkey's, without a password; empty where the wallet does not tell."""
        content = read_small(self.path / self.name / "coldkeypub.txt")
        if content is None:
            return ""
        try:
            return keys.address_in(content)
        except BadKeyfile:
            return ""

    def hotkeys(self) -> list[str]:
        return _names(self.path / self.name / "hotkeys")


def names(path: Path) -> list[str]:
    return [name for name in _names(path) if (path / name).is_dir()]


def _names(path: Path) -> list[str]:
    try:
        found = sorted(item.name for item in path.iterdir())
    except OSError:
        return []
    return [name for name in found if not name.endswith("pub.txt") and not name.startswith(".")]


def _others(path: Path) -> str:
    found = [clean(name) for name in names(path)]
    if not found:
        return "there is no wallet; name another directory with --wallet-path, or sign elsewhere"
    more = ", ..." if len(found) > MOST_SHOWN else ""
    return f"there are: {', '.join(found[:MOST_SHOWN])}{more}; or name another --wallet-path"


def read_hotkey_file(path: Path) -> bytes:
    """Error handling: fails, with the hotkeys that there are, where there is none."""
    content = read_small(path)
    if content is None:
        siblings = ", ".join(clean(name) for name in _names(path.parent)[:MOST_SHOWN])
        raise failed(
            f"cannot find the hotkey {path}",
            f"there are: {siblings}" if siblings else "there is none beside it",
        )
    return content


def read_coldkey(wallet: Wallet) -> bytes:
    """The file as it is.  Error handling: fails in words where it cannot be used."""
    content = read_small(wallet.coldkey_file)
    if content is None:
        raise failed(
            f"cannot sign here: {wallet.coldkey_file} is not there",
            "this wallet has its coldkey on another machine: --sign elsewhere",
        )
    return content


def open_coldkey(content: bytes, wallet: Wallet, asker: Asker, password_fd: int) -> Any:
    """The key pair, which a ChainPort takes.  Takes about five seconds; the password comes from
    `password_fd`, or is asked for if that is negative.

    Error handling: fails on a wrong password, after three tries where it can be asked for.
    """
    shown = wallet.coldkey_file
    if not keys.encryption(content):
        asker.say(f"  {shown} is not encrypted: whoever reads it has the coldkey")
        return _pair(content, shown)
    piped = read_secret(password_fd, "--password-fd") if password_fd >= 0 else None
    for left in range(PASSWORD_TRIES if piped is None else 1, 0, -1):
        word = asker.secret(f"password of {shown} (not shown): ") if piped is None else piped
        asker.say("  unlocking the coldkey, which takes a few seconds ...")
        try:
            return _pair(keys.decrypt(content, word), shown)
        except keys.WrongPassword:
            if left > 1:
                asker.say("  the password is wrong")
        except BadKeyfile as bad:
            raise _unusable(shown, bad) from None
    raise failed(f"cannot open {shown}: the password is wrong", "nothing was sent")


def decrypt_hotkey(content: bytes, path: Path, how: str, asker: Asker) -> keys.Hotkey:
    """polarisd has nobody to ask for a password, so the key is kept without one."""
    if not asker.can_ask:
        raise failed(
            f"cannot use {path}: it is encrypted ({how}), and there is no terminal to ask for its "
            "password",
            "run polarisctl register on a terminal, or import the mnemonic with --mnemonic-fd",
        )
    asker.say(f"  {path} is encrypted ({how}).  polarisd has nobody to ask, so it gets the key")
    asker.say("  without a password; the file itself stays as it is.")
    for _ in range(PASSWORD_TRIES):
        try:
            opened = keys.decrypt(content, asker.secret(f"password of {path} (not shown): "))
            found = formats.read_hotkey(opened)
        except keys.WrongPassword:
            asker.say("  the password is wrong")
            continue
        except BadKeyfile as bad:
            raise _unusable(path, bad) from None
        if isinstance(found, keys.Hotkey):
            return found
        break
    raise failed(f"cannot open {path}: the password is wrong")


def _pair(content: bytes, path: Path) -> Any:
    try:
        return keys.from_keyfile(content).pair
    except BadKeyfile as bad:
        raise _unusable(path, bad) from None


def _unusable(path: Path, bad: BadKeyfile) -> ControlError:
    return failed(f"cannot use {path}: {bad}", bad.remedy)
