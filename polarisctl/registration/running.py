"""The two verbs: what was asked for, completed and checked, handed to its mode.

`commands.register` and `commands.unregister` call it.
"""

from __future__ import annotations

import resource
from contextlib import nullcontext
from dataclasses import replace

from polarisctl.failures import usage
from polarisctl.registration import hotkeys, independent
from polarisctl.registration import parts as all_parts
from polarisctl.registration.networks import Network
from polarisctl.registration.parts import Parts
from polarisctl.registration.progress import Progress
from polarisctl.registration.wish import Wish, from_arguments, missing
from polarisctl.registration.words import BITTENSOR, COMMUNE, INDEPENDENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from polarisctl.context import Arguments, Context

_MODES = {
    BITTENSOR: "a subnet of bittensor: a UID is bought with TAO",
    INDEPENDENT: "a key of its own, and no chain",
    COMMUNE: "legacy; needs a Python environment of yours with communex",
}


def register(args: Arguments, context: Context) -> int:
    wish = from_arguments(args)
    _leave_no_core()
    parts = all_parts.of(args, context)
    _check_asked(parts, wish)
    if not wish.dry_run:
        parts.settings.need_writable("register")
    with nullcontext() if wish.dry_run else parts.place.held("register"):
        progress = parts.place.progress()
        wish = _merged(wish, progress)
        if not wish.mode:
            wish = replace(wish, mode=parts.asker.choose("How is it to belong?", _MODES))
        return _of_mode(parts, wish, progress)


def unregister(args: Arguments, context: Context) -> int:
    from polarisctl.registration import leaving

    _leave_no_core()
    parts = all_parts.of(args, context)
    if not args.yes and not parts.asker.can_ask:
        raise usage("cannot ask whether to go on: there is no terminal", "to agree, give --yes")
    parts.settings.need_writable("unregister")
    with parts.place.held("unregister"):
        return leaving.unregister(
            parts,
            remove_key=args.remove_key,
            no_chain=args.no_chain,
            asks=not args.yes,
        )


def _check_asked(parts: Parts, wish: Wish) -> None:
    """Error handling: a usage error, with all that is missing, where nobody can be asked."""
    if parts.asker.can_ask:
        return
    if wish.key.show_mnemonic:
        raise usage("cannot show the mnemonic: there is no terminal")
    progress = parts.place.progress()
    has_key = hotkeys.is_here(parts.place, progress)
    if options := missing(_merged(wish, progress), has_key=has_key):
        raise usage(
            "cannot ask: there is no terminal; missing are " + ", ".join(options),
            "give them, or run polarisctl register on a terminal",
        )


def _merged(wish: Wish, progress: Progress | None) -> Wish:
    """What was not said is as in the registration that was begun before."""
    if progress is None or (wish.mode and wish.mode != progress.mode):
        return wish
    wish = replace(wish, mode=progress.mode)
    if progress.mode == BITTENSOR:
        wish = replace(
            wish,
            network=wish.network or Network(progress.network),
            netuid=wish.netuid or progress.netuid,
        )
    return wish


def _of_mode(parts: Parts, wish: Wish, progress: Progress | None) -> int:
    # bittensor's SDK takes a second to load: only where there is a chain.
    if wish.mode == BITTENSOR:
        from polarisctl.registration import bittensor

        return bittensor.register(parts, wish, progress)
    if wish.mode == COMMUNE:
        from polarisctl.registration import commune

        return commune.register(parts, wish, progress)
    return independent.register(parts, wish, progress)


def _leave_no_core() -> None:
    """Keys are in this process's memory: it is not to be found on the disk after a crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
