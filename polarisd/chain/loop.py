"""One asyncio loop in one thread of its own, owned by a trio nursery.

For `line`, because the SDK speaks asyncio only.  Knows nothing of chains.  What is
called over there is cancelled over there too, and waited for; no task outlives its
caller.  A thread that dies, or stops answering, raises out of `run`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import trio

log = logging.getLogger(__name__)

T = TypeVar("T")

_START_DEADLINE_S = 10.0
# A task may need more than one push: the SDK says goodbye to the node while it is cancelled.
_CANCEL_EVERY_S = 1.0


class Wedged(Exception):
    """The asyncio thread does not answer any more; only a new process helps."""


class AioThread:
    """`await nursery.start(thread.run)`, then `call`; both from one trio loop.

    `grace_s` is how long a cancelled task, and at the end the thread, may take to unwind.
    """

    def __init__(self, *, name: str = "asyncio", grace_s: float = 5.0) -> None:
        self._name = name
        self._grace_s = grace_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._stopping = False
        self._ready = trio.Event()
        self._wedged = trio.Event()
        self._token: trio.lowlevel.TrioToken | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Until cancelled.  Leaves a thread behind, and says so, that does not end in time."""
        self._token = trio.lowlevel.current_trio_token()
        scope = trio.CancelScope(shield=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hold, scope)
            try:
                with trio.fail_after(_START_DEADLINE_S):
                    await self._ready.wait()
                task_status.started()
                await self._wedged.wait()
                raise Wedged("cannot go on: the asyncio thread does not answer")
            finally:
                self._stopping = True
                scope.deadline = trio.current_time() + self._grace_s
                self._post(self._set_stop)

    async def _hold(self, scope: trio.CancelScope) -> None:
        ended = False
        with scope:
            # its own limiter: it holds its slot for as long as the daemon lives
            await trio.to_thread.run_sync(
                self._main,
                abandon_on_cancel=True,
                limiter=trio.CapacityLimiter(1),
                thread_name=self._name,
            )
            ended = True
        if not ended:
            log.error("the asyncio thread does not end; leaving it behind")
        elif not self._stopping:
            raise RuntimeError("the asyncio thread ended by itself")

    def _main(self) -> None:  # in the thread
        async def body() -> None:
            self._loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            self._wake(self._ready.set)
            await self._stop.wait()

        asyncio.run(body())  # cancels what is left

    def _set_stop(self) -> None:
        assert self._stop is not None
        self._stop.set()

    def _post(self, what: Callable[[], object]) -> bool:
        """Have the asyncio loop do it; False if there is none any more."""
        if self._loop is None:
            return False
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:  # closed
            return False
        return True

    def _wake(self, what: Callable[[], object], *, once: bool = False) -> None:  # in the thread
        assert self._token is not None
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(what, idempotent=once)

    async def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `await work()` gives or raises over there; ClosedResourceError if it is over.

        Cancelled, it cancels the asyncio task and waits until that has unwound.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        call = _Call(work, self._wake)
        if not self._post(call.start):
            raise trio.ClosedResourceError("the asyncio thread has ended")
        try:
            await call.done.wait()
        except trio.Cancelled:
            await self._cancel(call)
            raise
        return call.result()

    async def _cancel(self, call: _Call[Any]) -> None:
        with trio.CancelScope(shield=True):
            deadline = trio.current_time() + self._grace_s
            while trio.current_time() < deadline:
                if not self._post(call.cancel):
                    return
                with trio.move_on_after(_CANCEL_EVERY_S):
                    await call.done.wait()
                    return
        self._wedged.set()

    def newest(self, take: Callable[[T], None]) -> Callable[[T], None]:
        """For the asyncio side: a function that hands `take` on the trio side the newest of
        what it is given.  What is overtaken on the way is dropped, so that it has a bound."""
        return _Newest(take, self._wake).put


class _Call(Generic[T]):
    def __init__(self, work: Callable[[], Awaitable[T]], wake: Callable[[Any], None]) -> None:
        self.done = trio.Event()
        self._work = work
        self._wake = wake
        self._task: asyncio.Task[None] | None = None
        self._value: list[T] = []
        self._error: BaseException | None = None

    def start(self) -> None:  # in the thread, as are the next three
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        assert self._task is not None  # what is posted first is done first
        self._task.cancel()

    async def _run(self) -> None:
        try:
            self._value.append(await self._work())
        except BaseException as error:
            self._error = error
        # at once: the callback of the task comes only with the loop's next turn
        self._wake(self.done.set)

    def _end(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():  # before it had begun, and so it never ran
            self._error = asyncio.CancelledError()
            self._wake(self.done.set)

    def result(self) -> T:
        if self._value:
            return self._value[0]
        error, self._error = self._error, None
        assert error is not None
        try:
            if isinstance(error, asyncio.CancelledError):  # not by us: the loop is being closed
                raise trio.ClosedResourceError("the asyncio thread is ending")
            raise error
        finally:
            del error  # which would hold this very frame


class _Newest(Generic[T]):
    def __init__(self, take: Callable[[T], None], wake: Callable[..., None]) -> None:
        self._take = take
        self._wake = wake
        self._slot: list[T] = []

    def put(self, item: T) -> None:  # in the thread
        self._slot = [item]
        self._wake(self._deliver, once=True)

    def _deliver(self) -> None:
        slot, self._slot = self._slot, []
        for item in slot:
            self._take(item)
