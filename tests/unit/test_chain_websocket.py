"""What comes from a node is an answer, or an error: never something that the SDK dies of."""

from __future__ import annotations

import asyncio
import json

import pytest
from bittensor._transport.rpc import RpcSession
from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain.websocket import NotTaken, checked

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "result", "error", "params", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "frame",
    [
        '{"jsonrpc":"2.0","id":1,"result":null}',
        b'{"jsonrpc":"2.0","method":"chain_newHead","params":{"subscription":"a","result":{}}}',
        '[{"id":1,"result":2},{"id":2,"error":{"code":-32000,"message":"no"}}]',
    ],
)
def test_answers_pass(frame: str | bytes) -> None:
    assert checked(frame) == (frame if isinstance(frame, str) else frame.decode())


@pytest.mark.parametrize(
    "frame", ["", "7", "null", '"id"', "[7]", "[[]]", "{", b"\xff\xfe", '{"id":[1]}', "[" * 100_000]
)
def test_rubbish_does_not(frame: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- whichever of json's it is
        checked(frame)


@given(JSON)
def test_what_passes_does_not_kill_the_sdk(message: object) -> None:
    text = json.dumps(message)
    try:
        checked(text)
    except ValueError:
        return

    async def dispatch() -> None:
        session = RpcSession("ws://127.0.0.1:1")
        for item in message if isinstance(message, list) else [message]:
            session._dispatch(item)  # type: ignore[arg-type]

    asyncio.run(dispatch())


def test_who_is_not_let_in() -> None:
    assert NotTaken(429, "slow down", "30").is_policy
    assert NotTaken(403, "", None).is_policy and str(NotTaken(403, "", None)) == "HTTP 403"
    assert not NotTaken(503, "busy", None).is_policy
