"""Drives the NVML child: enumerate, sample, notice when it or a GPU goes wrong.

A trio service, started by the daemon.  It owns the child and hands every change
to `publish`; it decides nothing about faults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time as utc_now

import trio

from polarisd.api.gpu import Driver
from polarisd.gpu import raw
from polarisd.gpu.intake import Intake
from polarisd.gpu.inventory import Card
from polarisd.gpu.link import Link, LinkLost, Strays, open_link
from polarisd.gpu.pci import bound_addresses
from polarisd.pulse import next_due


@dataclass(frozen=True, slots=True)
class Pace:
    """How often to read, in seconds; replaced as a whole on reload."""

    sample_interval_s: float
    condition_interval_s: float
    call_deadline_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long, in seconds, before the child is given up or judged anew.

    `enumeration_s` is long because nvmlInit without persistence mode takes seconds
    a GPU; after `slow_s` of it nothing known before counts any more.  A child that
    lived for `stable_s` may be followed by another at once.
    """

    slow_s: float = 5.0
    enumeration_s: float = 45.0
    all_silent_s: float = 15.0
    lost_retry_s: float = 300.0
    stable_s: float = 10.0


@dataclass(frozen=True, slots=True)
class GpuView:
    """What the sampler knows at one instant.

    `no_events` says why XIDs cannot be waited for, if so; `sampled` is true when
    the cards hold new samples.
    """

    driver: Driver
    cards: tuple[Card, ...]
    no_events: str
    sampled: bool


def restart_delay_s(failures: int, state: str) -> float:
    """Back-off before the next child: at once for a driver that changed, then
    doubling to a minute; slower from the start where there is no driver."""
    if failures == 0:
        return 0.2
    first = 5.0 if state == "absent" else 1.0
    return float(min(60.0, first * 2 ** min(failures - 1, 10)))


