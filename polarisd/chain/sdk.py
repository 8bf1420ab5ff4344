"""The SDK's connection to one node: opened, closed, and its errors explained.

The only importer of bittensor in the product, and then only once a connection is wanted:
that takes most of a second and 40 MB, which a daemon without a chain is to be spared.
Everything here runs on the asyncio side.
"""

# ruff: noqa: PLC0415

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from polarisd.chain import failures
from polarisd.chain.outcomes import Failed
from polarisd.chain.probe import Abilities
from polarisd.chain.websocket import GOODBYE_S, NoNode, NotTaken, Socket, dial

if TYPE_CHECKING:
    from bittensor._transport import SubstrateConnection

log = logging.getLogger(__name__)

T = TypeVar("T")

_CLOSE_PUSHES = 3
_RESPONSE_S = 60.0
# what rubbish from a node turns into, deep in a decoder
_RUBBISH = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError,
    EOFError, RecursionError,
)  # fmt: skip


class Connection:
    """To one node, by one websocket: it is never reopened, so what it is a node of stays true."""

    def __init__(self, endpoint: str) -> None:
        import bittensor
        from bittensor._transport import SubstrateConnection

        self.endpoint = endpoint
        self.closed = False
        self.abilities = Abilities(
            storage=frozenset(), calls=frozenset(), runtime_calls=frozenset()
        )
        self._socket: Socket | None = None
        self._not_let_in: Failed | None = None
        transport = SubstrateConnection(
            endpoint, max_retries=1, response_timeout=_RESPONSE_S, connect_factory=self._dial
        )
        substrate: Any = bittensor.RpcSubstrate(endpoint)
        substrate._interface = lambda *_: transport
        self._transport: SubstrateConnection | None = transport
        self._substrate = substrate

    @property
    def substrate(self) -> Any:
        """The SDK's `RpcSubstrate`."""
        if self._substrate is None:
            raise ConnectionError("the connection to the node is closed")
        return self._substrate

    async def _dial(self, url: str) -> Socket:
        from bittensor._transport.errors import RpcPolicyRejection, SubstrateRequestException

        if self._socket is not None or self.closed:
            raise ConnectionError("the connection to the node was lost")
        try:
            self._socket = await dial(url)
        except NoNode as error:
            self._not_let_in = failures.fail("not_a_node", str(error))
            raise SubstrateRequestException(str(error)) from error
        except NotTaken as error:
            if not error.is_policy:
                code = "node_error" if error.status >= 500 else "not_a_node"
                self._not_let_in = failures.fail(code, str(error))
                raise SubstrateRequestException(str(error)) from error
            raise RpcPolicyRejection(
                str(error), status_code=error.status, retry_after=error.retry_after
            ) from error
        return self._socket

    @property
    def end(self) -> Failed | None:
        """Why it ended, where the SDK says no more than that it did."""
        if self._socket is not None and self._socket.rubbish:
            return failures.fail("garbage", self._socket.rubbish)
        return self._not_let_in

    async def close(self) -> None:
        """Whatever state the SDK is in, its tasks and the socket are gone after this."""
        self.closed = True
        # The metadata hangs on these: some MiB, which would else wait for the cycle collector.
        transport, self._transport, self._substrate = self._transport, None, None
        if transport is not None:
            await _close_transport(transport)
        if self._socket is not None:
            with contextlib.suppress(Exception):
                await self._socket.close()


async def _close_transport(transport: SubstrateConnection) -> None:
    for _ in range(_CLOSE_PUSHES):
        try:
            # Its own task can miss that it is cancelled (a race in asyncio.wait_for before
            # Python 3.12) and needs another push; and it raises again what it died of.
            await asyncio.wait_for(transport.close(), 2 * GOODBYE_S)
        except asyncio.TimeoutError:
            continue
        except Exception as error:
            log.debug("closing the connection: %r", error)
        return


