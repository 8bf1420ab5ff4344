"""`polarisctl version`: which polarisctl this is, and which daemon answers."""

from __future__ import annotations

from polarisctl.cells import clean
from polarisctl.failures import EXIT_OK, Unreachable
from polarisd import __version__
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any

    from polarisctl.context import Arguments, Context

HELP = """Show the version of polarisctl, and of the daemon if one answers. That none answers is
no failure here."""
DEFAULTS: dict[str, object] = {}


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing beyond the common options."""


def run(args: Arguments, context: Context) -> int:
    protocol = f"{wire.PROTOCOL_MAJOR}.{wire.PROTOCOL_MINOR}"
    hello: dict[str, Any] | None = None
    problem: ControlError | None = None
    try:
        with context.connect() as client:
            hello = client.greet()
    except ControlError as error:
        expected = (errors.NOT_PERMITTED, errors.PROTOCOL_MISMATCH, errors.TOO_MANY_SESSIONS)
        if not isinstance(error, Unreachable) and error.code not in expected:
            raise
        problem = error
    if args.json:
        context.print_json(
            {
                "polarisctl": {"version": __version__, "protocol": protocol},
                "polarisd": hello,
                "error": problem.to_wire() if problem else None,
            }
        )
        return EXIT_OK
    context.print(f"polarisctl {__version__} (protocol {protocol})")
    if hello is not None:
        theirs = f"{hello.get('protocol_major')}.{hello.get('protocol_minor')}"
        context.print(
            clean(f"polarisd {hello.get('version')} (protocol {theirs}, pid {hello.get('pid')})")
        )
    elif problem is not None:
        context.print(clean(f"polarisd: {problem.message}"))
    return EXIT_OK
