"""`polarisctl stop`: end offering this machine.  The daemon keeps running."""

from __future__ import annotations

from polarisctl.failures import EXIT_OK
from polarisctl.render.offering import print_offering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from polarisctl.context import Arguments, Context

HELP = """End offering this machine: nothing new is taken on. The daemon keeps running and
measuring, and remembers the wish over restarts; to end the daemon itself:
sudo systemctl stop polarisd."""
DEFAULTS: dict[str, object] = {}


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing beyond the common options."""


def run(args: Arguments, context: Context) -> int:
    with context.connect() as client:
        result = client.call("stop")
    print_offering(result, args, context)
    return EXIT_OK
