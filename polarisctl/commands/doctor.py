"""`polarisctl doctor`: run the checks of `polarisctl.doctor.table` and report.

Works without root, without a daemon and without a driver; what it cannot tell it
says so.  Exit code 5 when a check fails, else 0.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

from polarisctl.doctor import report
from polarisctl.doctor.check import Check
from polarisctl.doctor.edge import Edge, this_machine
from polarisctl.doctor.facts import TOPICS, Facts
from polarisctl.doctor.table import CHECKS
from polarisctl.failures import EXIT_OK, EXIT_UNHEALTHY, usage
from polarisd import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from polarisctl.context import Arguments, Context

HELP = """\
Look at this machine for whatever keeps it from working: system, hardware, NVIDIA
driver, containers, network, key and subnet, polarisd, files.  Each check says what was found, what
is needed, why, and what to do.  Run it with sudo to have every check answered.

Exit status 5 if a check fails; warnings alone do not count."""
OFFERS = {"only": {check.id: check.title for check in CHECKS}}
DEFAULTS: dict[str, object] = {"only": (), "list": False, "config": ""}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--only", nargs="+", metavar="ID", default=(), help="run only these checks (see --list)"
    )
    parser.add_argument("--list", action="store_true", help="list the checks and end")
    parser.add_argument(
        "--config", metavar="FILE", default="", help="the configuration to check (polarisd's own)"
    )


def run(args: Arguments, context: Context, edge: Edge | None = None) -> int:
    checks = chosen(args.only)
    if args.list:
        return _list(checks, args.json, context)
    edge = edge or this_machine(
        socket_path=context.socket_path,
        config_path=os.path.abspath(args.config) if args.config else "",
        program=context.program,
        environment=context.environ,
        uid=context.euid,
    )
    answers = examine(edge, checks, everything=not args.only)
    if args.json:
        context.print_json(report.to_map(answers, __version__))
    else:
        for line in report.lines(answers, context.terminal):
            context.print(line)
    return EXIT_OK if report.healthy(answers) else EXIT_UNHEALTHY


def chosen(wanted: Sequence[str]) -> tuple[Check, ...]:
    """The rows of these ids in the table's order; all of them when none is named.

    Error handling: raises a usage error that names every unknown id.
    """
    ids = {part for word in wanted for part in word.split(",") if part}
    strange = sorted(ids - {check.id for check in CHECKS})
    if strange:
        raise usage(
            f"there is no check {', '.join(strange)}", "see the ids: polarisctl doctor --list"
        )
    return tuple(check for check in CHECKS if check.id in ids or not ids)


def examine(edge: Edge, checks: Sequence[Check], *, everything: bool) -> report.Answers:
    """Every finding, in order; topics are gathered side by side when all are wanted."""
    with ThreadPoolExecutor(max_workers=TOPICS) as pool:
        facts = Facts(edge, pool, __version__)
        if everything:
            facts.begin_all()
        return [(check, check.answer(facts)) for check in checks]


def _list(checks: Sequence[Check], as_json: bool, context: Context) -> int:
    if as_json:
        context.print_json(
            [{"id": c.id, "group": c.group, "title": c.title, "why": c.why} for c in checks]
        )
    else:
        for line in report.listing(checks, context.terminal):
            context.print(line)
    return EXIT_OK
