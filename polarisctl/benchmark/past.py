"""Earlier runs a line each, of one GPU and backend: `polarisctl benchmark --history`.  Pure."""

from __future__ import annotations

from polarisctl import values
from polarisctl.benchmark import table, wording
from polarisctl.benchmark.trend import figure_of
from polarisctl.render.page import Column
from polarisctl.terminal import BAD, DIM, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from polarisctl.render.page import Page, Span
    from polarisctl.render.readings import Record

# As far as the width goes: the last is left out first.  Those that stay stand as in the table.
_DEAREST = (
    "gemm_bf16",
    "memory_copy",
    "h2d_pinned",
    "gemm_int8",
    "d2h_pinned",
    "vram_capacity",
    "gemm_fp16",
    "gemm_tf32",
    "gemm_fp32",
    "memory_read",
    "int32_rate",
    "proof_compute",
)
_MOST_NAMED = 6


def groups(runs: Iterable[Record]) -> list[list[Record]]:
    """Runs of one GPU (or processor) and backend together, the latest first."""
    found: dict[tuple[object, ...], list[Record]] = {}
    for run in sorted(runs, key=_began, reverse=True):
        uuid = values.text(run, "gpu_uuid") or values.text(run, "gpu_name")
        found.setdefault((uuid, values.text(run, "backend")), []).append(run)
    return list(found.values())


def _began(run: Record) -> float:
    return values.number(run, "started_at") or 0.0


def add_group(page: Page, runs: Sequence[Record], labels: dict[str, str]) -> None:
    """Runs of one group as a table."""
    table.add_heading(page, runs[0], wording.owner(runs[0], labels), "earlier benchmarks")
    tests = [test for test in wording.TESTS if any(figure_of(run, test) for run in runs)]
    dearest = sorted(tests, key=_DEAREST.index)
    columns = [
        Column("RUN", right=True),
        Column("WHEN"),
        Column("OUTCOME", least=9),
        *(Column(test, right=True, drop=dearest.index(test)) for test in tests),
    ]
    page.table(columns, [_row(run, tests) for run in runs])
    _add_gaps(page, runs, tests)


def _add_gaps(page: Page, runs: Sequence[Record], tests: Sequence[str]) -> None:
    """Why some cells say nothing, a line for each reason."""
    gaps: dict[str, list[str]] = {}
    for run in runs:
        for test in tests:
            if figure_of(run, test) is None:
                found = gaps.setdefault(_gap(run, test), [])
                if (number := str(run.get("run"))) not in found:
                    found.append(number)
    for why, numbers in gaps.items():
        more = f" and {len(numbers) - _MOST_NAMED} more" if len(numbers) > _MOST_NAMED else ""
        told = f"run {', '.join(numbers[:_MOST_NAMED])}{more}"
        page.prose(f"{wording.NONE} {told}: {why}", style=DIM)


def _gap(run: Record, test: str) -> str:
    for figure in values.maps(run, "figures"):
        if figure.get("test") == test:
            return f"{test} was not measured: {values.why(figure, 'value') or 'its value is 0'}"
    outcome = values.text(run, "outcome")
    if outcome == "completed":
        return "not asked for"
    return "it has not come to this yet" if outcome == "" else "it ended before it came to this"


def _row(run: Record, tests: Sequence[str]) -> list[Span]:
    outcome = values.text(run, "outcome") or "running"
    quick = ", quick" if values.flag(run, "quick") else ""
    styles = {"completed": "", "cancelled": WARN, "running": ""}
    return [
        str(run.get("run")),
        table.moment(run),
        (outcome + quick, styles.get(outcome, BAD)),
        *(
            wording.NONE if (figure := figure_of(run, test)) is None else wording.measured(figure)
            for test in tests
        ),
    ]
