"""argparse for polarisctl: only imported when there is more to parse than a verb.

One parser per verb, made from the verb's module; errors are raised as usage
errors, so that they too can be told as JSON.
"""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import NoReturn

from polarisctl import verbs
from polarisctl.context import DEFAULT_SOCKET
from polarisctl.failures import usage

EXIT_CODES = """exit codes: 0 ok, 1 failed, 2 usage, 3 daemon not reachable, 4 refused,
5 unhealthy, 78 bad config"""


class HelpAsked(Exception):
    """--help was given: `text` is the answer."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Parser(argparse.ArgumentParser):
    """Raises instead of printing and exiting."""

    def print_help(self, file: object = None) -> NoReturn:
        raise HelpAsked(self.format_help())

    def error(self, message: str) -> NoReturn:
        raise usage(f"cannot read the command line: {message}", f"see {self.prog} --help")


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """The options of every verb; a group of sub-verbs hands them on with this.

    Without defaults: `main` has set those, and a sub-verb must not undo what was
    given before it.
    """
    group = parser.add_argument_group("common options")
    group.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="print JSON for programs"
    )
    group.add_argument(
        "--socket",
        metavar="PATH",
        default=argparse.SUPPRESS,
        help=f"the daemon's socket (or $POLARIS_SOCKET; default {DEFAULT_SOCKET})",
    )


def verb_parser(verb: str) -> Parser:
    command = verbs.load(verb)
    parser = Parser(
        prog=f"polarisctl {verb}", description=command.HELP, epilog=EXIT_CODES, allow_abbrev=False
    )
    command.add_arguments(parser)
    add_common_options(parser)
    return parser


def top_parser() -> Parser:
    """What may be given without a verb, or before one: read for help and completion alone."""
    rows = "\n".join(f"  {verb:<12}{line}" for verb, (_, line) in verbs.VERBS.items())
    parser = Parser(
        prog="polarisctl",
        usage="polarisctl [--socket PATH] [--json] VERB [OPTION...]\n"
        "       polarisctl -h | --help | --version",
        description="Look after polarisd, the daemon that offers this machine's GPUs.\n\n"
        f"verbs:\n{rows}\n\n"
        "`polarisctl VERB --help` tells more of each; so does polarisctl(1).",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    add_common_options(parser)
    return parser


def top_help() -> str:
    return top_parser().format_help()


def unknown_verb(verb: str) -> NoReturn:
    near = get_close_matches(verb, verbs.VERBS, n=1)
    hint = f"did you mean {near[0]}?" if near else f"verbs: {', '.join(verbs.VERBS)}"
    raise usage(f"cannot run {verb}: there is no such verb", hint)
