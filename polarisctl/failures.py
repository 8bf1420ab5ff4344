"""How polarisctl ends: exit codes, and what a failed command says.

Every command raises ControlError (from the daemon, or one made here) and `main`
turns it into two lines on stderr and an exit code, by the one table below.
Imports nothing but polarisd.api.errors.
"""

from __future__ import annotations

from polarisd.api import errors
from polarisd.api.errors import ControlError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_NOT_REACHABLE = 3
EXIT_REFUSED = 4
EXIT_UNHEALTHY = 5
EXIT_BAD_CONFIG = 78
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

# Codes that only the client gives, beside those of polarisd.api.errors.
NOT_RUNNING = "not_running"
CONNECTION_LOST = "connection_lost"
NO_ANSWER = "no_answer"
USAGE = "usage"
FAILED = "failed"

EXIT_BY_CODE = {
    NOT_RUNNING: EXIT_NOT_REACHABLE,
    CONNECTION_LOST: EXIT_NOT_REACHABLE,
    NO_ANSWER: EXIT_NOT_REACHABLE,
    errors.STOPPING: EXIT_NOT_REACHABLE,
    errors.NOT_PERMITTED: EXIT_REFUSED,
    errors.REFUSED: EXIT_REFUSED,
    errors.BAD_CONFIG: EXIT_BAD_CONFIG,
    USAGE: EXIT_USAGE,
}


class Unreachable(ControlError):
    """The daemon cannot be spoken with (any more): connect again, or start it."""


def exit_code(error: ControlError) -> int:
    return EXIT_BY_CODE.get(error.code, EXIT_FAILED)


def failed(message: str, hint: str = "") -> ControlError:
    """A failure of polarisctl's own, with exit code 1."""
    return ControlError(FAILED, message, hint)


def usage(message: str, hint: str = "") -> ControlError:
    """The command line asks for something that cannot be; exit code 2."""
    return ControlError(USAGE, message, hint)
