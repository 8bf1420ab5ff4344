"""Following benchmarks until all have ended, over as many connections as it takes.

The snapshots of a watch say what runs; what a benchmark came to, the daemon is asked.
The commands of `polarisctl benchmark` use it, and hand in how to wait.

Error handling: ControlError when it cannot go on; KeyboardInterrupt passes through.
Either way the benchmarks go on in the daemon.
"""

from __future__ import annotations

from time import monotonic, sleep

from polarisctl import values
from polarisctl.benchmark import bars
from polarisctl.failures import Unreachable, failed
from polarisd.api import errors
from polarisd.api.errors import ControlError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polarisctl.benchmark.bars import Entry
    from polarisctl.benchmark.display import Display
    from polarisctl.client import Client
    from polarisctl.context import Context
    from polarisctl.render.readings import Record

INTERVAL_S = 0.15
# A benchmark that no snapshot shows is asked for this often.
ASK_EVERY_S = 1.0
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 5.0
RECONNECT_DEADLINE_S = 60.0
# After this long without a sign of a benchmark, or of progress, nobody waits on.
GONE_S = 30.0
STALLED_S = 900.0
LATER = "its outcome, once there is one: polarisctl benchmark --history"
# What ends a connection and not the benchmark.  A daemon that starts makes its socket
# before it opens it to the group.
_PASSING = (
    *(errors.STOPPING, errors.TOO_SLOW, errors.IDLE, errors.NOT_PERMITTED),
    *(errors.TOO_MANY_SESSIONS, errors.TOO_MANY_WATCHES),
)


class Follower:
    """`entries` are brought up to date as news come; `display` is told of them."""

    def __init__(
        self,
        context: Context,
        entries: Sequence[Entry],
        display: Display,
        *,
        wait: Callable[[float], None] = sleep,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        self._context = context
        self._entries = entries
        self._display = display
        self._wait = wait
        self._steady = steady
        self._heard = self._moved = steady()
        self._asked: dict[int, float] = {}
        self._seen: dict[int, float] = {}
        self._daemon: object = None
        self._running: dict[object, Record] = {}
        self._is_lost = False

    def run(self, deadline_s: float = float("inf")) -> None:
        """Return when every benchmark has ended, or when the deadline has come."""
        until = self._steady() + deadline_s
        wait_s = FIRST_WAIT_S
        self._display.show(self._entries)
        while self._open():
            try:
                with self._context.connect() as client:
                    self._watch(client, until)
                return
            except ControlError as error:
                wait_s = self._after(error, wait_s, until)

    def _open(self) -> list[Entry]:
        return [entry for entry in self._entries if entry.state != bars.ENDED]

    def _after(self, error: ControlError, wait_s: float, until: float) -> float:
        """Wait before the next try; give up after too many of them."""
        if not isinstance(error, Unreachable) and error.code not in _PASSING:
            raise error
        now = self._steady()
        if now - self._heard >= RECONNECT_DEADLINE_S or now >= until:
            kind = Unreachable if isinstance(error, Unreachable) else ControlError
            raise kind(error.code, error.message, f"{error.hint}; {LATER}" if error.hint else LATER)
        if not self._is_lost:
            self._is_lost, wait_s = True, FIRST_WAIT_S
            self._display.say(f"{error.message}; trying to reach it again")
        self._wait(min(wait_s, max(0.0, until - now)))
        return min(2 * wait_s, LONGEST_WAIT_S)

    def _watch(self, client: Client, until: float) -> None:
        for kind, item in client.watch(INTERVAL_S):
            self._heard, self._is_lost = self._steady(), False
            if kind == "event":
                self._note_event(item)
            elif kind == "snapshot":
                self._look(client, item)
                self._display.show(self._entries)
                if not self._open() or self._heard >= until:
                    return
                self._check_stalled()

    def _note_event(self, event: Record) -> None:
        """One that ended is asked for at once, and not when its turn comes."""
        if event.get("kind") == "benchmark_ended":
            for entry in self._open():
                if entry.gpu_uuid == event.get("gpu_uuid"):
                    self._asked.pop(entry.run, None)

    def _look(self, client: Client, snapshot: Record) -> None:
        running = {item.get("run"): item for item in values.maps(snapshot, "benchmarks")}
        if running != self._running:
            self._running, self._moved = running, self._steady()
        daemon = values.get(snapshot, "daemon", "started_at")
        is_new, self._daemon = self._daemon not in (None, daemon), daemon
        is_behind = bool(set(running) - {entry.run for entry in self._entries})
        for entry in self._open():
            progress = None if is_new else running.get(entry.run)
            entry.behind = is_behind
            if progress is not None:
                self._note_progress(client, entry, progress)
            elif is_new or self._steady() - self._asked.get(entry.run, -ASK_EVERY_S) >= ASK_EVERY_S:
                self._ask(client, entry)
                if entry.state != bars.ENDED:
                    self._check_gone(entry, is_new, bool(running))

    def _note_progress(self, client: Client, entry: Entry, progress: Record) -> None:
        test = values.text(progress, "test") or ""
        share = values.number(progress, "share") or 0.0
        self._seen[entry.run] = self._steady()
        is_next = bool(entry.test) and test != entry.test
        entry.test, entry.share = test, min(max(share, entry.share), 1.0)
        entry.started_at = values.number(progress, "started_at")
        entry.state = bars.RUNNING
        if is_next and self._display.wants_figures:
            self._ask(client, entry)
        self._asked.pop(entry.run, None)  # once it is shown no more, it is asked for at once

    def _ask(self, client: Client, entry: Entry) -> None:
        """What is known of a benchmark; of one that has ended, all."""
        self._asked[entry.run] = self._steady()
        try:
            found = client.call("benchmarks", {"run": entry.run})
        except ControlError as error:
            if error.code != errors.NOT_FOUND:
                raise
            return
        for result in values.maps(found, "runs"):
            if result.get("run") == entry.run:
                entry.result = result
                if values.text(result, "outcome"):
                    entry.state = bars.ENDED
                    self._moved = self._steady()

    def _check_gone(self, entry: Entry, is_new: bool, others_run: bool) -> None:
        """Of one that the daemon neither shows nor has on record, nothing will come."""
        last = self._seen.get(entry.run, self._moved)
        if is_new:
            self._lose(entry, "the daemon was started anew while it ran")
        elif self._steady() - last >= GONE_S and not others_run:
            self._lose(entry, "the daemon does not know of it any more")

    def _lose(self, entry: Entry, why: str) -> None:
        known = entry.result if entry.result is not None else {"run": entry.run}
        entry.result = {
            "gpu_uuid": entry.gpu_uuid,
            **known,
            "outcome": "failed",
            "problem": f"cannot tell what became of it: {why}",
            "remedy": "run it again: sudo polarisctl benchmark",
        }
        entry.state = bars.ENDED
        self._moved = self._steady()

    def _check_stalled(self) -> None:
        if self._steady() - self._moved >= STALLED_S:
            raise failed(
                f"cannot wait for the benchmark: nothing has moved for {STALLED_S / 60:.0f} min",
                f"end it: sudo polarisctl benchmark --cancel; {LATER}",
            )
