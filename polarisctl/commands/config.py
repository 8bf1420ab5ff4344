"""`polarisctl config`: check a file, show what the daemon runs with, have it reload."""

from __future__ import annotations

from polarisctl.context import DEFAULT_CONFIG
from polarisctl.failures import EXIT_OK, failed
from polarisctl.render.config import config_text, reload_text
from polarisd.api.errors import BAD_CONFIG, ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from polarisctl.context import Arguments, Context

HELP = "Check a configuration file, show the one in use, or have the daemon read it again."
_CHECK = """Check a configuration file without touching the daemon, and tell every problem at
once. Exit status: 0 good, 78 bad."""
_SHOW = "Show the configuration that the daemon runs with, defaults included."
_RELOAD = """Have the daemon read its configuration again, and tell what changed and what needs
a restart. A bad file changes nothing: every problem is told, and the exit status is 78."""


def add_arguments(parser: ArgumentParser) -> None:
    from polarisctl.parser import add_common_options

    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", title="actions")
    check = actions.add_parser("check", help="check a file", description=_CHECK, allow_abbrev=False)
    check.add_argument(
        "file",
        nargs="?",
        default=DEFAULT_CONFIG,
        metavar="FILE",
        help=f"the file to check (default {DEFAULT_CONFIG})",
    )
    show = actions.add_parser(
        "show", help="show what is in use", description=_SHOW, allow_abbrev=False
    )
    reload = actions.add_parser(
        "reload", help="read the file again", description=_RELOAD, allow_abbrev=False
    )
    for action in (check, show, reload):
        add_common_options(action)


def run(args: Arguments, context: Context) -> int:
    actions: dict[str, Callable[[Arguments, Context], int]] = {
        "check": _run_check,
        "show": _run_show,
        "reload": _run_reload,
    }
    return actions[args.action](args, context)


def _run_check(args: Arguments, context: Context) -> int:
    from polarisctl.programs import find_program, hand_over

    polarisd = find_program("polarisd", context.environ, beside=context.program)
    if polarisd is None:
        raise failed(
            f"cannot check {args.file}: there is no polarisd beside polarisctl or on PATH",
            "install the package polaris: the daemon itself knows its configuration",
        )
    context.stdout.flush()
    json = ["--json"] if args.json else []
    hand_over(polarisd, ["--check-config", args.file, *json], context.environ)


def _run_show(args: Arguments, context: Context) -> int:
    with context.connect() as client:
        config = client.call("config")
    if args.json:
        context.print_json(config)
    else:
        context.print(config_text(config, context.terminal))
    return EXIT_OK


def _run_reload(args: Arguments, context: Context) -> int:
    with context.connect() as client:
        try:
            result = client.call("reload")
        except ControlError as error:
            if error.code != BAD_CONFIG:
                raise
            problems = f"cannot reload the configuration:\n{error.message}"
            raise ControlError(error.code, problems, error.hint) from None
    if args.json:
        context.print_json(result)
    else:
        context.print(reload_text(result, context.terminal))
    return EXIT_OK
