"""`polarisctl benchmark`: measure GPUs through the daemon, or show what was measured.

The benchmarks run in the daemon: this asks for them, shows their progress and sets
their figures in a table beside what such a card can do and what it did before.
"""

from __future__ import annotations

from time import sleep

from polarisctl import values
from polarisctl.benchmark.wording import BACKENDS, GPU_BACKEND, TESTS
from polarisctl.failures import EXIT_OK, usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable

    from polarisctl.context import Arguments, Context

HELP = """Measure what each GPU does, one GPU after another, and show it beside what such a card
can do and what it did before. A GPU that is in use is not measured. Ctrl-C cancels. All
figures are self-reported: nobody but this machine vouches for them. Exit status: 0 all was
measured; 1 something could not be; 4 refused; 5 a figure is below half of what a good card
of its model reaches, or below a third of the datasheet's peak where that is not known."""
DEFAULTS: dict[str, object] = {
    "gpu": None,
    "quick": False,
    "test": None,
    "backend": "",
    "history": None,
    "cancel": False,
}
OFFERS = {"test": TESTS, "backend": BACKENDS}
DEFAULT_HISTORY, MOST_HISTORY = 10, 100


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        *("--gpu", "-g"),
        nargs="+",
        action="extend",
        metavar="GPU",
        help="only these, each by its index, its UUID or a beginning of that",
    )
    parser.add_argument("--quick", action="store_true", help="fewer repeats: rougher, and sooner")
    parser.add_argument(
        *("--test", "-t"),
        nargs="+",
        action="extend",
        metavar="ID",
        choices=tuple(TESTS),
        help="run only these tests",
    )
    parser.add_argument(
        "--backend", default="", choices=tuple(BACKENDS), help="what computes (default cupy)"
    )
    parser.add_argument(
        "--history",
        nargs="?",
        type=_count,
        const=DEFAULT_HISTORY,
        metavar="N",
        help=f"run nothing; show the latest N benchmarks (default {DEFAULT_HISTORY}), "
        "and with 1 the latest in full",
    )
    parser.add_argument("--cancel", action="store_true", help="cancel what runs or waits")


def _count(text: str) -> int:
    from argparse import ArgumentTypeError

    if not text.isdecimal() or not 1 <= int(text) <= MOST_HISTORY:
        raise ArgumentTypeError(f"{text} is not a number from 1 to {MOST_HISTORY}")
    return int(text)


def run(args: Arguments, context: Context, wait: Callable[[float], None] = sleep) -> int:
    from polarisctl.benchmark.measure import measure

    _check(args)
    if args.cancel:
        return _cancel(args, context)
    return _history(args, context) if args.history is not None else measure(args, context, wait)


def _check(args: Arguments) -> None:
    if args.cancel and args.history is not None:
        raise usage("cannot cancel and show the history at once", "leave one of them out")
    if (args.cancel or args.history is not None) and (args.quick or args.test):
        raise usage(
            f"cannot run tests with {'--cancel' if args.cancel else '--history'}",
            "leave out --quick and --test, which are for a benchmark that runs",
        )
    if args.gpu and args.backend not in ("", GPU_BACKEND):
        raise usage(
            f"cannot measure a GPU with the backend {args.backend}: it measures the processor",
            "leave one of --gpu and --backend out",
        )


def _history(args: Arguments, context: Context) -> int:
    from polarisctl.benchmark import asking, report

    with context.connect() as client:
        snapshot = client.call("snapshot")
        uuids = asking.wanted(args, snapshot)
        if not args.gpu:
            # Each GPU by itself, so that none is crowded out; then what is left.
            uuids = [*(str(gpu.get("uuid")) for gpu in values.maps(snapshot, "gpus")), ""]
        runs = asking.recorded(client, uuids, max(args.history, asking.LIMIT), context)
    if args.backend:
        runs = [one for one in runs if values.text(one, "backend") == args.backend]
    report.print_history(runs, snapshot, args.history, args.json, context)
    return EXIT_OK


def _cancel(args: Arguments, context: Context) -> int:
    from polarisctl.benchmark import asking

    with context.connect() as client:
        if args.gpu:
            uuids = asking.wanted(args, client.call("snapshot"))
            cancelled = [
                number
                for one in asking.recorded(client, uuids, asking.LIMIT, context)
                if not values.text(one, "outcome")
                for number in asking.cancelled(client, {"run": one.get("run")})
            ]
        else:
            cancelled = asking.cancelled(client, {})
    if args.json:
        context.print_json({"cancelled": cancelled})
    else:
        for number in cancelled:
            context.print(f"cancelled: benchmark {number}")
        if not cancelled:
            context.print("there was no benchmark to cancel")
    return EXIT_OK
