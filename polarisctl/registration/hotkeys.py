"""Which hotkey this machine gets, and from where.

Makes, imports or finds it; what is chosen is in memory alone until `place.keep`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from polarisctl.failures import failed
from polarisctl.registration import wallets
from polarisctl.registration.asking import Asker, read_secret
from polarisctl.registration.formats import Encrypted, read_hotkey, read_phrase
from polarisctl.registration.place import Place
from polarisctl.registration.progress import Progress
from polarisctl.registration.wallets import Wallet
from polarisctl.registration.wish import KeyWish, Wish
from polarisctl.registration.words import FILE, NEW, PIPED, TYPED, WALLET
from polarisd import keys
from polarisd.api.errors import ControlError
from polarisd.keys import BadKeyfile, Hotkey

_CHOICES = {
    NEW: "make a new one here",
    WALLET: "take one of a bittensor wallet on this host",
    FILE: "take a keyfile",
    TYPED: "type its mnemonic or seed, which is not shown",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """`hotkey` is None in a dry run that would make a new one; `origin` in words."""

    hotkey: Hotkey | None
    origin: str
    mnemonic: str = field(default="", repr=False)
    made: bool = False


def is_here(place: Place, progress: Progress | None) -> bool:
    """Whether there is a hotkey on this host to go on with."""
    kept = place.kept(progress.hotkey) if progress is not None else None
    return any(path is not None and os.path.exists(path) for path in (place.credential, kept))


def choose(
    wish: Wish, place: Place, progress: Progress | None, environ: Mapping[str, str], asker: Asker
) -> Chosen:
    """Error handling: fails in words for whatever is wrong with a key; tells none of it."""
    wanted = wish.key
    if not wanted.source and not is_here(place, progress):
        source = asker.choose("The hotkey that this machine signs with:", _CHOICES)
        wanted = _completed(replace(wanted, source=source), asker)
    if wanted.show_mnemonic and is_here(place, progress):
        asker.say(
            "The hotkey was made before: its mnemonic is not shown again.  If it was made here, "
            f"its file has\nit as secretPhrase, for root alone: {place.credential}, once it is "
            "registered."
        )
    fits = not wanted.source or (wanted.source == NEW and _made(progress))
    if fits and (kept := _kept(place, progress)):
        return Chosen(kept, "kept by the registration that was begun before", made=_made(progress))
    # "Make one" is done where it was done: the same command again pays for nothing.
    if wanted.source in ("", NEW) and place.installed() is not None:
        return Chosen(place.installed(), f"of this host: {place.credential}")
    if wanted.source == NEW:
        return _new(wish)
    return _imported(wish, wanted, environ, asker)


def _completed(wanted: KeyWish, asker: Asker) -> KeyWish:
    if wanted.source == FILE:
        return replace(wanted, file=asker.ask("path of the keyfile: ", _not_empty))
    return wanted


def _kept(place: Place, progress: Progress | None) -> Hotkey | None:
    return place.read_kept(progress.hotkey) if progress is not None else None


def _made(progress: Progress | None) -> bool:
    return progress is not None and progress.made


def _new(wish: Wish) -> Chosen:
    if wish.dry_run:
        return Chosen(None, "to be made")
    hotkey, mnemonic = keys.new()
    return Chosen(hotkey, "made here, now", mnemonic, made=True)


def _imported(wish: Wish, wanted: KeyWish, environ: Mapping[str, str], asker: Asker) -> Chosen:
    if wanted.source == TYPED:
        if not asker.can_ask:
            raise failed("cannot import a mnemonic: there is no terminal", "use --mnemonic-fd N")
        text = asker.secret("mnemonic or seed of the hotkey (not shown): ")
        return Chosen(_phrase(text), "imported")
    if wanted.source == PIPED:
        return Chosen(_phrase(read_secret(wanted.fd, "--mnemonic-fd")), "imported")
    path = Path(wanted.file)
    if wanted.source == WALLET:
        wallet = choose_wallet(wish, environ, asker)
        name = wanted.hotkey or asker.ask(
            f"which hotkey? ({', '.join(wallet.hotkeys()) or 'there is none'}) ", _name
        )
        path = wallet.hotkey_file(name)
    content = wallets.read_hotkey_file(path)
    try:
        found = read_hotkey(content)
    except BadKeyfile as bad:
        raise _unusable(str(path), bad) from None
    if isinstance(found, Encrypted):
        found = wallets.decrypt_hotkey(content, path, found.how, asker)
    return Chosen(found, f"from {path}")


def choose_wallet(wish: Wish, environ: Mapping[str, str], asker: Asker) -> Wallet:
    """Error handling: fails where there is no such wallet."""
    path = Path(wish.wallet_path) if wish.wallet_path else wallets.default_path(environ)
    name = wish.wallet
    if not name:
        found = ", ".join(wallets.names(path)) or f"there is none in {path}"
        name = asker.ask(f"which wallet? ({found}) ", _name)
    wallet = Wallet(path, name)
    wallet.check()
    return wallet


def _phrase(text: str) -> Hotkey:
    try:
        return read_phrase(text)
    except BadKeyfile as bad:
        raise _unusable("it", bad) from None


def _unusable(what: str, bad: BadKeyfile) -> ControlError:
    return failed(f"cannot import {what}: {bad}", bad.remedy)


def _not_empty(answer: str) -> str:
    if not answer or "\0" in answer:
        raise ValueError("an answer is needed")
    return answer


def _name(answer: str) -> str:
    if "/" in answer or answer in (".", ".."):
        raise ValueError("a name is needed, not a path")
    return _not_empty(answer)
