"""THE table of commands: method, request, access, polarisctl verb, handler.

Registry tests walk it: a row without documentation, without a golden request or
without a verb is red.  Handlers are thin; what they do is in `Services`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from polarisd import __version__
from polarisd.api import errors, wire
from polarisd.api.benchmark import TESTS
from polarisd.api.errors import ControlError
from polarisd.checking import Matches, MaxItems, MaxLength, Range
from polarisd.control.access import ADMIN, READ


@dataclass(frozen=True, slots=True)
class Packed:
    """A result that is already MessagePack."""

    data: bytes


class Services(Protocol):
    """What the daemon does on request."""

    pid: int

    def packed_snapshot(self) -> bytes: ...
    def packed_history(self, seconds: float) -> bytes: ...
    def burst(self, interval_s: float, seconds: float) -> float: ...
    async def set_offering(self, wanted: bool) -> dict[str, object]: ...
    def config(self) -> dict[str, object]: ...
    async def reload(self) -> dict[str, object]: ...
    async def forget(self, gpu_uuid: str) -> tuple[str, ...]: ...
    async def benchmark(
        self, gpus: tuple[str, ...], quick: bool, backend: str, tests: tuple[str, ...]
    ) -> dict[str, object]: ...
    async def cancel_benchmarks(self, run: int) -> list[int]: ...
    async def benchmarks(self, gpu_uuid: str, run: int, limit: int) -> dict[str, object]: ...


class Client(Protocol):
    """The session that a request came through."""

    access: str

    def begin_watch(self, interval_s: float, events: bool) -> int: ...
    def end_watch(self, watch: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    client: Annotated[str, MaxLength(64)]
    version: Annotated[str, MaxLength(64)]
    protocol_major: Annotated[int, Range(0, 1 << 16)]
    protocol_minor: Annotated[int, Range(0, 1 << 16)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A request without params."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    interval_s: Annotated[float, Range(0.05, 3600)] = 1.0
    events: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwatch:
    watch: Annotated[int, Range(1, 1 << 32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    seconds: Annotated[float, Range(1, 3600)] = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    interval_s: Annotated[float, Range(0.1, 1)] = 0.1
    seconds: Annotated[float, Range(1, 60)] = 10


_UUID = r"(GPU|MIG)-[0-9A-Za-z/-]{1,90}"
GpuUuid = Annotated[str, Matches(_UUID, "the UUID of a GPU")]
TestId = Annotated[str, Matches("|".join(TESTS), f"one of {', '.join(TESTS)}")]
RunNumber = Annotated[int, Range(0, 1 << 32)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    gpu_uuid: GpuUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    gpus: Annotated[tuple[GpuUuid, ...], MaxItems(64)] = ()
    quick: bool = False
    backend: Literal["", "cupy", "host", "numpy"] = ""
    tests: Annotated[tuple[TestId, ...], MaxItems(64)] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBenchmarks:
    run: RunNumber = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmarks:
    gpu_uuid: Annotated[str, Matches(f"({_UUID})?", "the UUID of a GPU")] = ""
    run: RunNumber = 0
    limit: Annotated[int, Range(1, 100)] = 20


async def _hello(services: Services, client: Client, request: Hello) -> object:
    if request.protocol_major != wire.PROTOCOL_MAJOR:
        older = "polarisctl" if request.protocol_major < wire.PROTOCOL_MAJOR else "polarisd"
        raise ControlError(
            errors.PROTOCOL_MISMATCH,
            f"{request.client} {request.version} speaks protocol {request.protocol_major}, "
            f"polarisd {__version__} speaks {wire.PROTOCOL_MAJOR}",
            f"upgrade {older}",
        )
    return {
        "version": __version__,
        "protocol_major": wire.PROTOCOL_MAJOR,
        "protocol_minor": wire.PROTOCOL_MINOR,
        "pid": services.pid,
        "access": client.access,
    }


async def _snapshot(services: Services, client: Client, request: Nothing) -> object:
    return Packed(services.packed_snapshot())


async def _watch(services: Services, client: Client, request: Watch) -> object:
    return {"watch": client.begin_watch(request.interval_s, request.events)}


async def _unwatch(services: Services, client: Client, request: Unwatch) -> object:
    client.end_watch(request.watch)
    return {}


async def _history(services: Services, client: Client, request: History) -> object:
    return Packed(services.packed_history(request.seconds))


async def _burst(services: Services, client: Client, request: Burst) -> object:
    return {"until_at": services.burst(request.interval_s, request.seconds)}


async def _start(services: Services, client: Client, request: Nothing) -> object:
    return await services.set_offering(True)


async def _stop(services: Services, client: Client, request: Nothing) -> object:
    return await services.set_offering(False)


async def _config(services: Services, client: Client, request: Nothing) -> object:
    return services.config()


async def _reload(services: Services, client: Client, request: Nothing) -> object:
    return await services.reload()


async def _forget(services: Services, client: Client, request: Forget) -> object:
    return {"forgotten": list(await services.forget(request.gpu_uuid))}


async def _benchmark(services: Services, client: Client, request: Benchmark) -> object:
    return await services.benchmark(request.gpus, request.quick, request.backend, request.tests)


async def _benchmark_cancel(
    services: Services, client: Client, request: CancelBenchmarks
) -> object:
    return {"cancelled": await services.cancel_benchmarks(request.run)}


async def _benchmarks(services: Services, client: Client, request: Benchmarks) -> object:
    return await services.benchmarks(request.gpu_uuid, request.run, request.limit)


@dataclass(frozen=True, slots=True)
class Command:
    """One row. `verb` is the polarisctl verb that uses it first; without `acts` all
    that comes of it is the reply, so that nothing is done if none is wanted."""

    method: str
    request: type[Any]
    access: str
    verb: str
    handler: Callable[[Services, Client, Any], Awaitable[object]]
    acts: bool = True


COMMANDS: dict[str, Command] = {
    row.method: row
    for row in (
        Command("hello", Hello, READ, "version", _hello, acts=False),
        Command("snapshot", Nothing, READ, "status", _snapshot, acts=False),
        Command("watch", Watch, READ, "monitor", _watch),
        Command("unwatch", Unwatch, READ, "monitor", _unwatch),
        Command("history", History, READ, "monitor", _history, acts=False),
        Command("burst", Burst, ADMIN, "monitor", _burst),
        Command("start", Nothing, ADMIN, "start", _start),
        Command("stop", Nothing, ADMIN, "stop", _stop),
        Command("config", Nothing, READ, "config", _config, acts=False),
        Command("reload", Nothing, ADMIN, "config", _reload),
        Command("forget", Forget, ADMIN, "gpus", _forget),
        Command("benchmark", Benchmark, ADMIN, "benchmark", _benchmark),
        Command("benchmark_cancel", CancelBenchmarks, ADMIN, "benchmark", _benchmark_cancel),
        Command("benchmarks", Benchmarks, READ, "benchmark", _benchmarks, acts=False),
    )
}
