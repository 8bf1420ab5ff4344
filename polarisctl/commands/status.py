"""`polarisctl status`: one screen for the owner of the machine.

The verb that must feel instant: tests hold what it may import.
"""

from __future__ import annotations

from polarisctl.failures import EXIT_OK, EXIT_UNHEALTHY
from polarisctl.render import status as render
from polarisctl.render.faults import healthy
from polarisd import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from polarisctl.context import Arguments, Context

HELP = """Show whether the daemon runs, whether this machine is healthy and offered, its GPUs,
and every fault with its remedy. Exit status: 0 healthy; 5 a fault of severity error, a GPU
withheld other than by its owner, or a driver that has not answered yet; 3 the daemon cannot
be reached."""
DEFAULTS: dict[str, object] = {"verbose": False}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="also the config path and times in full"
    )


def run(args: Arguments, context: Context) -> int:
    with context.connect() as client:
        snapshot = client.call("snapshot")
    if args.json:
        context.print_json(snapshot)
    else:
        text = render.status(
            snapshot,
            terminal=context.terminal,
            now=context.now(),
            version=__version__,
            verbose=args.verbose,
        )
        context.print(text)
    return EXIT_OK if healthy(snapshot) else EXIT_UNHEALTHY
