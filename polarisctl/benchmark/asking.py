"""What `polarisctl benchmark` asks of the daemon: which GPUs, what is on record, cancelling."""

from __future__ import annotations

from polarisctl import values
from polarisctl.naming import find, is_whole
from polarisd.api.errors import NOT_FOUND, ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.client import Client
    from polarisctl.context import Arguments, Context
    from polarisctl.render.readings import Record

# Enough for a trend, and few enough for the daemon's longest answer.
LIMIT = 30


def wanted(args: Arguments, snapshot: Record) -> list[str]:
    """The UUIDs of the GPUs that were named, each once."""
    gpus = values.maps(snapshot, "gpus")
    found = (
        word if is_whole(word) else str(find(gpus, word).get("uuid")) for word in args.gpu or ()
    )
    return list(dict.fromkeys(found))


def recorded(client: Client, uuids: Sequence[str], limit: int, context: Context) -> list[Record]:
    """Benchmarks on record, each once; the UUID "" stands for all GPUs and the processor."""
    runs: dict[object, Record] = {}
    problem, left_out = "", 0.0
    for uuid in uuids:
        found = client.call("benchmarks", {"gpu_uuid": uuid, "limit": limit})
        runs |= {run.get("run"): run for run in values.maps(found, "runs")}
        problem = values.text(found, "problem") or problem
        left_out += (values.number(found, "left_out") or 0.0) if uuid else 0.0
    if problem:
        context.warn(problem)
    if left_out:
        context.warn(f"{left_out:.0f} older benchmarks do not fit into an answer of the daemon")
    return list(runs.values())


def cancelled(client: Client, params: dict[str, object]) -> list[object]:
    """Cancel one benchmark, or all.  The numbers of those that were."""
    try:
        found: list[object] = client.call("benchmark_cancel", params)["cancelled"]
    except ControlError as error:
        if error.code != NOT_FOUND:
            raise
        return []  # it has ended by itself
    return found
