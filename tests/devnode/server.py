"""The websocket that clients connect to, and the faults of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from tests.devnode.faults import Fault
from tests.devnode.node import Node
from tests.devnode.rpc import RpcError, answer
from tests.devnode.scale import unhexed
from tests.devnode.subscriptions import HEADS, WATCH, Subscriptions
from tests.devnode.validity import Invalid

MOST_MESSAGE_BYTES = 16 << 20
PARSE_ERROR, INVALID_REQUEST = -32700, -32600


class Endpoint:
    """Serves one node.  `after_submit` is called when a transaction has come."""

    def __init__(self, node: Node, after_submit: Callable[[], None]) -> None:
        self.node = node
        self.after_submit = after_submit
        self.connections: set[Connection] = set()
        self._server: Server | None = None

    async def open(self, port: int) -> int:
        self._server = await serve(
            self._handle,
            "127.0.0.1",
            port,
            max_size=MOST_MESSAGE_BYTES,
            compression=None,
            process_request=self._handshake,
        )
        bound: int = next(iter(self._server.sockets)).getsockname()[1]
        return bound

    async def close(self) -> None:
        if self._server is not None:
            self.drop(None)
            self._server.close(close_connections=False)
            await self._server.wait_closed()

    def drop(self, code: int | None) -> None:
        """End all connections: without a word, or with that close code."""
        for connection in list(self.connections):
            connection.end(code)

    def _handshake(self, socket: ServerConnection, request: Request) -> Response | None:
        fault = self.node.faults.take("handshake", block=self.node.number)
        if fault is None:
            return None
        status = HTTPStatus(fault.options["status"])
        headers = Headers({"Content-Type": "text/plain", "Connection": "close"})
        if fault.options["retry_after"] is not None:
            headers["Retry-After"] = str(fault.options["retry_after"])
        body = status.phrase.encode()
        headers["Content-Length"] = str(len(body))
        return Response(status.value, status.phrase, headers, body)

    async def _handle(self, socket: ServerConnection) -> None:
        if self.node.faults.take("refuse", block=self.node.number) is not None:
            socket.transport.abort()
            return
        connection = Connection(self, socket)
        self.connections.add(connection)
        try:
            await connection.run()
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)
            connection.subscriptions.close()


class Connection:
    """One client.  What is to be sent waits in order, so that nothing waits for the client."""

    def __init__(self, endpoint: Endpoint, socket: ServerConnection) -> None:
        self._endpoint = endpoint
        self._node = endpoint.node
        self._socket = socket
        self._outgoing: asyncio.Queue[str] = asyncio.Queue()
        self._late: set[asyncio.Task[None]] = set()
        self.subscriptions = Subscriptions(self._node, self._send_json)

    async def run(self) -> None:
        writer = asyncio.create_task(self._write())
        try:
            async for message in self._socket:
                self._received(message)
        finally:
            for task in (writer, *self._late):
                task.cancel()

    def end(self, code: int | None) -> None:
        if code is None:
            self._socket.transport.abort()
        else:
            self._later(self._socket.close(code, "ended by a test"))

    async def _write(self) -> None:
        while True:
            text = await self._outgoing.get()
            try:
                await self._socket.send(text)
            except ConnectionClosed:
                return

    def _send_json(self, message: Any) -> None:
        self._outgoing.put_nowait(json.dumps(message))

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    # requests ---------------------------------------------------------------------------------

    def _received(self, message: str | bytes) -> None:
        try:
            parsed = json.loads(message)
        except ValueError:
            self._send_json(_error(None, PARSE_ERROR, "Parse error"))
            return
        # a batch is one message: a fault of any request in it is one of the whole
        requests = parsed if isinstance(parsed, list) else [parsed]
        if not all(isinstance(found, dict) and "method" in found for found in requests):
            self._send_json(_error(None, INVALID_REQUEST, "Invalid request"))
            return
        methods = [found["method"] for found in requests]
        if self._take("drop_before", methods):
            self.end(None)
            return
        replies = [self._carry_out(found) for found in requests]
        if self._take("drop_after", methods):
            self.end(None)
            return
        started = [
            reply["result"]
            for method, reply in zip(methods, replies, strict=True)
            if "result" in reply and (method == WATCH or method in HEADS)
        ]
        self._reply(methods, replies if isinstance(parsed, list) else replies[0], started)
        if any(method.startswith("author_submit") for method in methods):
            self._endpoint.after_submit()

    def _reply(self, methods: list[str], reply: Any, started: list[str]) -> None:
        if self._take("silent", methods):
            return
        garbage = self._take("garbage", methods)
        text = json.dumps(reply) if garbage is None else spoiled(reply, garbage.options["how"])
        slow = self._take("slow", methods)
        delay_s = slow.options["delay_s"] if slow else 0.0
        if delay_s:
            self._later(self._reply_late(text, started, delay_s))
        else:
            self._say(text, started)

    async def _reply_late(self, text: str, started: list[str], delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        self._say(text, started)

    def _say(self, text: str, started: list[str]) -> None:
        """The reply, then what a subscription that it begins says first."""
        self._outgoing.put_nowait(text)
        for id_ in started:
            self.subscriptions.started(id_)

    def _carry_out(self, request: dict[str, Any]) -> dict[str, Any]:
        method, params = request["method"], request.get("params") or []
        self._node.calls[method] += 1
        reply = {"jsonrpc": "2.0", "id": request.get("id")}
        error = self._take("error", [method])
        if error is not None:
            wanted = {name: error.options[name] for name in ("code", "message", "data")}
            return {**reply, "error": {k: v for k, v in wanted.items() if v is not None}}
        try:
            return {**reply, "result": self._result(method, params)}
        except (RpcError, Invalid) as refused:
            return {**reply, "error": refused.error}

    def _result(self, method: str, params: list[Any]) -> Any:
        if method in HEADS:
            return self.subscriptions.subscribe_heads(method)
        if method == WATCH:
            return self.subscriptions.watch(self._node.submit(unhexed(params[0])).hash)
        if method == "author_unwatchExtrinsic" or method.startswith("chain_unsubscribe"):
            return self.subscriptions.unsubscribe(str(params[0]))
        return answer(self._node, method, params)

    def _take(self, name: str, methods: list[str]) -> Fault | None:
        faults, block = self._node.faults, self._node.number
        found = (faults.take(name, block=block, method=method) for method in methods)
        return next((fault for fault in found if fault is not None), None)


def _error(id_: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": message}}


def spoiled(reply: Any, how: str) -> str:
    """The reply as rubbish; see faults.GARBAGE."""
    text = json.dumps(reply)
    result = reply.get("result") if isinstance(reply, dict) else None
    hexadecimal = result if isinstance(result, str) and result.startswith("0x") else ""
    if how == "not_json":
        return "<html><body>502 Bad Gateway</body></html>"
    if how == "not_object":
        return json.dumps([text, 42])
    if how == "truncated":
        if not hexadecimal:
            return text[: len(text) // 2]
        return json.dumps({**reply, "result": hexadecimal[: len(hexadecimal) // 4 * 2]})
    if how == "wrong_scale" and hexadecimal:
        return json.dumps({**reply, "result": "0x" + "ff" * (len(hexadecimal) // 2)})
    return json.dumps({**reply, "result": {"this": ["is", "not", None]}})
