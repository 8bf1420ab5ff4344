"""What was measured, as far back as the graphs reach.  No I/O.

Filled from the daemon's `history` reply and then from each snapshot; the layout
asks for it in buckets of time, one per cell.  Bounded in time and in count.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from polarisctl import values

KEPT_S = 3600.0
MAX_POINTS = 8192
MAX_GPUS = 256

GPU_COLUMNS = (
    "utilisation_percent",
    "memory_busy_percent",
    "vram_used_bytes",
    "power_w",
    "temperature_c",
    "sm_clock_mhz",
    "memory_clock_mhz",
    "throttle",
)
HOST_COLUMNS = ("cpu_percent", "memory_used_bytes", "network_tx_bps", "network_rx_bps")

Value = float | str | None
Row = tuple[Value, ...]
Aggregate = Callable[[Sequence[float]], float]


@dataclass(frozen=True, slots=True)
class Grid:
    """`count` buckets of `bucket_s`, the last of which ends at `end_at`.

    Bucket limits are multiples of the bucket's length, so that a graph moves by
    whole cells and a drawn peak keeps its shape.
    """

    end_at: float
    bucket_s: float
    count: int

    @staticmethod
    def ending(now: float, span_s: float, count: int) -> Grid:
        bucket_s = span_s / max(count, 1)
        return Grid((now // bucket_s + 1) * bucket_s, bucket_s, count)

    def edges(self) -> list[float]:
        start = self.end_at - self.count * self.bucket_s
        return [start + n * self.bucket_s for n in range(self.count + 1)]


class Series:
    """The readings of one GPU, or of the host, in order of time."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.times: list[float] = []
        self._columns: dict[str, list[Value]] = {name: [] for name in columns}

    def append(self, read_at: float, row: Row) -> None:
        """Add the newest reading; one that is not newer was had before."""
        if self.times and read_at <= self.times[-1]:
            if self.times[-1] - read_at < KEPT_S:
                return
            # The clock of this machine was set back: what we have is in the future.
            self._keep(len(self.times))
        self.times.append(read_at)
        for column, value in zip(self._columns.values(), row, strict=True):
            column.append(value)
        if len(self.times) > MAX_POINTS or self.times[0] < read_at - KEPT_S * 1.1:
            oldest = bisect_left(self.times, read_at - KEPT_S)
            self._keep(max(oldest, len(self.times) - MAX_POINTS * 7 // 8))

    def _keep(self, begin: int) -> None:
        del self.times[:begin]
        for column in self._columns.values():
            del column[:begin]

    def merge(self, points: Mapping[float, Row]) -> None:
        """Put older or missed readings where they belong."""
        have = set(self.times)
        rows = dict(zip(self.times, zip(*self._columns.values(), strict=True), strict=True))
        rows.update({at: row for at, row in points.items() if at not in have})
        self._keep(len(self.times))
        for at in sorted(rows):
            self.append(at, rows[at])

    def slices(self, grid: Grid) -> list[tuple[int, int]]:
        """For each bucket of the grid, which readings fall into it."""
        cuts = [bisect_left(self.times, edge) for edge in grid.edges()]
        return list(pairwise(cuts))

    def buckets(
        self, name: str, grid: Grid, aggregate: Aggregate, hold_s: float
    ) -> list[float | None]:
        """One figure per bucket.  A reading also stands for the `hold_s` after it,
        so that short buckets between two samples are no gaps."""
        column, edges = self._columns[name], grid.edges()
        found: list[float | None] = []
        for n, (begin, end) in enumerate(self.slices(grid)):
            if begin == end and end and edges[n] - self.times[end - 1] < hold_s:
                begin = end - 1
            known = [v for v in column[begin:end] if isinstance(v, (int, float))]
            found.append(aggregate(known) if known else None)
        return found

    def reasons(self, grid: Grid, hold_s: float) -> list[frozenset[str] | None]:
        """The throttle reasons seen in each bucket, None where nothing is known."""
        column, edges = self._columns["throttle"], grid.edges()
        found: list[frozenset[str] | None] = []
        for n, (begin, end) in enumerate(self.slices(grid)):
            if begin == end and end and edges[n] - self.times[end - 1] < hold_s:
                begin = end - 1
            known = [v for v in column[begin:end] if isinstance(v, str)]
            found.append(frozenset("+".join(known).split("+")) - {""} if known else None)
        return found


class History:
    """All series, and how far apart their readings are."""

    def __init__(self, interval_s: float = 1.0) -> None:
        self._asked_s = interval_s
        self.interval_s = interval_s
        self.gpus: dict[str, Series] = {}
        self.host = Series(HOST_COLUMNS)

    @property
    def hold_s(self) -> float:
        return 2.5 * self.interval_s

    def gpu(self, uuid: str) -> Series:
        """The series of a GPU; an empty one when nothing was ever read of it."""
        return self.gpus.get(uuid) or Series(GPU_COLUMNS)

    def _gpu_to_fill(self, uuid: str) -> Series:
        if uuid not in self.gpus and len(self.gpus) >= MAX_GPUS:
            del self.gpus[next(iter(self.gpus))]
        return self.gpus.setdefault(uuid, Series(GPU_COLUMNS))

    def add_snapshot(self, snapshot: Mapping[str, object]) -> None:
        for gpu in values.maps(snapshot, "gpus"):
            uuid, read_at = values.text(gpu, "uuid"), values.number(gpu, "sample", "read_at")
            if uuid is not None and read_at:
                self._gpu_to_fill(uuid).append(read_at, _gpu_row(gpu))
        read_at = values.number(snapshot, "host", "read_at")
        if read_at:
            self.host.append(read_at, _host_row(snapshot))

    def add_reply(self, reply: Mapping[str, object]) -> None:
        """Merge the daemon's own history, as far as it is well formed."""
        interval_s = values.number(reply, "interval_s")
        if interval_s and interval_s > 0:
            self.interval_s = max(self._asked_s, min(interval_s, 60.0))
        gpus = values.get(reply, "gpus")
        for uuid, columns in gpus.items() if isinstance(gpus, Mapping) else ():
            self._gpu_to_fill(str(uuid)).merge(_points(columns, GPU_COLUMNS))
        self.host.merge(_points(values.get(reply, "host"), HOST_COLUMNS))


def _gpu_row(gpu: Mapping[str, object]) -> Row:
    reasons = values.names(gpu, "sample", "throttle")
    figures = [values.number(gpu, "sample", name) for name in GPU_COLUMNS[:-1]]
    return (*figures, None if reasons is None else "+".join(reasons))


def memory_used_bytes(snapshot: Mapping[str, object]) -> float | None:
    total = values.number(snapshot, "host", "memory_total_bytes")
    available = values.number(snapshot, "host", "memory_available_bytes")
    return None if total is None or available is None else total - available


def _host_row(snapshot: Mapping[str, object]) -> Row:
    rest = [
        values.number(snapshot, "host", name)
        for name in HOST_COLUMNS
        if name != "memory_used_bytes"
    ]
    return (rest[0], memory_used_bytes(snapshot), *rest[1:])


def _points(columns: object, wanted: tuple[str, ...]) -> dict[float, Row]:
    """The rows of `{column: [...]}`, by their `read_at`."""
    times = values.get(columns, "read_at")
    if not isinstance(times, list):
        return {}
    lists: list[list[object]] = []
    for name in wanted:
        column = values.get(columns, name)
        usable = isinstance(column, list) and len(column) == len(times)
        lists.append(column if usable else [None] * len(times))  # type: ignore[arg-type]
    rows = zip(*lists, strict=True)
    return {
        float(at): tuple(v if isinstance(v, (int, float, str)) else None for v in row)
        for at, row in zip(times[-MAX_POINTS:], list(rows)[-MAX_POINTS:], strict=True)
        if isinstance(at, (int, float)) and at > 0
    }
