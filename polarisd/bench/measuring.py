"""One run from the start of its worker to its end: the figures, and how it ended.

For `runner`.  Begins a worker, tells it what to measure, checks what it says, and sets
beside each figure what NVML saw of the GPU meanwhile.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import trio

from polarisd.api import gpu as gpu_states
from polarisd.api.benchmark import COMPLETED, CUPY, DEADLINE, FAILED, Conditions, Figure, Run
from polarisd.api.gpu import Gpu, Sample
from polarisd.api.reading import NOT_KNOWN, Reading, Unknown
from polarisd.bench import intake
from polarisd.bench.conditions import conditions, without_gpu
from polarisd.bench.intake import Done, Failed, Hello, Measured, Nonsense, Said, Step
from polarisd.bench.link import Link, Start, Strays, WorkerLost, open_link
from polarisd.bench.reference import Reference
from polarisd.state import State

# Renewed each second, so that it ends soon after the run, and another burst's end is no matter.
_BURST_INTERVAL_S = 0.1
_BURST_S = 3.0
_RENEWAL_S = 1.0
# Longer than any test takes, at ten samples a second.
_MAX_SAMPLES = 4096

_LOGS = "see: polarisctl logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long, in seconds: until the worker has loaded its libraries and says hello; for
    all of a run, which takes some 3 s or 30 s where all is well; and that the driver may be
    silent about the GPU, as it is while its process is replaced."""

    hello_s: float = 90.0
    quick_s: float = 150.0
    full_s: float = 600.0
    silent_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended; `problem` and `remedy` are empty where there is nothing to say."""

    outcome: str
    problem: str = ""
    remedy: str = ""


@dataclass(slots=True)
class Measurement:
    """A run that goes on.  `tests` are those it is to do, `step` the one that it does."""

    run: Run
    tests: tuple[str, ...]
    step: Step = field(default_factory=lambda: Step("", 0.0))
    samples: deque[Sample] = field(default_factory=lambda: deque(maxlen=_MAX_SAMPLES))

    @property
    def missing(self) -> list[str]:
        done = {figure.test for figure in self.run.figures}
        return [test for test in self.tests if test not in done]


class Measuring:
    """Does one measurement at a time or several; `changed` is told of each step."""

    def __init__(
        self,
        *,
        start: Start,
        state: State,
        burst: Callable[[float, float], None],
        reference: Reference,
        clock: Callable[[], float],
        patience: Patience,
    ) -> None:
        self._start = start
        self._state = state
        self._burst = burst
        self._reference = reference
        self._clock = clock
        self._patience = patience
        self._strays = Strays()

    async def measure(self, it: Measurement, changed: Callable[[], None]) -> Ending:
        """Fills in `it.run`.  The worker is gone when this returns, or cannot be ended."""
        limit_s = self._patience.quick_s if it.run.quick else self._patience.full_s
        with trio.move_on_after(limit_s):
            return await self._with_worker(it, changed)
        missing = ", ".join(it.missing)
        return Ending(DEADLINE, f"it was not done within {limit_s:g} s; missing: {missing}", _LOGS)

    async def _with_worker(self, it: Measurement, changed: Callable[[], None]) -> Ending:
        ending: list[Ending] = []
        try:
            async with open_link(self._start, it.run.gpu_uuid, self._strays) as link:
                async with trio.open_nursery() as nursery:
                    if it.run.gpu_uuid:
                        nursery.start_soon(self._keep_sampling_fast)
                        nursery.start_soon(self._watch_gpu, it, ending, nursery.cancel_scope)
                    ending.append(await self._talk(link, it, changed))
                    nursery.cancel_scope.cancel()
                if ending[0].outcome == COMPLETED:
                    link.let_go()
        except WorkerLost as lost:
            ending.append(Ending(FAILED, str(lost), lost.remedy or _LOGS))
        return ending[0]

    async def _talk(self, link: Link, it: Measurement, changed: Callable[[], None]) -> Ending:
        try:
            await link.send(
                {
                    "job": "bench",
                    "backend": it.run.backend,
                    "quick": it.run.quick,
                    "tests": list(it.tests),
                    "gpu_uuid": it.run.gpu_uuid,
                }
            )
            return await self._hear(link, it, changed)
        except Nonsense as nonsense:
            return Ending(FAILED, f"the worker sent nonsense: {nonsense}", _LOGS)
        except WorkerLost as lost:
            return Ending(FAILED, str(lost), lost.remedy or _LOGS)

    async def _hear(self, link: Link, it: Measurement, changed: Callable[[], None]) -> Ending:
        """Until its last word.  Raises Nonsense, WorkerLost."""
        said = await self._first_word(link)
        if isinstance(said, Hello):
            it.run = _greeted(it.run, said, link.pid)
            said = intake.read(await link.receive())
        elif not isinstance(said, Failed):
            raise Nonsense("its first word is not hello")
        while not isinstance(said, (Done, Failed)):
            self._take(it, said)
            changed()
            said = intake.read(await link.receive())
        if isinstance(said, Failed):
            return Ending(FAILED, said.message or said.code, said.hint or _LOGS)
        if it.missing:
            raise Nonsense(f"it is done without a figure of {', '.join(it.missing)}")
        return Ending(COMPLETED)

    async def _first_word(self, link: Link) -> Said:
        with trio.move_on_after(self._patience.hello_s):
            return intake.read(await link.receive())
        raise WorkerLost(f"the worker was not ready within {self._patience.hello_s:g} s")

    def _take(self, it: Measurement, said: Said) -> None:
        match said:
            case Step():
                it.step = said
            case Measured(test=test) if test in it.missing:
                it.run = replace(it.run, figures=(*it.run.figures, self._figure(it, said)))
            case Measured(test=test):
                raise Nonsense(f"a figure of {test} was not asked for, or came before")
            case _:
                raise Nonsense("it said hello twice")

    def _figure(self, it: Measurement, said: Measured) -> Figure:
        now = self._clock()
        started_at, ended_at = now - said.started_ago_s, now - said.ended_ago_s
        return Figure(
            test=said.test,
            value=said.value,
            unit=said.unit,
            repeats=said.repeats,
            spread=said.spread,
            started_at=started_at,
            ended_at=ended_at,
            detail=said.detail,
            conditions=self._conditions(it, started_at, ended_at),
            peak=self._compared(it.run, self._reference.peak, said.test),
            good=self._compared(it.run, self._reference.good, said.test),
        )

    def _conditions(self, it: Measurement, started_at: float, ended_at: float) -> Conditions:
        if not it.run.gpu_uuid:
            return without_gpu()
        gpu = find(self._state.snapshot.gpus, it.run.gpu_uuid)
        limit_w = Unknown(NOT_KNOWN) if gpu is None else gpu.condition.power_limit_w
        return conditions(it.samples, started_at, ended_at, limit_w)

    def _compared(
        self, run: Run, figure: Callable[[str, str], Reading[float]], test: str
    ) -> Reading[float]:
        """A processor is not in the reference, even if it is named like a GPU."""
        if run.backend != CUPY:
            return Unknown(NOT_KNOWN, "only GPUs have a reference")
        return figure(run.gpu_name, test)

    async def _keep_sampling_fast(self) -> None:
        while True:
            self._burst(_BURST_INTERVAL_S, _BURST_S)
            await trio.sleep(_RENEWAL_S)

    async def _watch_gpu(
        self, it: Measurement, ending: list[Ending], scope: trio.CancelScope
    ) -> None:
        """Collect its samples; when it is lost, or silent for long, the run is over."""
        version, heard_at = -1, trio.current_time()
        while True:
            with trio.move_on_at(heard_at + self._patience.silent_s) as waiting:
                version = (await self._state.wait_newer(version)).version
            gpu = find(self._state.snapshot.gpus, it.run.gpu_uuid)
            if gpu is not None and gpu.state == gpu_states.OK:
                heard_at = trio.current_time()
                if not it.samples or it.samples[-1].read_at != gpu.sample.read_at:
                    it.samples.append(gpu.sample)
            elif gpu is None or gpu.state != gpu_states.SILENT or waiting.cancelled_caught:
                state = gpu_states.MISSING if gpu is None else gpu.state
                why = f"the GPU is {state} since the benchmark began"
                ending.append(Ending(FAILED, why, "see: polarisctl status"))
                scope.cancel()
                return


def find(gpus: tuple[Gpu, ...], uuid: str) -> Gpu | None:
    return next((gpu for gpu in gpus if gpu.uuid == uuid), None)


def _greeted(run: Run, hello: Hello, pid: int | None) -> Run:
    """Raises Nonsense where it is not what was wanted: another GPU's figures help nobody."""
    if hello.backend != run.backend:
        raise Nonsense(f"it runs on {hello.backend} instead of {run.backend}")
    if pid is not None and hello.pid != pid:
        raise Nonsense(f"it is process {pid} and says that it is {hello.pid}")
    if run.gpu_uuid and hello.device_uuid and hello.device_uuid != run.gpu_uuid:
        raise Nonsense(f"it has {hello.device_uuid} instead of {run.gpu_uuid}")
    # As the host's processor is named, which has one space where /proc/cpuinfo may have more.
    name = run.gpu_name or " ".join(hello.device_name.split())
    return replace(run, gpu_name=name, versions=hello.versions)
