"""Finding the block in which a number was used, on a scripted chain of numbers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from bittensor._transport.errors import SubstrateRequestException
from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain.outcomes import Landed
from polarisd.chain.reconcile import Decided, Lost, Ticket, Undecided, decide
from polarisd.chain.sdk import Connection
from polarisd.chain.sending import Refused, look, send

BORN = 10


class Forgotten(Exception):
    pass


@dataclass
class Result:
    extrinsic_id: str = "x"
    success: bool = True
    fee: None = None


@dataclass
class Scripted:
    """As the SDK's RpcSubstrate: `nonces[n]` is the signer's next number after block n."""

    nonces: list[int]
    ours_in: int | None
    remembers_from: int = 0
    lag: int = 0
    fork: str = ""
    reads: int = 0
    raw: Any = field(init=False)

    def __post_init__(self) -> None:
        self.raw = self

    async def get_chain_finalised_head(self) -> str:
        return str(len(self.nonces) - 1)

    async def get_block_number(self, digest: str | None) -> int:
        return len(self.nonces) - 1 + self.lag if digest is None else int(digest)

    async def block_hash(self, number: int) -> str:
        return f"{number}{self.fork}"

    async def query(self, pallet: str, item: str, keys: list[str], *, block_hash: str) -> Any:
        assert (pallet, item, keys) == ("System", "Account", ["5F"])
        self.reads += 1
        number = int(block_hash)
        if number < self.remembers_from:
            raise Forgotten(f"State already discarded for {block_hash}")
        return {"nonce": self.nonces[number]}

    async def find_extrinsic(self, digest: str, block_hash: str) -> Result | None:
        assert digest == "0xaa"
        return Result() if int(block_hash) == self.ours_in else None


@dataclass
class Over:
    substrate: Scripted


def sight(chain: Scripted, ticket: Ticket) -> Any:
    return asyncio.run(look(cast(Connection, Over(chain)), ticket))


def ticket(nonce: int, valid: int = 16) -> Ticket:
    return Ticket(
        subject=("x",),
        signer="5F",
        nonce=nonce,
        hash="0xaa",
        born_block=BORN,
        born_hash=str(BORN),
        expires_block=BORN + valid,
    )


@given(
    steps=st.lists(st.integers(0, 2), min_size=0, max_size=40),
    ours=st.booleans(),
)
def test_it_is_found_where_it_was_used(steps: list[int], ours: bool) -> None:
    """Up to the block of its birth the number was free; after it, others may use some too."""
    nonces = [5] * (BORN + 1)
    for step in steps:
        nonces.append(nonces[-1] + step)
    used_in = next((n for n, nonce in enumerate(nonces) if nonce > 5), None)
    chain = Scripted(nonces, used_in if ours else None)
    decision = decide(ticket(5), seen := sight(chain, ticket(5)))
    assert seen.final_block == len(nonces) - 1
    assert chain.reads <= 8
    if used_in is None:
        assert isinstance(decision, Undecided) == (seen.final_block < BORN + 16)
        return
    assert isinstance(decision, Decided) and decision.was_ours == ours
    if ours:
        assert isinstance(decision.end, Landed) and decision.end.block == used_in
    else:
        assert decision.end.code == "displaced"  # type: ignore[union-attr]


def test_a_chain_that_has_begun_anew() -> None:
    """Far below the birth, or with another block in its place, it can never land: void at
    once, not when the new chain is as high as the old one was."""
    assert sight(Scripted([0] * 4, None), replace(ticket(5), born_block=400)).void
    assert sight(Scripted([0] * 12, None, fork="b"), ticket(5)).void
    decision = decide(ticket(5), sight(Scripted([0] * 12, None, fork="b"), ticket(5)))
    assert isinstance(decision, Decided) and not decision.was_ours


@given(final=st.integers(0, BORN + 15), lag=st.integers(0, 40))
def test_a_finality_that_lags_is_no_new_chain(final: int, lag: int) -> None:
    chain = Scripted([5] * (final + 1), None, lag=max(lag, BORN - final - 16))
    assert isinstance(decide(ticket(5), sight(chain, ticket(5))), Undecided)


def test_a_node_that_has_forgotten() -> None:
    nonces = [5] * 12 + [6] * 500
    chain = Scripted(nonces, 12, remembers_from=300)
    assert isinstance(decide(ticket(5), sight(chain, ticket(5))), Lost)


@dataclass
class Pool:
    """A node whose pool answers a submission so."""

    code: int
    message: str
    raw: Any = field(init=False)

    def __post_init__(self) -> None:
        self.raw = self

    async def rpc_request(self, method: str, params: list[str]) -> str:
        assert (method, params) == ("author_submitExtrinsic", ["0xaabb"])
        error = {"code": self.code, "message": self.message}
        raise SubstrateRequestException({"error": error})


def submit(pool: Pool) -> str | Refused:
    return asyncio.run(send(cast(Connection, Over(cast(Scripted, pool))), bytes.fromhex("aabb")))


@pytest.mark.parametrize(
    ("code", "message"),
    [(1012, "Transaction is temporarily banned"), (1013, "Transaction is already imported")],
)
def test_what_may_be_said_of_one_that_it_has_is_no_refusal(code: int, message: str) -> None:
    with pytest.raises(SubstrateRequestException):
        submit(Pool(code, message))


@pytest.mark.parametrize("code", [1010, 1014, 1016, -32601])
def test_what_is_certain_is_one(code: int) -> None:
    assert isinstance(submit(Pool(code, "no")), Refused)
