"""Metadata, codec and headers against what was recorded of the real chain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.devnode import apis, golden, metadata
from tests.devnode.blocks import NO_PARENT, Block
from tests.devnode.codec import Codec
from tests.devnode.scale import blake2, compact, compact_at, hexed, unhexed

PLAIN = Codec(golden.metadata(), 461)
BOB = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"


@pytest.mark.parametrize("case", golden.load()["storage_keys"], ids=lambda c: c["storage_function"])
def test_storage_keys(case: dict[str, Any]) -> None:
    made = PLAIN.key(case["pallet"], case["storage_function"], tuple(case["params"]))
    assert hexed(made) == case["key_hex"]


@pytest.mark.parametrize(
    "case", golden.load()["storage_values"], ids=lambda c: c["storage_function"]
)
def test_storage_values(case: dict[str, Any]) -> None:
    raw = unhexed(case["raw_hex"]) if case["raw_hex"] else None
    decoded = PLAIN.decode_item(case["pallet"], case["storage_function"], raw)
    assert decoded == case["decoded"]
    if raw is not None:
        assert PLAIN.encode_item(case["pallet"], case["storage_function"], decoded) == raw


def test_call_payload_and_extrinsic() -> None:
    recorded = golden.load()
    call = PLAIN.call("Balances", "transfer_keep_alive", {"dest": BOB, "value": 12345})
    assert hexed(call) == recorded["calls"][0]["data_hex"]
    genesis = unhexed(recorded["network"]["genesis_hash"])
    immortal = recorded["signature_payloads"][0]
    payload = PLAIN.payload(
        call, era="00", nonce=immortal["nonce"], tip=0, genesis=genesis, era_block=genesis
    )
    assert hexed(payload) == immortal["payload_hex"]
    case = recorded["extrinsics"][0]
    raw = PLAIN.signed_extrinsic(
        call,
        public_key=unhexed(case["public_key_hex"]),
        signature=unhexed(case["signature_hex"]),
        nonce=case["nonce"],
    )
    assert hexed(raw) == case["extrinsic_hex"]


def test_inherent_as_recorded() -> None:
    raw = golden.load()["block"]["raw"]["block"]["extrinsics"][0]
    now = PLAIN.decode_extrinsic(unhexed(raw))["call"]["call_args"][0]["value"]
    assert hexed(PLAIN.bare_extrinsic(PLAIN.call("Timestamp", "set", {"now": now}))) == raw


def test_header_hash_as_recorded() -> None:
    recorded = golden.load()["block"]
    header = recorded["raw"]["block"]["header"]
    block = Block(
        number=int(header["number"], 16),
        parent=unhexed(header["parentHash"]),
        state_root=unhexed(header["stateRoot"]),
        extrinsics=[],
        slot=0,
        spec_version=461,
        values=None,
    )
    block.extrinsics_root = unhexed(header["extrinsicsRoot"])
    logs = [unhexed(log) for log in header["digest"]["logs"]]
    assert hexed(block.hash_with(logs)) == recorded["block_hash"]


def test_slot_is_in_the_log_of_the_header() -> None:
    first = golden.load()["block"]["raw"]["block"]["header"]["digest"]["logs"][0]
    slot = int.from_bytes(unhexed(first)[-8:], "little")
    block = Block(1, NO_PARENT, NO_PARENT, [], slot, 461, None)
    assert block.header["digest"]["logs"] == [first]


def test_epoch_consensus_is_the_only_thing_added() -> None:
    added = Codec(metadata.patched(golden.metadata(), epoch_consensus=True, slot_ms=12_000), 474)
    assert not PLAIN.has("SubtensorModule", "SubnetEpochConsensus")
    assert added.decode_item("SubtensorModule", "SubnetEpochConsensus", None) == "Yuma"
    assert added.decode_item("SubtensorModule", "SubnetEpochConsensus", b"\1") == "Null"
    assert added.apis == PLAIN.apis
    assert added.errors == PLAIN.errors
    assert len(added.types) == len(PLAIN.types) + 1
    assert all(added.types[number] == kind for number, kind in PLAIN.types.items())


def test_slot_duration_can_be_any() -> None:
    for slot_ms in (1, 250, 12_000, 600_000):
        changed = metadata.with_slot_duration(golden.metadata(), slot_ms)
        assert Codec(changed, 461).constant("Aura", "SlotDuration") == slot_ms


@pytest.mark.parametrize("name", apis.APIS)
def test_zero_of_what_is_answered(name: str) -> None:
    output = PLAIN.api_output(*name.split("_", 1))
    assert PLAIN.decode(output, PLAIN.encode(output, PLAIN.zero(output))) is not False


@given(st.integers(0, 2**536 - 1) | st.sampled_from([63, 64, 2**14 - 1, 2**14, 2**30 - 1, 2**30]))
def test_compacts(value: int) -> None:
    assert compact_at(b"\xff" + compact(value) + b"\xff", 1) == (value, 1 + len(compact(value)))


def test_hash() -> None:
    assert blake2(b"").hex().startswith("0e5751c026e543b2")
