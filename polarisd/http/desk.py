"""Answers requests, one at a time each: the ASGI application of the face.

`connection` calls it; it and `client` know of starlette and httpx, nobody else.
Whatever a request is, there is a reply, signed if the request said by whom it is.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable

import trio
from starlette.requests import ClientDisconnect
from starlette.requests import Request as Incoming
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from polarisd.http import documents, replies
from polarisd.http.auth import Caller, Claim, read
from polarisd.http.documents import BadDocument
from polarisd.http.entry import Entry
from polarisd.http.limits import Limits
from polarisd.http.refusals import Refusal, refuse
from polarisd.http.replies import Asked
from polarisd.http.routes import ANYONE, Reply, Request, Route
from polarisd.http.visit import Visit
from polarisd.journal import fields
from polarisd.keys import Hotkey

log = logging.getLogger(__name__)


class Desk:
    """`clock_ns` is wall-clock time, which nonces and replies are dated by."""

    def __init__(
        self,
        *,
        hotkey: Hotkey,
        routes: Iterable[Route],
        limits: Limits,
        clock_ns: Callable[[], int],
        is_known: Callable[[str], bool],
    ) -> None:
        self._hotkey = hotkey
        self._clock_ns = clock_ns
        self.entry = Entry(
            hotkey=hotkey.ss58, routes=routes, limits=limits, now_ns=clock_ns(), is_known=is_known
        )
        self.counts: Counter[str] = Counter()  # of codes, "ok" for what a handler answered
        self._stop_at = math.inf
        self._working: set[trio.CancelScope] = set()

    def stop_by(self, deadline: float) -> None:
        """Requests that are still being answered then, in trio's time, are refused."""
        self._stop_at = deadline
        for scope in self._working:
            scope.deadline = min(scope.deadline, deadline)

    def resume(self) -> None:
        self._stop_at = math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit(Incoming(scope, receive))
        try:
            outcome = await self._outcome(visit)
            self._note(visit, outcome)
            await visit.reply(self._response(visit, outcome), receive, send)
        except ClientDisconnect:
            pass
        finally:
            visit.seat.is_working = False

    async def _outcome(self, visit: Visit) -> Reply | Refusal:
        refusal = self.entry.admits(visit.key, trio.current_time())
        if refusal is not None:
            return refusal
        visit.claim = read(visit.head.headers)
        route = self.entry.route(visit.head)
        if isinstance(route, Refusal):
            return route
        refusal = self.entry.turns_away(route, visit.head.headers, visit.claim, self._clock_ns())
        if refusal is not None:
            return refusal
        limit = trio.current_time() + route.deadline_s
        with trio.CancelScope(deadline=min(limit, self._stop_at)) as scope:
            self._working.add(scope)
            try:
                return await self._serve(visit, route)
            finally:
                self._working.discard(scope)
        if trio.current_time() >= self._stop_at:
            return refuse("stopping", "this side is being stopped")
        if not visit.is_read:
            return refuse("too_slow", f"the body was not there within {route.deadline_s:g} s")
        return refuse("late", f"no answer was found within {route.deadline_s:g} s")

    async def _serve(self, visit: Visit, route: Route) -> Reply | Refusal:
        refusal = await visit.read_body(route)
        if refusal is not None:
            return refusal
        caller: Caller | None = None
        if route.access is not ANYONE and isinstance(visit.claim, Claim):
            found = self.entry.caller(
                route, visit.head, visit.body, visit.claim, address_key=visit.key,
                now_ns=self._clock_ns(), now_s=trio.current_time(),
            )  # fmt: skip
            if isinstance(found, Refusal):
                return found
            caller = found
        visit.seat.is_working = True
        try:
            document = documents.parse(visit.body) if route.is_json and route.most_bytes else {}
        except BadDocument as error:
            return refuse("bad_document", f"cannot read the body: {error}")
        request = Request(
            caller=caller,
            peer_address=visit.peer_address,
            peer_port=visit.peer_port,
            query=visit.head.target.partition("?")[2],
            document=document,
            body=visit.body,
        )
        # Like a session of the control socket, this catches everything: a bug in one
        # handler must not end the daemon.
        try:
            reply = await route.handler(request)
            visit.reply_body = documents.dump(reply.document)
        except Exception:
            log.exception(
                "bug in the handler of %s %s", route.method, route.path,
                extra=fields(event="internal_error", hotkey=caller.hotkey if caller else None),
            )  # fmt: skip
            return refuse("internal", f"{route.method} {route.path} failed here")
        return reply

    def _response(self, visit: Visit, outcome: Reply | Refusal) -> Response:
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        body = visit.reply_body
        if isinstance(outcome, Refusal):
            body = documents.dump(outcome.document())
            # what is left of the request, or follows it, is not looked at
            headers["connection"] = "close"
            if outcome.retry_after_s is not None:
                headers["retry-after"] = str(math.ceil(outcome.retry_after_s))
        if isinstance(visit.claim, Claim):
            asked = Asked(
                method=visit.head.method,
                target=visit.head.target,
                body=visit.body,
                nonce_ns=visit.claim.nonce_ns,
                sender=visit.claim.sender,
            )
            headers |= replies.sign(
                self._hotkey, status=outcome.status, asked=asked,
                body=body, time_ns=self._clock_ns(),
            )  # fmt: skip
        return Response(body, status_code=outcome.status, headers=headers)

    def _note(self, visit: Visit, outcome: Reply | Refusal) -> None:
        self.counts[outcome.code if isinstance(outcome, Refusal) else "ok"] += 1
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s %s from %s: %d",
                visit.head.method, visit.head.target, visit.peer_address, outcome.status,
                extra=fields(
                    event="http_request",
                    code=outcome.code if isinstance(outcome, Refusal) else None,
                    hotkey=visit.claim.sender if isinstance(visit.claim, Claim) else None,
                ),
            )  # fmt: skip
