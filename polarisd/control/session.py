"""One client of the control socket, from its first byte to its end.

Requests are answered one at a time, in order, and no further one is read until
the reply has gone out: a client that floods us only blocks itself.  Every wait
for a client has a deadline.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from contextlib import ExitStack

import trio

from polarisd.api import errors, wire
from polarisd.api.encode import to_wire
from polarisd.api.errors import ControlError
from polarisd.api.snapshot import Event
from polarisd.checking import CheckFailed, check, first_few
from polarisd.control.access import allows
from polarisd.control.commands import COMMANDS, Packed, Services
from polarisd.control.outlet import Outlet
from polarisd.journal import fields
from polarisd.state import State

log = logging.getLogger(__name__)

FRAME_DEADLINE_S = 10.0
IDLE_DEADLINE_S = 300.0
MAX_WATCHES = 8

# What is read of one client before others have their turn: some hundred requests,
# because a reply that the kernel takes at once is sent without one.
_TURN_BYTES = 1 << 12
# And for how long: some requests take milliseconds to answer.
_TURN_S = 0.001


class Session:
    """Serves one stream.  `access` is what the peer's credentials grant."""

    def __init__(
        self,
        stream: trio.SocketStream,
        access: str,
        services: Services,
        state: State,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.access = access
        self._stream = stream
        self._services = services
        self._state = state
        self._stopwatch = stopwatch
        self._decoder = wire.Decoder(max_bytes=wire.MAX_REQUEST_BYTES)
        self._frame_deadline = math.inf
        self._waiting = trio.CancelScope()
        self._outlet = Outlet(stream)
        self._watches: dict[int, trio.CancelScope] = {}
        self._last_watch = 0
        self._farewell: ControlError | None = None
        self._nursery: trio.Nursery | None = None

    async def run(self) -> None:
        """Until the client leaves, misbehaves or is told to go."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                await self._serve()
                self._cancel()
        finally:
            if self._farewell is not None:
                await self._outlet.say_goodbye(self._farewell)

    def close(self, why: ControlError) -> None:
        """End the session; the client is told why if it listens."""
        self._farewell = self._farewell or why
        self._cancel()

    def begin_watch(self, interval_s: float, events: bool) -> int:
        if len(self._watches) >= MAX_WATCHES:
            raise ControlError(
                errors.TOO_MANY_WATCHES,
                f"this session already has {MAX_WATCHES} watches",
                "end one with unwatch",
            )
        assert self._nursery is not None
        self._last_watch += 1
        scope = self._watches[self._last_watch] = trio.CancelScope()
        # Listening begins here: nothing may happen unseen between the reply and the task.
        listening = ExitStack()
        queue = listening.enter_context(self._state.listening()) if events else None
        self._nursery.start_soon(self._watch, self._last_watch, scope, interval_s, listening, queue)
        return self._last_watch

    def end_watch(self, watch: int) -> None:
        scope = self._watches.pop(watch, None)
        if scope is None:
            raise ControlError(errors.NOT_FOUND, f"this session has no watch {watch}")
        scope.cancel()

    async def _serve(self) -> None:
        try:
            with self._waiting:
                while await self._receive():
                    await self._answer_all()
                return
            raise self._too_slow()
        except ControlError as error:
            self._farewell = error
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def _answer_all(self) -> None:
        """What has been read; others have their turn in between when it takes long."""
        begun = self._stopwatch()
        for frame in self._decoder:
            self._frame_deadline = math.inf
            await self._answer(frame)
            if self._decoder.partial_bytes and self._stopwatch() - begun > _TURN_S:
                await trio.lowlevel.checkpoint()
                begun = self._stopwatch()

    async def _receive(self) -> bool:
        """Feed the decoder.  False at the end of the stream."""
        if self._decoder.partial_bytes == 0:
            self._frame_deadline = math.inf
        elif self._frame_deadline == math.inf:
            self._frame_deadline = trio.current_time() + FRAME_DEADLINE_S
        # One scope for the life of the session: making one a request is a tenth of its cost.
        self._waiting.deadline = self._patience()
        data = await self._stream.receive_some(_TURN_BYTES)
        self._waiting.deadline = math.inf
        if data:
            self._decoder.feed(data)
        return bool(data)

    def _too_slow(self) -> ControlError:
        if self._decoder.partial_bytes:
            return ControlError(
                errors.BAD_FRAME,
                f"a frame was not finished within {FRAME_DEADLINE_S:.0f} s",
                "send each frame as a whole",
            )
        return ControlError(
            errors.IDLE, f"nothing was asked for {IDLE_DEADLINE_S:.0f} s", "connect anew"
        )

    def _patience(self) -> float:
        """Until when to wait for the client's next byte."""
        if self._watches:
            return self._frame_deadline
        return min(self._frame_deadline, trio.current_time() + IDLE_DEADLINE_S)

    async def _answer(self, frame: object) -> None:
        """Reply to one frame.  ControlError only if it is no frame of the protocol."""
        msgid, method, params = wire.parse_request(frame)
        if msgid is None and method in COMMANDS and not COMMANDS[method].acts:
            return
        try:
            result = await self._call(method, params)
            packed = result.data if isinstance(result, Packed) else wire.pack(to_wire(result))
            reply = wire.reply_packed(msgid or 0, packed)
            if len(reply) > wire.MAX_FRAME_BYTES:
                raise ControlError(
                    errors.REFUSED,
                    f"the answer to {method} is {len(reply)} bytes, more than a frame holds",
                    "ask for less at once",
                )
        except ControlError as error:
            reply = wire.error_reply(msgid or 0, error)
        # The session loop is one of two places that catch everything: a bug in one
        # handler must not end other clients' sessions.
        except Exception:
            log.exception("bug in the handler of %s", method, extra=fields(event="internal_error"))
            reply = wire.error_reply(
                msgid or 0,
                ControlError(
                    errors.INTERNAL, f"{method} failed inside polarisd", "see: polarisctl logs"
                ),
            )
        if msgid is not None:
            await self._send(reply)

    async def _call(self, method: str, params: dict[str, object]) -> object:
        command = COMMANDS.get(method)
        if command is None:
            raise ControlError(
                errors.UNKNOWN_METHOD,
                f"there is no method {method[:60]!r}",
                f"known methods: {', '.join(COMMANDS)}",
            )
        if not allows(self.access, command.access):
            raise ControlError(
                errors.NOT_PERMITTED,
                f"{method} needs {command.access} access",
                "run it with sudo, or as a member of group polaris",
            )
        try:
            request = check(command.request, params)
        except CheckFailed as failed:
            raise ControlError(
                errors.INVALID_PARAMS,
                f"{method}: " + "; ".join(first_few(list(map(str, failed.problems)))),
                "see control-protocol.md in /usr/share/doc/polaris",
            ) from None
        return await command.handler(self._services, self, request)

    async def _watch(
        self,
        watch: int,
        scope: trio.CancelScope,
        interval_s: float,
        listening: ExitStack,
        queue: trio.MemoryReceiveChannel[Event] | None,
    ) -> None:
        """Stream to one watch until it is ended.  Its reply goes out first, because
        the lock on the stream is fair and the reply already holds it; then the whole
        snapshot, then whatever is new."""
        try:
            with listening, scope:
                version = await self._send_snapshot(watch, -1)
                async with trio.open_nursery() as nursery:
                    if queue is not None:
                        nursery.start_soon(self._send_events, watch, scope, queue)
                    nursery.start_soon(self._send_snapshots, watch, version, interval_s)
        finally:
            self._watches.pop(watch, None)
            self._waiting.deadline = self._patience()

    async def _send_snapshots(self, watch: int, version: int, interval_s: float) -> None:
        while True:
            await trio.sleep(interval_s)
            version = await self._send_snapshot(watch, version)

    async def _send_snapshot(self, watch: int, after: int) -> int:
        """Send the newest snapshot as soon as there is one after that version."""
        version = (await self._state.wait_newer(after)).version
        await self._send(wire.stream_item("snapshot", watch, self._state.packed))
        return version

    async def _send_events(
        self, watch: int, scope: trio.CancelScope, queue: trio.MemoryReceiveChannel[Event]
    ) -> None:
        async for event in queue:
            await self._send(wire.stream_item("event", watch, wire.pack(to_wire(event))))
        self._watches.pop(watch, None)
        error = ControlError(
            errors.TOO_SLOW, "events came faster than they were read", "watch anew"
        )
        await self._send(
            wire.notification("watch_ended", {"watch": watch, "error": error.to_wire()})
        )
        scope.cancel()

    def _cancel(self) -> None:
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()
        self._outlet.stop_waiting()

    async def _send(self, data: bytes) -> None:
        """A client that is gone, or does not read, ends the session."""
        try:
            await self._outlet.send(data)
        except ControlError as why:
            self.close(why)
