"""`polarisctl unregister`: take this machine's endpoint off the chain, and leave it."""

from __future__ import annotations

from polarisctl.commands.register import add_place_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from polarisctl.context import Arguments, Context

HELP = """Take this machine's endpoint off the chain and set its mode back to independent. The
chain has no way to give a UID back: the slot stays until somebody else takes it, and what was paid
is not given back. The hotkey stays on this host unless --remove-key is given."""
DEFAULTS: dict[str, object] = {
    "yes": False,
    "remove_key": False,
    "no_chain": False,
    "config": None,
    "credentials": None,
    "no_restart": False,
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--remove-key", action="store_true", help="remove the hotkey as well")
    parser.add_argument(
        "--no-chain", action="store_true", help="change this host alone, if the chain is away"
    )
    add_place_options(parser)


def run(args: Arguments, context: Context) -> int:
    from polarisctl.registration.running import unregister

    return unregister(args, context)
