"""`register --mode independent`: an identity of its own, and no chain."""

from __future__ import annotations

from polarisctl.failures import EXIT_OK
from polarisctl.registration import finishing, hotkeys, judge
from polarisctl.registration.parts import Parts, refuse
from polarisctl.registration.progress import KEPT, Progress
from polarisctl.registration.told import Ending
from polarisctl.registration.wish import Wish
from polarisctl.registration.words import INDEPENDENT

WORDS = """\
In this mode there is no chain: nothing is paid and nothing is earned on one.  This machine
signs its heartbeats with a key of its own, and sends them to the validators that you name in
[heartbeat] validators.  It can be registered on a chain later, with the same key.
"""


def register(parts: Parts, wish: Wish, progress: Progress | None) -> int:
    refuse(judge.under_way(progress), "register")
    parts.asker.say(WORDS)
    chosen = hotkeys.choose(wish, parts.place, progress, parts.environ, parts.asker)
    if wish.dry_run:
        name = chosen.hotkey.ss58 if chosen.hotkey else "none yet"
        parts.asker.say(f"hotkey {name} ({chosen.origin})")
        document = {"dry_run": True, "mode": INDEPENDENT, "hotkey": name if chosen.hotkey else ""}
        if parts.as_json:
            parts.print_json(document)
        else:
            parts.show("nothing was written: this was a dry run")
        return EXIT_OK
    hotkey = chosen.hotkey
    assert hotkey is not None
    edited = parts.settings.prepare(finishing.of_mode(INDEPENDENT))
    finishing.set_aside(parts, progress, hotkey)
    parts.prove(edited)
    kept = Progress(stage=KEPT, mode=INDEPENDENT, hotkey=hotkey.ss58)
    finishing.keep(parts, wish, chosen, kept)
    ending = Ending(
        mode=INDEPENDENT,
        hotkey=hotkey.ss58,
        credential=str(parts.place.credential),
        config=str(parts.settings.path),
        daemon="",
        changed=parts.place.installed() != hotkey,
    )
    finishing.answer(parts, finishing.finish(parts, hotkey, edited, ending))
    return EXIT_OK
