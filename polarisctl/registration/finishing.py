"""The last steps of every mode: the key in its place, the configuration, the daemon.

Each step can be repeated, so a run that was cut here is finished by the next.
"""

from __future__ import annotations

import json
from dataclasses import replace

from polarisctl.cells import clean
from polarisctl.failures import EXIT_REFUSED
from polarisctl.registration import told
from polarisctl.registration.hotkeys import Chosen
from polarisctl.registration.judge import Ruling
from polarisctl.registration.parts import Parts, refuse
from polarisctl.registration.progress import AWAITED, Progress
from polarisctl.registration.told import Ending
from polarisctl.registration.toml_edit import Changes
from polarisctl.registration.wish import Wish
from polarisd.api import errors
from polarisd.api.errors import ControlError
from polarisd.keys import Hotkey

# As long as polarisd takes a text in its configuration to be.
MOST_TEXT = 256
SHOWN = """
The mnemonic of the new hotkey {hotkey}.
Whoever has it has this hotkey; it is not shown again:

    {mnemonic}

Write it down, then press Enter: it is cleared from this screen. """


def keep(parts: Parts, wish: Wish, chosen: Chosen, progress: Progress) -> None:
    """The hotkey is on the disk when this returns; a new one's mnemonic is shown on request."""
    assert chosen.hotkey is not None
    was_there = parts.place.kept(chosen.hotkey.ss58).exists()
    parts.place.keep(chosen.hotkey)
    try:
        parts.place.save(replace(progress, made=chosen.made))
    except ControlError:
        # Nobody knows of it yet, and no run would find it.
        if not was_there:
            parts.place.drop(chosen.hotkey)
        raise
    if not chosen.mnemonic:
        return
    wanted = wish.key.show_mnemonic
    if not wanted and parts.asker.can_ask and not wish.yes:
        parts.asker.say(
            "A new hotkey was made.  If it is lost, so is its UID; a copy elsewhere helps."
        )
        wanted = parts.asker.agrees("Show its mnemonic, once, on this terminal?")
    if wanted:
        shown = SHOWN.format(hotkey=chosen.hotkey.ss58, mnemonic=chosen.mnemonic)
        parts.asker.show_once(shown)


def finish(parts: Parts, hotkey: Hotkey, edited: str, ending: Ending) -> Ending:
    """Put everything in its place; `ending.daemon` is found out here."""
    # Written down first: a run that is cut, or a restart that fails, leaves it to the next run.
    if parts.place.installed() != hotkey or parts.settings.differs(edited):
        parts.place.owe_restart()
    parts.place.install(hotkey)
    parts.settings.replace(edited)
    parts.place.record(json.dumps(_record(ending), indent=1) + "\n")
    daemon = parts.restart() if parts.place.owes_restart() else "unchanged"
    parts.place.forget()
    return replace(ending, daemon=daemon)


def set_aside(parts: Parts, progress: Progress | None, hotkey: Hotkey) -> None:
    """Somebody may yet pay for the hotkey of a command that was shown: its key stays."""
    if progress is None or progress.stage != AWAITED or progress.hotkey == hotkey.ss58:
        return
    parts.asker.say(
        f"Attention: a command that registers {progress.hotkey} was shown before, and may still be "
        f"run.\nIts key stays in {parts.place.where(progress.hotkey)}: "
        "register it with --hotkey-file, and keep that file.\n"
    )


def answer(parts: Parts, ending: Ending) -> None:
    if parts.as_json:
        parts.print_json(told.ending_document(ending))
    else:
        parts.show(told.ending_text(ending))


def not_ours(parts: Parts, ending: Ending, others: list[Ruling]) -> int:
    """It has a UID, for somebody else's profit: nothing is put in place."""
    if not parts.as_json:
        refuse(others, "register")
    error = {
        "code": errors.REFUSED,
        "message": "\n".join(f"cannot register: {ruling.text}" for ruling in others),
        "hint": "\n".join(ruling.remedy for ruling in others),
    }
    ending = replace(ending, changed=False, daemon="unchanged")
    parts.print_json({**told.ending_document(ending), "error": error})
    return EXIT_REFUSED


def of_mode(mode: str, **chain: str | int) -> Changes:
    """What the configuration is to say."""
    changes: dict[str, dict[str, str | int | None]] = {"node": {"mode": mode}}
    if chain:
        changes["chain"] = {
            key: clean(value)[:MOST_TEXT] if isinstance(value, str) else value
            for key, value in chain.items()
        }
    return changes


def _record(ending: Ending) -> dict[str, object]:
    document = told.ending_document(ending)
    return {
        key: document[key]
        for key in ("mode", "hotkey", "network", "genesis_hash", "netuid", "subnet_name", "uid")
    }
