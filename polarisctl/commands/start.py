"""`polarisctl start`: begin offering this machine; start the daemon first if need be."""

from __future__ import annotations

from time import monotonic, sleep

from polarisctl.failures import EXIT_OK, NOT_RUNNING, Unreachable, failed
from polarisctl.render.offering import print_offering

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any

    from polarisctl.context import Arguments, Context

HELP = """Begin offering this machine: from now on it may be leased. If the daemon does not run,
it is started when polarisctl runs as root; else the command that starts it is shown. A daemon
named with --socket is never started."""
DEFAULTS: dict[str, object] = {}

SYSTEMCTL_DEADLINE_S = 90.0
READY_DEADLINE_S = 30.0
_RETRY_S = 0.1


def add_arguments(parser: ArgumentParser) -> None:
    """Nothing beyond the common options."""


def run(args: Arguments, context: Context) -> int:
    try:
        result = _begin(context)
    except Unreachable as error:
        if error.code != NOT_RUNNING:
            raise
        _start_daemon(error, context)
        result = _begin_when_ready(context)
    print_offering(result, args, context)
    return EXIT_OK


def _begin(context: Context) -> dict[str, Any]:
    with context.connect() as client:
        result: dict[str, Any] = client.call("start")
    return result


def _start_daemon(error: Unreachable, context: Context) -> None:
    if context.socket_named:
        raise error
    if context.euid != 0:
        raise Unreachable(
            error.code, error.message, "start it: sudo systemctl start polarisd && polarisctl start"
        )
    from polarisctl import programs

    systemctl = programs.find_program("systemctl", context.environ)
    if systemctl is None:
        raise failed(
            "cannot start polarisd: there is no systemctl here", "start polarisd by other means"
        )
    context.warn("polarisd is not running; starting it: systemctl start polarisd")
    programs.run([systemctl, "start", "polarisd"], context.environ, deadline_s=SYSTEMCTL_DEADLINE_S)


def _begin_when_ready(context: Context) -> dict[str, Any]:
    # systemctl waits for READY=1; the socket of a unit of another type may still
    # be a moment away.
    until = monotonic() + READY_DEADLINE_S
    while True:
        try:
            return _begin(context)
        except Unreachable as error:
            if error.code != NOT_RUNNING or monotonic() >= until:
                raise
        sleep(_RETRY_S)
