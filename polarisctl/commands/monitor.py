"""`polarisctl monitor`: the live screen, or one frame of it.

Decides which of the two it is; the work is in `polarisctl.monitor`, of which
nothing is imported before it is known what is needed.
"""

from __future__ import annotations

from polarisctl.failures import EXIT_OK
from polarisd.api import errors
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser

    from polarisctl.client import Client
    from polarisctl.context import Arguments, Context

HELP = """Watch this machine live: graphs of every GPU and of the host, faults with their
remedies, events. Press ? in it for its keys. It goes on while the daemon restarts.
Without a terminal, and with --once, one frame is printed."""
DEFAULTS: dict[str, object] = {"interval": 1.0, "once": False, "ascii": False}

LEAST_INTERVAL_S = 0.1
MOST_INTERVAL_S = 3600.0
HISTORY_S = 600
ONCE_HISTORY_S = 300


def _interval(text: str) -> float:
    from argparse import ArgumentTypeError

    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not LEAST_INTERVAL_S <= seconds <= MOST_INTERVAL_S:
        raise ArgumentTypeError(
            f"{text} is not a number of seconds from {LEAST_INTERVAL_S} to {MOST_INTERVAL_S:.0f}"
        )
    return seconds


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--interval",
        metavar="SECONDS",
        type=_interval,
        default=DEFAULTS["interval"],
        help="how often to look (default 1)",
    )
    parser.add_argument("--once", action="store_true", help="print one frame and end")
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII characters alone")


def run(args: Arguments, context: Context) -> int:
    if args.json:
        with context.connect() as client:
            context.print_json(client.call("snapshot"))
        return EXIT_OK
    if not args.once and not _has_terminal(context):
        context.warn("no terminal to draw on, so this is one frame (as with --once)")
        return _once(args, context)
    return _once(args, context) if args.once else _live(args, context)


def _has_terminal(context: Context) -> bool:
    import os

    # curses reads keys from stdin and draws on stdout, whatever sys.stdout is.
    return context.terminal.is_tty and os.isatty(0) and os.isatty(1)


def _once(args: Arguments, context: Context) -> int:
    from time import localtime

    from polarisctl.monitor import glyphs, once

    with context.connect() as client:
        snapshot = client.call("snapshot")
        history = _history_or_none(client)
    now = context.now()
    columns, rows = _size(context, once.rows_for(snapshot))
    term = context.environ.get("TERM", "")
    context.print(
        once.text(
            snapshot,
            history,
            columns=columns,
            rows=rows,
            now=now,
            utc_offset_s=localtime(now).tm_gmtoff,
            glyphs=glyphs.choose(context.terminal.unicode, term, args.ascii),
        )
    )
    return EXIT_OK


def _history_or_none(client: Client) -> dict[str, object]:
    """A daemon that cannot tell its history still has a present."""
    try:
        history: dict[str, object] = client.call("history", {"seconds": ONCE_HISTORY_S})
    except ControlError as error:
        if error.code not in (errors.UNKNOWN_METHOD, errors.INTERNAL):
            raise
        return {}
    return history


def _size(context: Context, rows_wanted: int) -> tuple[int, int]:
    """The terminal's size; without one 80 columns and as many rows as it takes."""
    import os

    if context.terminal.is_tty:
        try:
            size = os.get_terminal_size(context.stdout.fileno())
        except (OSError, ValueError):
            return 80, rows_wanted
        if size.columns > 0 and size.lines > 1:
            return size.columns, size.lines - 1  # a line for the prompt below
    named = context.environ.get("COLUMNS", "")
    columns = int(named) if named.isdecimal() and 0 < int(named) <= 1000 else 80
    return columns, rows_wanted


def _live(args: Arguments, context: Context) -> int:
    import locale
    import time

    from polarisctl.monitor import glyphs
    from polarisctl.monitor.connection import Connection
    from polarisctl.monitor.loop import Monitor
    from polarisctl.monitor.model import Model
    from polarisctl.monitor.screen import Screen, require_terminal
    from polarisctl.monitor.signals import Signals

    term = context.environ.get("TERM", "")
    require_terminal(term, 1)
    try:
        locale.setlocale(locale.LC_ALL, "")
    except locale.Error:
        locale.setlocale(locale.LC_ALL, "C")
    # Both must agree: what the viewer set, and what the C library under curses took.
    utf8 = context.terminal.unicode and locale.nl_langinfo(locale.CODESET) == "UTF-8"
    model = Model(
        args.interval,
        glyphs.choose(utf8, term, args.ascii),
        time.localtime().tm_gmtoff,
    )
    connection = Connection(
        context.socket_path, args.interval, HISTORY_S, context.now, time.monotonic
    )
    try:
        with Signals() as signals, Screen(context.terminal.colour) as screen:
            return Monitor(model, connection, screen, signals, wall=context.now).run()
    finally:
        connection.close()
