"""Running benchmarks from a terminal: ask for them, follow them, cancel them, report.

Does what `polarisctl benchmark` does without --history and --cancel.
"""

from __future__ import annotations

from polarisctl import values
from polarisctl.benchmark import asking, bars, report
from polarisctl.benchmark.bars import Entry
from polarisctl.benchmark.display import choose
from polarisctl.benchmark.follow import Follower
from polarisctl.failures import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_UNHEALTHY
from polarisctl.render.faults import gpu_labels
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polarisctl.context import Arguments, Context
    from polarisctl.render.readings import Record

# What was cancelled ends within this, or is shown as it is.
CANCEL_WAIT_S = 15.0


def measure(args: Arguments, context: Context, wait: Callable[[float], None]) -> int:
    with context.connect() as client:
        snapshot = client.call("snapshot")
        try:
            begun = client.call("benchmark", _asked_for(args, snapshot))
        except KeyboardInterrupt:
            context.warn(
                "interrupted while polarisd was asked, which may have begun all the same; "
                "to end it: sudo polarisctl benchmark --cancel"
            )
            return EXIT_INTERRUPTED
    labels = gpu_labels(snapshot)
    entries = _entries(begun, labels)
    skipped = values.maps(begun, "skipped")
    for one in skipped:
        uuid = str(one.get("gpu_uuid"))
        context.warn(f"not measured: {labels.get(uuid, uuid)}: {values.text(one, 'why')}")
    is_cancelled = False
    with choose(context, args.json) as display:
        try:
            Follower(context, entries, display, wait=wait).run()
        except KeyboardInterrupt:
            is_cancelled = True
            display.say(_stop(entries, context))
            Follower(context, entries, display, wait=wait).run(CANCEL_WAIT_S)
    with context.connect() as client:
        uuids = list({entry.gpu_uuid for entry in entries})
        before = asking.recorded(client, uuids, asking.LIMIT, context)
    results = [entry.result for entry in entries if entry.result is not None]
    made = report.Made(results, before, skipped)
    sick = report.print_made(made, snapshot, args.json, context)
    if is_cancelled:
        return EXIT_INTERRUPTED
    if len(results) < len(entries) or not all(map(report.complete, results)):
        return EXIT_FAILED
    return EXIT_UNHEALTHY if sick else EXIT_OK


def _asked_for(args: Arguments, snapshot: Record) -> dict[str, object]:
    return {
        "gpus": asking.wanted(args, snapshot),
        "quick": args.quick,
        "backend": args.backend,
        "tests": list(dict.fromkeys(args.test or ())),
    }


def _entries(begun: Record, labels: dict[str, str]) -> list[Entry]:
    return [
        Entry(number, uuid, labels.get(uuid, uuid) or "processor")
        for one in values.maps(begun, "runs")
        if isinstance(number := one.get("run"), int)
        for uuid in (values.text(one, "gpu_uuid") or "",)
    ]


def _stop(entries: Sequence[Entry], context: Context) -> str:
    """Cancel those that have not ended.  What came of it, in words."""
    stopped: list[object] = []
    try:
        with context.connect() as client:
            for entry in entries:
                if entry.state != bars.ENDED:
                    stopped += asking.cancelled(client, {"run": entry.run})
    except ControlError as error:
        raise type(error)(
            error.code,
            f"cannot cancel the benchmark, which may go on: {error.message}",
            f"sudo polarisctl benchmark --cancel, once the daemon answers; {error.hint}",
        ) from None
    names = ", ".join(map(str, stopped))
    return f"interrupted, so cancelled: benchmark {names}" if stopped else "interrupted at its end"
