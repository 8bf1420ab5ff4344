"""What the daemon does on request: the handlers' side of the command table."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import trio

from polarisd import config as configuration
from polarisd import journal, store
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from polarisd.api.snapshot import Offering
from polarisd.bench.runner import Runner, Wanted
from polarisd.chain.standing import why_not_offered
from polarisd.checking import first_few
from polarisd.config import Config, ConfigError
from polarisd.gpu import memory as gpu_memory
from polarisd.gpu.sampling import Pace, Sampler
from polarisd.journal import fields
from polarisd.keeper import Keeper
from polarisd.remembered import GPUS_FILE, OFFERING_FILE, offering_document
from polarisd.state import State

log = logging.getLogger(__name__)

# Answers to `history` kept until the next snapshot; each is a frame at most.
_MAX_KEPT_HISTORIES = 4


def pace_of(config: Config) -> Pace:
    return Pace(
        config.gpu.sample_interval_s, config.gpu.condition_interval_s, config.gpu.call_deadline_s
    )


class DaemonServices:
    """Implements `control.commands.Services` over the rooms of one daemon."""

    def __init__(
        self,
        *,
        config: Config,
        config_path: Path,
        state: State,
        keeper: Keeper,
        sampler: Sampler,
        benches: Runner,
        clock: Callable[[], float],
        pid: int,
        look_up_admins: Callable[[], Awaitable[None]],
        recheck_sessions: Callable[[], None],
        reload_network: Callable[[Config], None],
    ) -> None:
        self.pid = pid
        self.current = config
        self._config_path = config_path
        self._directory = Path(config.state.directory)
        self._state = state
        self._keeper = keeper
        self._sampler = sampler
        self._benches = benches
        self._clock = clock
        self._writing = trio.Lock()
        self._saved_memory = keeper.memory
        self._look_up_admins = look_up_admins
        self._recheck_sessions = recheck_sessions
        self._reload_network = reload_network
        self._histories: dict[float, bytes] = {}
        self._histories_version = -1

    def packed_snapshot(self) -> bytes:
        return self._state.packed

    def history(self, seconds: float) -> dict[str, object]:
        return self._keeper.history.since(self._clock() - seconds)

    def packed_history(self, seconds: float) -> bytes:
        """To make it takes milliseconds, and until the next snapshot it stays the same."""
        version = self._state.snapshot.version
        if version != self._histories_version:
            self._histories, self._histories_version = {}, version
        packed = self._histories.get(seconds)
        if packed is None:
            packed = wire.pack(self.history(seconds))
            if len(self._histories) < _MAX_KEPT_HISTORIES:
                self._histories[seconds] = packed
        return packed

    def burst(self, interval_s: float, seconds: float) -> float:
        self._sampler.burst(interval_s, seconds)
        return self._clock() + seconds

    def config(self) -> dict[str, object]:
        return {"path": str(self._config_path), "values": self.current}

    async def set_offering(self, wanted: bool) -> dict[str, object]:
        """Written before it is said, so that a crash cannot undo what was answered."""
        if wanted and (why := why_not_offered(self._state.snapshot.chain)):
            raise ControlError(errors.REFUSED, why, "register it first: sudo polarisctl register")
        async with self._writing:
            before = self._state.snapshot.daemon.offering
            changed = before.wanted != wanted
            offering = Offering(wanted=wanted, since_at=self._clock()) if changed else before
            if changed or self._keeper.in_doubt:
                await self._write(OFFERING_FILE, offering_document(offering))
                self._keeper.take_offering(offering)
        return {"wanted": wanted, "since_at": offering.since_at, "changed": changed}

    async def reload(self) -> dict[str, object]:
        """Take up the file again.  ControlError bad_config leaves everything as it was."""
        async with self._writing:
            try:
                new = await trio.to_thread.run_sync(configuration.load, self._config_path)
            except ConfigError as error:
                problems = first_few(str(error).splitlines())
                log.error(
                    "configuration not reloaded, the old one is kept:\n%s",
                    "\n".join(problems),
                    extra=fields(event="reload_refused"),
                )
                self._take_config(self.current, problems[0])
                raise ControlError(
                    errors.BAD_CONFIG, "\n".join(problems), "mend the file, then reload again"
                ) from None
            await self._look_up_admins()
            answer = self._take_up(new)
            self._recheck_sessions()
            return answer

    def _take_up(self, new: Config) -> dict[str, object]:
        changed = configuration.changed(self.current, new)
        needs_restart = [path for path in changed if path in configuration.RESTART_ONLY]
        applied = [path for path in changed if path not in configuration.RESTART_ONLY]
        # What needs a restart stays as it runs, so that `config show` tells the truth
        # and the next reload names it again.
        old = self.current
        self.current = replace(
            new,
            node=old.node,
            state=old.state,
            control=replace(old.control, local_users_may_read=new.control.local_users_may_read),
            ports=replace(new.ports, api=old.ports.api),
            chain=replace(old.chain, subnet_name=new.chain.subnet_name),
            network=replace(new.network, listen_address=old.network.listen_address),
            heartbeat=replace(new.heartbeat, interval_s=old.heartbeat.interval_s),
        )
        journal.set_level(new.log.level)
        self._sampler.pace = pace_of(new)
        self._sampler.hurry()
        self._keeper.history.resize(new.gpu.sample_interval_s, new.gpu.history_s)
        self._take_config(new, "")
        self._reload_network(self.current)
        log.info(
            "configuration reloaded; changed: %s",
            ", ".join(applied) or "nothing",
            extra=fields(event="config_reloaded"),
        )
        if needs_restart:
            log.warning(
                "these take effect only after sudo systemctl restart polarisd: %s",
                ", ".join(needs_restart),
                extra=fields(event="restart_needed"),
            )
        return {"changed": applied, "needs_restart": needs_restart}

    def _take_config(self, config: Config, problem: str) -> None:
        self._keeper.take_config(config.gpu.withhold, config.chain.subnet_name, problem)

    async def forget(self, gpu_uuid: str) -> tuple[str, ...]:
        shown = any(gpu.uuid == gpu_uuid for gpu in self._state.snapshot.gpus)
        gone = self._keeper.is_gone(gpu_uuid)
        forgotten = self._keeper.forget(gpu_uuid)
        if not shown and not forgotten:
            raise ControlError(
                errors.NOT_FOUND, f"there is no GPU {gpu_uuid}", "see: polarisctl gpus"
            )
        if shown and gone:
            self._sampler.forget(gpu_uuid)
        await self.save_memory()
        return forgotten

    async def benchmark(
        self, gpus: tuple[str, ...], quick: bool, backend: str, tests: tuple[str, ...]
    ) -> dict[str, object]:
        return await self._benches.request(
            Wanted(gpu_uuids=gpus, quick=quick, backend=backend, tests=tests)
        )

    async def cancel_benchmarks(self, run: int) -> list[int]:
        return await self._benches.cancel(run)

    async def benchmarks(self, gpu_uuid: str, run: int, limit: int) -> dict[str, object]:
        return await self._benches.kept(gpu_uuid, run, limit)

    async def save_memory(self) -> None:
        """Keep what was seen of the GPUs, if it has changed since it was last kept, or to
        see whether the disk is well again."""
        async with self._writing:
            memory = self._keeper.memory
            if memory is not self._saved_memory or self._keeper.not_saved:
                await self._write(GPUS_FILE, gpu_memory.to_document(memory))
                self._saved_memory = memory

    async def _write(self, name: str, document: dict[str, object]) -> None:
        path = self._directory / name
        try:
            await trio.to_thread.run_sync(store.write, path, document)
        except OSError as error:
            problem = f"cannot write {path}: {error.strerror}"
            if problem != self._keeper.not_saved:
                log.error(problem, extra=fields(event="disk_error"))
            self._keeper.take_saved(problem)
            raise ControlError(
                errors.REFUSED, problem, "check the disk that holds it, and its free space"
            ) from None
        self._keeper.take_saved("")
