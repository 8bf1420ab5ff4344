"""Which nodes we work with."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain import probe, reads, weights
from polarisd.chain.probe import CALLS, RUNTIME_CALLS, STORAGE, Abilities, check
from polarisd.chain.values import Identity

GENESIS = "0x" + "2f" * 32
IDENTITY = Identity(
    genesis_hash=GENESIS, spec_version=474, chain_name="Bittensor", block_time_s=12.0
)
ALL = Abilities(storage=STORAGE, calls=CALLS, runtime_calls=RUNTIME_CALLS)


def test_the_chain_that_was_registered_on() -> None:
    assert check(IDENTITY, ALL, GENESIS) is None
    assert check(IDENTITY, ALL, GENESIS.upper().replace("0X", "0x")) is None
    assert check(IDENTITY, ALL, None) is None
    assert check(IDENTITY, ALL, "") is None


def test_another_chain() -> None:
    failed = check(IDENTITY, ALL, "0x" + "8f" * 32)
    assert failed is not None and failed.code == "wrong_chain" and not failed.passing
    assert GENESIS in failed.text


def test_another_chain_is_told_before_what_it_lacks() -> None:
    bare = replace(ALL, storage=frozenset())
    failed = check(IDENTITY, bare, "0x" + "8f" * 32)
    assert failed is not None and failed.code == "wrong_chain"


@given(st.sampled_from(sorted(STORAGE | CALLS | RUNTIME_CALLS)))
def test_a_runtime_that_lacks_anything_is_named_with_it(lacking: tuple[str, str]) -> None:
    has = Abilities(
        storage=STORAGE - {lacking},
        calls=CALLS - {lacking},
        runtime_calls=RUNTIME_CALLS - {lacking},
    )
    failed = check(IDENTITY, has, GENESIS)
    assert failed is not None and failed.code == "not_understood"
    assert ".".join(lacking) in failed.text and "474" in failed.text


def test_what_is_read_is_what_is_asked_for() -> None:
    """All storage that `reads` names is in the list; the rest of it is read of one's own."""
    named = {
        node.value
        for node in ast.walk(ast.parse(Path(reads.__file__).read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    subtensor = {item for pallet, item in STORAGE if pallet == reads.SUBTENSOR}
    assert {"Uids", "Axons", "Owner"} <= named & subtensor
    assert {("SubnetInfoRuntimeApi", "get_metagraph")} == probe.RUNTIME_CALLS
    assert "SubnetEpochConsensus" not in Path(weights.__file__).read_text()