class Sampler:
    """Everything the daemon knows of its GPUs, kept current.

    `settled` is set once the first snapshot of the GPUs is complete, or it is
    known why there is none.
    """

    def __init__(
        self,
        *,
        pace: Pace,
        environ: Mapping[str, str],
        publish: Callable[[GpuView], None],
        report_xid: Callable[[str, int], None],
        beat: Callable[[], None],
        known: tuple[Card, ...],
        driver_dir: Path,
        patience: Patience,
    ) -> None:
        self.pace = pace
        self.settled = trio.Event()
        self._environ = environ
        self._publish_view = publish
        self._beat = beat
        self._driver_dir = driver_dir
        self._patience = patience
        self._intake = Intake(report_xid, known)
        self._strays = Strays()
        self._progress = trio.Event()
        self._hurry = trio.Event()
        self._wants_condition = False
        self._tick = 0
        self._burst_until = 0.0
        self._burst_interval_s = 1.0
        self._failures = 0
        self._bound: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Never returns."""
        while True:
            self._beat()
            born = trio.current_time()
            why = await self._one_child()
            self._after_child(why, trio.current_time() - born)
            self.settled.set()
            self._beat()
            await trio.sleep(restart_delay_s(self._failures, self._intake.driver.state))

    def burst(self, interval_s: float, seconds: float) -> None:
        """Sample at `interval_s` for `seconds` from now; the last call wins."""
        self._burst_interval_s = interval_s
        self._burst_until = trio.current_time() + seconds
        self._hurry.set()

    def hurry(self) -> None:
        """Take up a changed pace now instead of after the tick that is waited for."""
        self._hurry.set()

    def read_condition(self) -> Callable[[str], bool]:
        """Of every GPU, now instead of when it is due.  Returns what says of a GPU whether
        its condition has been read since; one that was on its way already does not count."""
        self._wants_condition = True
        self._hurry.set()
        asked_tick = self._tick
        return lambda uuid: self._intake.condition_tick(uuid) > asked_tick

    def forget(self, uuid: str) -> None:
        """Drop a GPU that is gone.  KeyError if it is not known."""
        del self._intake.cards[uuid]
        self._publish(sampled=False)

    async def _one_child(self) -> str:
        """One child from start to end; returns why it ended."""
        self._intake.begin()
        self._progress = trio.Event()
        self._bound = bound_addresses(self._driver_dir)
        ended: list[str] = []
        try:
            async with (
                open_link(self._environ, self._strays) as link,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(self._read_frames, link, ended, nursery.cancel_scope)
                ended.append(await self._drive(link))
                nursery.cancel_scope.cancel()
        except LinkLost as lost:
            ended.append(str(lost))
        except OSError as error:
            ended.append(f"cannot start the NVML process: {error.strerror}")
        return ended[0]

    async def _read_frames(self, link: Link, ended: list[str], scope: trio.CancelScope) -> None:
        try:
            async for frame in link.frames():
                self._intake.take(frame, utc_now())
                if self._intake.ready and self._intake.answered:
                    self._progress.set()
            ended.append("the NVML process ended")
        except LinkLost as lost:
            ended.append(str(lost))
        except (ValueError, KeyError, TypeError) as error:
            ended.append(f"the NVML process sent nonsense: {error!r}")
        scope.cancel()

    async def _drive(self, link: Link) -> str:
        """Wait for the list of GPUs, then sample until something ends it."""
        limit_s = self._patience.enumeration_s
        slow_s = min(self._patience.slow_s, limit_s)
        if not await self._progressed(slow_s):
            self._intake.doubt_driver("it takes long to list its GPUs", utc_now())
            self._publish(sampled=False)
        if not await self._progressed(limit_s - slow_s):
            return f"the driver did not list its GPUs within {limit_s:g} s"
        try:
            return await self._sample_until_changed(link)
        except LinkLost as lost:
            return str(lost)

    async def _sample_until_changed(self, link: Link) -> str:
        begun = condition_due = heard_at = trio.current_time()
        while True:
            self._tick += 1
            now = trio.current_time()
            kinds = [raw.SAMPLE]
            if now >= condition_due or self._wants_condition:
                self._wants_condition = False
                condition_due = now + self.pace.condition_interval_s
                kinds.append(raw.CONDITION)
                if reason := self._reason_to_restart(now - begun):
                    self._intake.changed = reason
                    return reason
            await self._ask(link, kinds)
            if not self._intake.all_hung:
                heard_at = trio.current_time()
            elif trio.current_time() - heard_at > self._patience.all_silent_s:
                return f"no GPU has answered for {self._patience.all_silent_s:g} s"
            await self._sleep_until(next_due(now, trio.current_time(), self._interval_s()))

    async def _ask(self, link: Link, kinds: list[str]) -> None:
        """One tick: ask every GPU, wait for those that answer, publish."""
        self._intake.expect(*kinds)
        self._progress = trio.Event()
        await link.request(kinds, self._tick)
        if not self._intake.answered:
            await self._progressed(self.pace.call_deadline_s)
        self._intake.overdue(utc_now())
        self._beat()
        self._publish(sampled=True)
        self.settled.set()

    async def _progressed(self, deadline_s: float) -> bool:
        with trio.move_on_after(deadline_s):
            await self._progress.wait()
        return self._progress.is_set()

    async def _sleep_until(self, due: float) -> None:
        """Or less, if it is hurried, or was during the tick before."""
        with trio.move_on_at(due):
            await self._hurry.wait()
        self._hurry = trio.Event()

    def _interval_s(self) -> float:
        if trio.current_time() < self._burst_until:
            return min(self._burst_interval_s, self.pace.sample_interval_s)
        return self.pace.sample_interval_s

    def _reason_to_restart(self, age_s: float) -> str:
        if bound_addresses(self._driver_dir) != self._bound:
            return "the kernel driver has gained or lost a GPU"
        if self._intake.any_lost and age_s > self._patience.lost_retry_s:
            return "looking whether a lost GPU has returned"
        return ""

    def _after_child(self, why: str, lived_s: float) -> None:
        intake = self._intake
        if lived_s > self._patience.stable_s:
            self._failures = 0
        if intake.changed and self._failures == 0 and lived_s > self._patience.stable_s:
            return  # a new child takes over within a fraction of a second
        self._failures += 1
        intake.lose_driver("failed", intake.changed or why, utc_now())
        self._publish(sampled=False)

    def _publish(self, *, sampled: bool) -> None:
        cards = sorted(self._intake.cards.values(), key=lambda c: (c.identity.index, c.uuid))
        self._publish_view(
            GpuView(self._intake.driver, tuple(cards), self._intake.no_events, sampled)
        )
