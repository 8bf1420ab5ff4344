"""Where everything that was read or decided becomes the next snapshot.

Rooms report here through plain calls; the keeper judges what is wrong, withholds
GPUs accordingly, writes the journal and tells the watchers.  No I/O but logging.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from polarisd.api import gpu as gpu_states
from polarisd.api.benchmark import FAILED, Progress, Run
from polarisd.api.gpu import Gpu
from polarisd.api.reading import known
from polarisd.api.snapshot import Event, Fault, Host, Offering
from polarisd.claims import Claim
from polarisd.gpu import memory as gpu_memory
from polarisd.gpu.inventory import Card, to_gpu
from polarisd.gpu.memory import GpuMemory
from polarisd.gpu.sampling import GpuView
from polarisd.health import board as health
from polarisd.health.board import Board, Sign
from polarisd.health.gpu_signs import XidCount, driver_signs, gpu_signs, xid_signs
from polarisd.health.host_signs import benchmark_signs, config_signs, host_signs, state_signs
from polarisd.health.xid import meaning_of
from polarisd.history import History
from polarisd.journal import fields
from polarisd.remembered import OFFERING_FILE
from polarisd.state import State

log = logging.getLogger(__name__)

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "notice": logging.INFO}
WITHHELD_BY_OWNER = "withheld_by_owner"


class Keeper:
    """Holds the newest of every kind of report, and makes snapshots of them."""

    def __init__(
        self,
        state: State,
        view: GpuView,
        memory: GpuMemory,
        history: History,
        withhold: Iterable[str],
        clock: Callable[[], float],
        unreadable: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.memory = memory
        self.history = history
        self._state = state
        self._view = view
        self._withhold = frozenset(withhold)
        self._config_problem = ""
        self._unreadable = unreadable
        self._not_saved = ""
        self._claims: Mapping[str, Claim] = {}
        self._benchmarks_kept = ("", "")
        self._board = Board()
        self._clock = clock

    def take_gpus(self, view: GpuView) -> None:
        now = self._clock()
        self._tell_changes(self._view, view, now)
        self._view = view
        self.memory = gpu_memory.with_cards(self.memory, view.cards, now)
        if view.sampled:
            for card in view.cards:
                if card.state != gpu_states.MISSING:
                    self.history.add_gpu(card.uuid, card.sample)
        self._publish(now)

    def take_host(self, host: Host) -> None:
        self.history.add_host(host)
        self._publish(self._clock(), host=host)

    def take_xid(self, uuid: str, xid: int) -> None:
        now = self._clock()
        self.memory, tell = gpu_memory.with_xid(self.memory, uuid, xid, now)
        if tell:
            meaning = meaning_of(xid)
            log.log(
                _LEVELS[meaning.severity],
                "XID %d on %s: %s",
                xid,
                uuid or "an unknown GPU",
                meaning.meaning,
                extra=fields(event="xid", gpu_uuid=uuid, xid=xid),
            )
            self._tell("xid", now, uuid, f"XID {xid}: {meaning.meaning}", xid=xid)
            # The count of a storm shows with the next reading, not thousands of times.
            self._publish(now)

    @property
    def in_doubt(self) -> bool:
        """Whether what an earlier run left behind waits for the owner's word."""
        return bool(self._unreadable)

    @property
    def not_saved(self) -> str:
        """Why the last document could not be written, empty if it was."""
        return self._not_saved

    def take_offering(self, offering: Offering) -> None:
        """The owner's word, written down: it ends the doubt about that document, and to
        begin is to say that the GPUs are well in spite of what was forgotten."""
        keep = () if offering.wanted else self._unreadable.keys() - {OFFERING_FILE}
        self._unreadable = {name: self._unreadable[name] for name in keep}
        if offering == self._state.snapshot.daemon.offering:
            self._publish(self._clock())
            return
        daemon = replace(self._state.snapshot.daemon, offering=offering)
        text = "offering begins" if offering.wanted else "offering ends"
        log.info(text, extra=fields(event="offering_changed", wanted=offering.wanted))
        self._publish(self._clock(), daemon=daemon)
        self._tell("offering_changed", self._clock(), "", text)

    def take_config(self, withhold: Iterable[str], problem: str) -> None:
        """A reload: what to withhold from now on, or why the file was refused."""
        self._withhold = frozenset(withhold)
        self._config_problem = problem
        self._publish(self._clock())
        if not problem:
            self._tell("config_reloaded", self._clock(), "", "configuration reloaded")

    def take_saved(self, problem: str) -> None:
        """How writing a document went: what is wrong, or nothing."""
        if problem != self._not_saved:
            self._not_saved = problem
            self._publish(self._clock())

    def take_claims(self, claims: Mapping[str, Claim]) -> None:
        """Who has which GPU for himself, by UUID."""
        self._claims = claims
        self._publish(self._clock())

    def take_benchmarks(self, running: tuple[Progress, ...]) -> None:
        self._state.change(benchmarks=running)

    def take_benchmarks_kept(self, set_aside: str, not_kept: str) -> None:
        """How the history of benchmarks is: what of it was set aside, and why it cannot be
        kept; empty if all is well."""
        self._benchmarks_kept = (set_aside, not_kept)
        self._publish(self._clock())

    def tell_benchmark_begun(self, run: Run) -> None:
        told = fields(event="benchmark_begun", gpu_uuid=run.gpu_uuid)
        log.info("benchmark %d of %s (%s) begins", run.run, _subject(run), run.backend, extra=told)

    def tell_benchmark_ended(self, run: Run) -> None:
        text = f"benchmark {run.run} of {_subject(run)}: {run.outcome}"
        text = f"{text}: {run.problem}" if run.problem else text
        told = fields(event="benchmark_ended", gpu_uuid=run.gpu_uuid, outcome=run.outcome)
        log.log(logging.WARNING if run.outcome == FAILED else logging.INFO, text, extra=told)
        self._tell("benchmark_ended", self._clock(), run.gpu_uuid, text, code=run.outcome)

    def is_gone(self, uuid: str) -> bool:
        """Whether nothing shows the GPU: it is missing, or there is no driver to ask."""
        if self._view.driver.state not in ("ok", "starting"):
            return True
        states = {card.uuid: card.state for card in self._view.cards}
        return states.get(uuid, gpu_states.MISSING) == gpu_states.MISSING

    def forget(self, uuid: str) -> tuple[str, ...]:
        """Forget a GPU's XIDs, and the GPU if it is gone; what was forgotten."""
        gone = self.is_gone(uuid)
        self.memory, forgotten = gpu_memory.without(self.memory, uuid, gone=gone)
        if gone:
            self.history.forget(uuid)
        self._publish(self._clock())
        return forgotten

    def _publish(self, now: float, **sections: object) -> None:
        gpus = [to_gpu(card, ()) for card in self._view.cards]
        host = sections.get("host", self._state.snapshot.host)
        assert isinstance(host, Host)
        self._board, change = health.update(self._board, self._signs(gpus, host), now)
        self._state.change(
            driver=self._view.driver,
            gpus=tuple(replace(gpu, withheld_by=self._withheld_by(gpu)) for gpu in gpus),
            faults=self._board.faults,
            **sections,
        )
        for fault in change.raised:
            self._tell_fault("fault_raised", fault, now)
        for fault in change.cleared:
            self._tell_fault("fault_cleared", fault, now)

    def _signs(self, gpus: list[Gpu], host: Host) -> Iterable[Sign]:
        yield from driver_signs(self._view.driver, gpus, self._view.no_events)
        for gpu in gpus:
            yield from gpu_signs(gpu)
        yield from xid_signs(
            XidCount(uuid, xid, seen.count, seen.last_at)
            for (uuid, xid), seen in self.memory.xids.items()
            if uuid  # else it was told of, but there is no GPU to withhold
        )
        yield from host_signs(host)
        yield from config_signs(self._config_problem)
        yield from state_signs(self._unreadable, self._not_saved)
        yield from benchmark_signs(*self._benchmarks_kept)

    def _withheld_by(self, gpu: Gpu) -> tuple[str, ...]:
        """Errors withhold a GPU; so does not having heard from it; so do its owner and
        whoever has it for himself."""
        codes = self._board.withheld_by(gpu.uuid)
        if gpu.state != gpu_states.OK and not codes:
            codes = (f"gpu_{gpu.state}",)
        if self._withhold & {gpu.uuid, *(device.uuid for device in gpu.mig_devices)}:
            codes = (*codes, WITHHELD_BY_OWNER)
        claim = self._claims.get(gpu.uuid)
        return codes if claim is None else (*codes, claim.code)

    def _tell_changes(self, before: GpuView, after: GpuView, now: float) -> None:
        if (before.driver.state, before.driver.driver_version) != (
            after.driver.state,
            after.driver.driver_version,
        ):
            version = known(after.driver.driver_version) or "unknown"
            text = f"driver ok, version {version}"
            if after.driver.state != "ok":
                text = f"driver {after.driver.state}: {after.driver.detail}"
            log.info(text, extra=fields(event="driver_changed", driver_state=after.driver.state))
            self._tell("driver_changed", now, "", text)
        were, are = _present(before.cards), _present(after.cards)
        for uuid in sorted(are - were):
            log.info("GPU %s appeared", uuid, extra=fields(event="gpu_appeared", gpu_uuid=uuid))
            self._tell("gpu_appeared", now, uuid, "the GPU appeared")
        for uuid in sorted(were - are):
            log.info("GPU %s is gone", uuid, extra=fields(event="gpu_missing", gpu_uuid=uuid))
            self._tell("gpu_missing", now, uuid, "the GPU is gone")

    def _tell_fault(self, kind: str, fault: Fault, now: float) -> None:
        raised = kind == "fault_raised"
        log.log(
            _LEVELS[fault.severity] if raised else logging.INFO,
            "%s: %s%s",
            fault.code,
            fault.text if raised else "over",
            f" → {fault.remedy}" if raised else "",
            extra=fields(event=kind, gpu_uuid=fault.gpu_uuid, fault=fault.code),
        )
        self._tell(kind, now, fault.gpu_uuid, fault.text, code=fault.code)

    def _tell(
        self, kind: str, at: float, uuid: str, text: str, *, code: str = "", xid: int = 0
    ) -> None:
        self._state.tell(Event(kind=kind, at=at, gpu_uuid=uuid, text=text, code=code, xid=xid))


def _present(cards: Iterable[Card]) -> set[str]:
    return {card.uuid for card in cards if card.state != gpu_states.MISSING}


def _subject(run: Run) -> str:
    return run.gpu_uuid or "the processor"
