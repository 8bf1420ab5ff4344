"""Where everything that was read or decided becomes the next snapshot.

Rooms report here through plain calls; the keeper judges what is wrong, withholds
GPUs accordingly, writes the journal and tells the watchers.  No I/O but logging.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from polarisd.api import gpu as gpu_states
from polarisd.api.benchmark import Progress, Run
from polarisd.api.chain import Chain, Miners, Validator
from polarisd.api.gpu import Gpu
from polarisd.api.network import Network
from polarisd.api.snapshot import Host, Offering, Snapshot
from polarisd.claims import Claim
from polarisd.gpu import memory as gpu_memory
from polarisd.gpu.inventory import to_gpu
from polarisd.gpu.memory import GpuMemory
from polarisd.gpu.sampling import GpuView
from polarisd.health import board as health
from polarisd.health.board import Board, Sign
from polarisd.health.gpu_signs import XidCount, driver_signs, gpu_signs, xid_signs
from polarisd.health.host_signs import benchmark_signs, config_signs, host_signs, state_signs
from polarisd.history import History
from polarisd.outlook import VALIDATOR, Outlook, with_spec
from polarisd.remembered import OFFERING_FILE
from polarisd.state import State
from polarisd.teller import Teller

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
        outlook: Outlook,
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
        self._outlook = outlook
        self._teller = Teller(state.tell, clock)

    def take_gpus(self, view: GpuView) -> None:
        now = self._clock()
        self._teller.gpus(self._view, view)
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
            self._teller.xid(uuid, xid)
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
        self._publish(self._clock(), daemon=daemon)
        self._teller.offering(offering.wanted)

    def take_config(self, withhold: Iterable[str], subnet_name: str, problem: str) -> None:
        """A reload: what to withhold from now on and how the subnet should be called, or why
        the file was refused."""
        self._withhold = frozenset(withhold)
        confirmed = replace(self._outlook.confirmed, subnet_name=subnet_name)
        self._outlook = replace(self._outlook, confirmed=confirmed)
        self._config_problem = problem
        self._publish(self._clock())
        if not problem:
            self._teller.config_reloaded()

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

    def take_benchmark_begun(self, run: Run) -> None:
        self._teller.benchmark_begun(run)

    def take_benchmark_ended(self, run: Run) -> None:
        self._teller.benchmark_ended(run)

    def take_chain(self, chain: Chain) -> None:
        """Where this machine stands on the chain."""
        before = self._state.snapshot.chain
        self._publish(self._clock(), chain=chain)
        self._teller.chain(before, chain)

    def take_network(self, network: Network) -> None:
        """Under which addresses the world finds this machine."""
        before = self._state.snapshot.network
        self._publish(self._clock(), network=network)
        self._teller.network(before, network)

    def take_listening(self, problem: str) -> None:
        """Why the API port cannot be opened, empty if it is open."""
        if problem != self._outlook.not_listening:
            self._outlook = replace(self._outlook, not_listening=problem)
            self._publish(self._clock())

    def take_heartbeats(self, problem: str, remedy: str) -> None:
        """Why no heartbeats are made, and what to do; both empty if they are, or need not be."""
        if (problem, remedy) != self._outlook.not_beating:
            self._outlook = replace(self._outlook, not_beating=(problem, remedy))
            self._publish(self._clock())

    def take_validators(self, validators: tuple[Validator, ...]) -> None:
        """What validators say of this machine."""
        self._publish(self._clock(), validators=validators)

    def take_miners(self, miners: Miners) -> None:
        """Whom this validator has heard."""
        if miners != self._state.snapshot.miners:
            self._state.change(miners=miners)

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

    def _publish(self, now: float, **sections: Any) -> None:
        gpus = [to_gpu(card, ()) for card in self._view.cards]
        seen: Snapshot = replace(self._state.snapshot, **sections)
        self._outlook = with_spec(self._outlook, seen)
        self._board, change = health.update(self._board, self._signs(gpus, seen, now), now)
        self._state.change(
            driver=self._view.driver,
            gpus=tuple(replace(gpu, withheld_by=self._withheld_by(gpu)) for gpu in gpus),
            faults=self._board.faults,
            **sections,
        )
        self._teller.faults(change.raised, change.cleared)

    def _signs(self, gpus: list[Gpu], seen: Snapshot, now: float) -> Iterable[Sign]:
        if seen.daemon.role != VALIDATOR:  # which needs no GPU
            yield from driver_signs(self._view.driver, gpus, self._view.no_events)
        for gpu in gpus:
            yield from gpu_signs(gpu)
        yield from xid_signs(
            XidCount(uuid, xid, seen.count, seen.last_at)
            for (uuid, xid), seen in self.memory.xids.items()
            if uuid  # else it was told of, but there is no GPU to withhold
        )
        yield from host_signs(seen.host)
        yield from config_signs(self._config_problem)
        yield from state_signs(self._unreadable, self._not_saved)
        yield from benchmark_signs(*self._benchmarks_kept)
        yield from self._outlook.signs(seen, now)

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
