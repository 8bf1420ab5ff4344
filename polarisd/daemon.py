"""The composition root: makes the rooms, joins them, starts and stops them.

Stopping goes in order: say so to systemd, stop listening and tell the clients,
end the services, keep what must be kept.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import trio

from polarisd import __version__
from polarisd.api.errors import ControlError
from polarisd.benching import open_runner
from polarisd.canary import Canary
from polarisd.control.access import AccessRule
from polarisd.control.admins import AdminGroup
from polarisd.control.server import Server
from polarisd.gpu.memory import remembered_cards
from polarisd.gpu.sampling import GpuView, Sampler
from polarisd.history import History
from polarisd.journal import fields
from polarisd.keeper import Keeper
from polarisd.parts import Parts, first_snapshot, outlook_of
from polarisd.pulse import sleep_to_next
from polarisd.services import DaemonServices, pace_of
from polarisd.state import State
from polarisd.summary import status_line
from polarisd.systemd import Systemd

log = logging.getLogger(__name__)

ADMIN_GROUP = "polaris"
# READY waits for the GPUs so that what is served first is the truth, but not for
# ever: a driver can take a minute to wake up.
_SETTLE_DEADLINE_S = 10.0
_HOST_INTERVAL_S = 1.0
_SAVE_INTERVAL_S = 5.0
_SAMPLER_LIMIT_S = 150.0
_HOST_LIMIT_S = 60.0
_STOP_DEADLINE_S = 5.0
_STATUS_INTERVAL_S = 5.0


async def run(parts: Parts) -> None:
    """Until SIGTERM or SIGINT.  Anything else that ends it is a bug and raises."""
    host = await trio.to_thread.run_sync(parts.host_probe.read, parts.clock())
    config = parts.config
    canary = Canary()
    state = State(first_snapshot(parts, host), parts.clock)
    known = remembered_cards(parts.memory)
    keeper = Keeper(
        state=state,
        view=GpuView(state.snapshot.driver, known, "", sampled=False),
        memory=parts.memory,
        history=History(config.gpu.sample_interval_s, config.gpu.history_s),
        withhold=config.gpu.withhold,
        clock=parts.clock,
        outlook=outlook_of(parts),
        unreadable=parts.unreadable,
    )
    sampler = Sampler(
        pace=pace_of(config),
        environ=parts.environ,
        publish=keeper.take_gpus,
        report_xid=keeper.take_xid,
        beat=canary.watch("gpu sampling", _SAMPLER_LIMIT_S),
        known=known,
        driver_dir=parts.driver_dir,
        patience=parts.patience,
    )

    benches = await open_runner(
        parts.bench,
        Path(config.state.directory),
        state=state,
        keeper=keeper,
        sampler=sampler,
        clock=parts.clock,
    )

    def recheck_sessions() -> None:
        server.recheck()  # made below, of what asks for this

    admins = AdminGroup(ADMIN_GROUP)
    await admins.look_up()
    network = None if parts.open_network is None else parts.open_network(state, keeper)
    services = DaemonServices(
        config=config,
        config_path=parts.config_path,
        state=state,
        keeper=keeper,
        sampler=sampler,
        benches=benches,
        clock=parts.clock,
        pid=os.getpid(),
        look_up_admins=admins.look_up,
        recheck_sessions=recheck_sessions,
        reload_network=network.reload if network else lambda _: None,
    )
    rule = _access_rule(services, admins)
    server = Server(
        services=services, state=state, rule=rule, max_sessions=config.control.max_sessions
    )
    ready = trio.Event()
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async with trio.open_nursery() as nursery:
            stop_serving = await nursery.start(_serve, server, parts)
            nursery.start_soon(sampler.run)
            nursery.start_soon(benches.run)
            if network is not None:
                nursery.start_soon(network.run)
            beat = canary.watch("host metrics", _HOST_LIMIT_S)
            nursery.start_soon(_watch_host, parts, keeper, beat)
            nursery.start_soon(_keep_memory, services)
            nursery.start_soon(_announce, parts.systemd, state, sampler, ready)
            if parts.systemd.watchdog_interval_s is not None:
                feed = parts.systemd.watchdog
                nursery.start_soon(canary.feed, feed, parts.systemd.watchdog_interval_s)
            await _obey(signals, parts.systemd, services, state, ready)
            await stop_serving()
            if network is not None:
                await network.stop()
            nursery.cancel_scope.cancel()
    await _save(services)
    log.info("stopped", extra=fields(event="stopped"))


def _access_rule(services: DaemonServices, admins: AdminGroup) -> Callable[[], AccessRule]:
    """Asked at each connection: a reload may change the setting, and find the group."""
    own_uid = os.getuid()

    def rule() -> AccessRule:
        readable = services.current.control.local_users_may_read
        return AccessRule(own_uid, admins.gid, readable)

    return rule


async def _serve(
    server: Server,
    parts: Parts,
    *,
    task_status: trio.TaskStatus[Callable[[], Awaitable[None]]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve the control socket; started with a function that ends it in order."""
    ended = trio.Event()

    async def stop() -> None:
        server.stop()
        with trio.move_on_after(_STOP_DEADLINE_S):
            await ended.wait()

    listener = trio.SocketListener(trio.socket.from_stdlib_socket(parts.listener))
    task_status.started(stop)
    await server.serve(listener)
    ended.set()


async def _watch_host(parts: Parts, keeper: Keeper, beat: Callable[[], None]) -> None:
    while True:
        await sleep_to_next(_HOST_INTERVAL_S)
        host = await trio.to_thread.run_sync(parts.host_probe.read, parts.clock())
        keeper.take_host(host)
        beat()


async def _keep_memory(services: DaemonServices) -> None:
    while True:
        await sleep_to_next(_SAVE_INTERVAL_S)
        await _save(services)


async def _save(services: DaemonServices) -> None:
    """A disk that is full must not end the daemon; the journal has been told."""
    with suppress(ControlError):
        await services.save_memory()


async def _announce(systemd: Systemd, state: State, sampler: Sampler, ready: trio.Event) -> None:
    """READY once the GPUs are known, or known not to be; then a true status line."""
    with trio.move_on_after(_SETTLE_DEADLINE_S):
        await sampler.settled.wait()
    ready.set()
    systemd.ready(status_line(state.snapshot))
    log.info(
        "polarisd %s is ready: %s",
        __version__,
        status_line(state.snapshot),
        extra=fields(event="ready"),
    )
    while True:
        version = state.snapshot.version
        await sleep_to_next(_STATUS_INTERVAL_S)
        systemd.status(status_line(await state.wait_newer(version)))


async def _obey(
    signals: AsyncIterator[int],
    systemd: Systemd,
    services: DaemonServices,
    state: State,
    ready: trio.Event,
) -> None:
    """Reload on SIGHUP; return on a signal to stop."""
    async for number in signals:
        if number != signal.SIGHUP:
            systemd.stopping()
            log.info("stopping on %s", signal.Signals(number).name, extra=fields(event="stopping"))
            return
        # READY ends a reload, and must not end a start that is not over.
        started = ready.is_set()
        if started:
            systemd.reloading()
        # A bad file is in the journal and on the list of faults already.
        with suppress(ControlError):
            await services.reload()
        if started:
            systemd.ready(status_line(state.snapshot))
