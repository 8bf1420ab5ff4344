"""The last minutes of every GPU and of the host, for the graphs of `monitor`.

Bounded: a column holds at most `history_s / sample_interval_s` points, and at
most MAX_POINTS whatever the pace; a reply is thinned out to fit into a frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection

from polarisd.api.gpu import Sample
from polarisd.api.reading import Reading, Unknown, known
from polarisd.api.snapshot import Host
from polarisd.api.wire import MAX_FRAME_BYTES

MAX_POINTS = 600
_MAX_TRACKS = 64
# One frame of the protocol, less what names the columns.  A number takes 9 bytes at
# most: 16 GPUs fit as they are, more, or all of them throttled, are thinned out.
_MAX_REPLY_BYTES = MAX_FRAME_BYTES - (1 << 15)
_NUMBER_BYTES = 9
# A tick that comes a little early still counts as the next one.
_DUE_SHARE = 0.9

_GPU_COLUMNS = (
    "read_at",
    "utilisation_percent",
    "memory_busy_percent",
    "vram_used_bytes",
    "power_w",
    "temperature_c",
    "sm_clock_mhz",
    "memory_clock_mhz",
    "throttle",
)
_HOST_COLUMNS = ("read_at", "cpu_percent", "memory_used_bytes", "network_tx_bps", "network_rx_bps")

# The first is `read_at`.
Point = tuple[object, ...]
Columns = dict[str, list[object]]


class History:
    """Points by GPU UUID, oldest first; `None` where the reading was unknown."""

    def __init__(self, interval_s: float, span_s: float) -> None:
        self._host: deque[Point] = deque()
        self._gpus: dict[str, deque[Point]] = {}
        self.resize(interval_s, span_s)

    def resize(self, interval_s: float, span_s: float) -> None:
        """Keep `span_s` seconds at one point every `interval_s`, as far as that fits."""
        self._points = max(1, min(MAX_POINTS, int(span_s / interval_s)))
        self.interval_s = max(interval_s, span_s / self._points)
        self._host = deque(self._host, maxlen=self._points)
        self._gpus = {u: deque(p, maxlen=self._points) for u, p in self._gpus.items()}

    def add_gpu(self, uuid: str, sample: Sample) -> None:
        track = self._gpus.get(uuid)
        if track:
            _turn_back(track, sample.read_at)
        if track is None:
            if len(self._gpus) >= _MAX_TRACKS:
                del self._gpus[min(self._gpus, key=lambda u: _read_at(self._gpus[u][-1]))]
            track = self._gpus[uuid] = deque(maxlen=self._points)
        if track and not self._is_due(track[-1], sample.read_at):
            return
        track.append(
            (
                sample.read_at,
                known(sample.utilisation_percent),
                known(sample.memory_busy_percent),
                known(sample.vram_used_bytes),
                known(sample.power_w),
                known(sample.temperature_c),
                known(sample.sm_clock_mhz),
                known(sample.memory_clock_mhz),
                _joined(sample.throttle),
            )
        )

    def add_host(self, host: Host) -> None:
        if self._host and host.read_at < _read_at(self._host[-1]):
            for track in (self._host, *self._gpus.values()):
                _turn_back(track, host.read_at)
            self._gpus = {uuid: track for uuid, track in self._gpus.items() if track}
        if self._host and not self._is_due(self._host[-1], host.read_at):
            return
        self._host.append(
            (
                host.read_at,
                known(host.cpu_percent),
                _used(host.memory_total_bytes, host.memory_available_bytes),
                known(host.network_tx_bps),
                known(host.network_rx_bps),
            )
        )

    def since(self, read_at: float) -> dict[str, object]:
        """Everything read after `read_at`, by column."""
        host = _after(self._host, read_at)
        gpus = {uuid: _after(track, read_at) for uuid, track in self._gpus.items()}
        every = _thinning((host, *gpus.values()))
        return {
            "interval_s": self.interval_s * every,
            "gpus": {u: _columns(_GPU_COLUMNS, t, every) for u, t in gpus.items()},
            "host": _columns(_HOST_COLUMNS, host, every),
        }

    def forget(self, uuid: str) -> None:
        self._gpus.pop(uuid, None)

    def _is_due(self, last: Point, read_at: float) -> bool:
        """Bursts would push the minutes out of the window."""
        before = _read_at(last)
        return not before <= read_at < before + _DUE_SHARE * self.interval_s


def _turn_back(track: deque[Point], read_at: float) -> None:
    """A clock that was set back leaves points of a time that has not been yet."""
    while track and _read_at(track[-1]) > read_at:
        track.pop()


def _read_at(point: Point) -> float:
    at = point[0]
    assert isinstance(at, (int, float))
    return at


def _after(track: deque[Point], read_at: float) -> list[Point]:
    return [point for point in track if _read_at(point) > read_at]


def _thinning(tracks: Collection[list[Point]]) -> int:
    """Every how many-th point to send so that all of them fit into one frame."""
    size_bytes = sum(_size_bytes(point) for points in tracks for point in points)
    return max(1, -(-size_bytes // _MAX_REPLY_BYTES))


def _size_bytes(point: Point) -> int:
    """At most; only the last column can be text."""
    text = point[-1]
    return _NUMBER_BYTES * len(point) + (len(text) if isinstance(text, str) else 0)


def _columns(names: tuple[str, ...], points: list[Point], every: int) -> Columns:
    """The newest point, and every so-many-th before it."""
    sent = points[(len(points) - 1) % every :: every]
    return {name: [point[i] for point in sent] for i, name in enumerate(names)}


def _joined(names: Reading[tuple[str, ...]]) -> str | None:
    return None if isinstance(names, Unknown) else "+".join(names)


def _used(total: Reading[int], available: Reading[int]) -> int | None:
    if isinstance(total, Unknown) or isinstance(available, Unknown):
        return None
    return total - available
