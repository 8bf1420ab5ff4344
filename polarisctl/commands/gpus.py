"""`polarisctl gpus`: the GPUs, one of them in full, or forgetting one."""

from __future__ import annotations

from polarisctl import values
from polarisctl.cells import clean
from polarisctl.failures import EXIT_OK, usage
from polarisctl.naming import find, is_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from polarisctl.context import Arguments, Context
    from polarisctl.render.readings import Record

HELP = """List the GPUs of this machine. With a GPU, or --verbose, show everything known of it:
identity, readings, condition, MIG devices, processes and faults. A GPU is named by its index
or by its UUID, of which a beginning that fits no other is enough."""
DEFAULTS: dict[str, object] = {"gpu": None, "verbose": False, "forget": None}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("gpu", nargs="?", metavar="GPU", help="show this one in full")
    parser.add_argument("-v", "--verbose", action="store_true", help="show every GPU in full")
    parser.add_argument(
        "--forget",
        metavar="GPU",
        help="forget the XIDs remembered of a GPU, and the GPU itself if it is gone",
    )


def run(args: Arguments, context: Context) -> int:
    if args.forget is not None:
        if args.gpu is not None:
            raise usage("cannot show and forget a GPU at once", "give one of GPU and --forget")
        return _forget(args, context)
    with context.connect() as client:
        snapshot = client.call("snapshot")
    gpus: Sequence[Record] = values.maps(snapshot, "gpus") if args.json else values.gpus(snapshot)
    if args.gpu is not None:
        gpus = [find(gpus, args.gpu)]
    if args.json:
        context.print_json({"gpus": gpus, "driver": snapshot.get("driver")})
    elif gpus and (args.gpu is not None or args.verbose):
        _print_details(gpus, snapshot, context)
    else:
        _print_table(gpus, context)
    return EXIT_OK


def _forget(args: Arguments, context: Context) -> int:
    with context.connect() as client:
        uuid = args.forget
        if not is_whole(uuid):
            uuid = find(values.maps(client.call("snapshot"), "gpus"), uuid)["uuid"]
        # A whole UUID goes as it is: what is remembered may outlive the GPU.
        result = client.call("forget", {"gpu_uuid": uuid})
    if args.json:
        context.print_json(result)
        return EXIT_OK
    forgotten = result.get("forgotten") or []
    for text in forgotten:
        context.print(clean(f"forgotten: {text}"))
    if not forgotten:
        context.print(f"there was nothing to forget of {uuid}")
    return EXIT_OK


def _print_table(gpus: Sequence[Record], context: Context) -> None:
    from polarisctl.render.gpu_rows import gpus_table

    context.print(gpus_table(gpus, context.terminal))


def _print_details(gpus: Sequence[Record], snapshot: Record, context: Context) -> None:
    from polarisctl.render.gpu_detail import gpu_detail

    details = [
        gpu_detail(gpu, snapshot, terminal=context.terminal, now=context.now()) for gpu in gpus
    ]
    context.print("\n\n".join(details))