async def connect(endpoint: str, cache_dir: Path | None) -> Connection | Failed:
    _prepare_environment(cache_dir)
    # what it has to say, it says in its errors
    logging.getLogger("bittensor").setLevel(logging.ERROR)
    connection = Connection(endpoint)
    try:
        failed = await guarded(_open, connection)
    except BaseException:
        await connection.close()
        raise
    if failed is not None:
        await connection.close()
    return failed or connection


async def _open(connection: Connection) -> None:
    await connection.substrate.connect()


async def close(connection: Connection) -> None:
    await connection.close()


def _prepare_environment(cache_dir: Path | None) -> None:
    """The SDK looks for a home directory when it is imported, and dies without one."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(cache_dir or tempfile.gettempdir())
    if cache_dir is not None:
        os.environ["BITTENSOR_RUNTIME_CACHE_DIR"] = str(cache_dir)


async def guarded(work: Callable[..., Awaitable[T]], *args: Any) -> T | Failed:
    """`await work(*args)`, with all that the outside world can do to it as a value."""
    try:
        return await work(*args)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        failed = explain(error)
        if failed is None:
            raise
        _let_go(error)
        connection = args[0] if args else None
        if failed.code == "unreachable" and isinstance(connection, Connection):
            return connection.end or failed
        return failed


def _let_go(error: BaseException | None) -> None:
    """Of the frames that it went through, and by them of the connection with its metadata:
    the SDK keeps the error that a connection ended with, in that connection."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def explain(error: BaseException) -> Failed | None:
    """None for what must be a mistake of ours."""
    from bittensor._transport.errors import (
        MaxRetriesExceeded,
        RpcPolicyRejection,
        StorageFunctionNotFound,
        SubstrateRequestException,
    )
    from bittensor.result import ChainError, ConnectionNotReady, RpcConnectionError, RpcPolicyError
    from websockets.exceptions import WebSocketException

    said = str(error) or type(error).__name__
    if isinstance(error, (RpcPolicyError, RpcPolicyRejection)):
        return failures.of_policy(error.status_code, error.retry_after, said, time.time())
    if isinstance(
        error,
        (RpcConnectionError, ConnectionNotReady, MaxRetriesExceeded, OSError, WebSocketException),
    ):
        return failures.fail("unreachable", said)
    if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
        return failures.fail("timeout", said)
    if isinstance(error, ChainError):
        return _of_chain_error(error.code.value, error.name, said)
    if isinstance(error, SubstrateRequestException):
        return failures.fail("node_error", said)
    if isinstance(error, StorageFunctionNotFound) or "not found in registry" in said:
        return failures.fail("not_understood", said)
    if isinstance(error, _RUBBISH) or type(error).__name__ == "PanicException":
        # whoever asked says it, and not at each block
        log.debug("what the chain node sent cannot be understood", exc_info=error)
        return failures.fail("garbage", f"{type(error).__name__}: {said}")
    return None


def _of_chain_error(code: str, name: str | None, said: str) -> Failed:
    if name is None and code == "rate_limited":
        # no rule of the chain has been asked: the node itself, or its gateway, is tired of us
        return failures.fail("node_rate_limited", said)
    if name is None and code == "unknown":
        lost = any(words in said for words in ("session closed", "Connection lost"))
        return failures.fail("unreachable" if lost else "node_error", said)
    return failures.of_chain_error(code, name, said)


def name_of_refusal(error: Exception) -> str | None:
    """The chain's own name for why a node's pool refused, if it has one."""
    from bittensor.result import chain_error_from_substrate_request

    return chain_error_from_substrate_request(error).name


def conform(
    weights: dict[int, float], most_share: float, own_uid: int
) -> tuple[list[int], list[int]]:
    """UIDs and their weights as the chain wants them: u16, the largest 65535, no zeros."""
    from bittensor.intents.weights import clip_to_max_weight, normalize

    uids, shares = list(weights), list(weights.values())
    if most_share < 1.0 and uids != [own_uid] and any(shares):
        shares = clip_to_max_weight(shares, most_share)
    return normalize(uids, shares)
