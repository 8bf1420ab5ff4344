"""What outlives the daemon: counted XIDs, GPUs that were seen, and their document."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import reading
from polarisd.api.gpu import LOST, MISSING, SILENT
from polarisd.api.reading import Unknown
from polarisd.checking import CheckFailed
from polarisd.gpu.memory import (
    GpuMemory,
    SeenGpu,
    SeenXid,
    from_document,
    remembered_cards,
    to_document,
    with_cards,
    with_xid,
    without,
)
from tests.unit.build import NOW, UNREAD, card, identity, readings_of, uuid_of

BOOT = "9b0c2e1e-6a52-4c4f-8f7e-3f1f6f9d5a11"
EMPTY = GpuMemory(BOOT, {}, {})
UUID = uuid_of(0)


def after_xids(*at: float, memory: GpuMemory = EMPTY) -> tuple[GpuMemory, list[float]]:
    """The memory after XID 79 at these times, and when it was to be told."""
    told = []
    for now in at:
        memory, tell = with_xid(memory, UUID, 79, now)
        told += [now] if tell else []
    return memory, told


def test_an_xid_is_counted_and_the_first_is_told() -> None:
    memory, told = after_xids(NOW, NOW + 1, NOW + 2)
    assert memory.xids == {(UUID, 79): SeenXid(3, NOW + 2, NOW)}
    assert told == [NOW]
    assert EMPTY.xids == {}


def test_a_storm_is_told_once_a_minute() -> None:
    storm = [NOW + i / 10 for i in range(1800)]
    memory, told = after_xids(*storm)
    assert told == [NOW, NOW + 60, NOW + 120]
    assert memory.xids[UUID, 79].count == len(storm)


def test_each_xid_of_each_gpu_is_told_by_itself() -> None:
    memory = EMPTY
    for uuid, xid in ((UUID, 79), (UUID, 48), (uuid_of(1), 79), ("", 79)):
        memory, tell = with_xid(memory, uuid, xid, NOW)
        assert tell
    assert len(memory.xids) == 4


def test_a_clock_that_was_set_back_does_not_silence_a_storm() -> None:
    _, told = after_xids(NOW, NOW - 3600, NOW - 3599)
    assert told == [NOW, NOW - 3600]


def test_a_broken_driver_cannot_fill_the_memory() -> None:
    memory = EMPTY
    for xid in range(600):
        memory, tell = with_xid(memory, UUID, xid, NOW + xid)
        assert tell
    assert len(memory.xids) == 512
    assert (UUID, 599) in memory.xids, "the newest is what matters"
    assert (UUID, 0) not in memory.xids


# GPUs.


def test_gpus_are_remembered_once() -> None:
    memory = with_cards(EMPTY, [card(0), card(1)], NOW)
    assert memory.gpus[UUID] == SeenGpu(0, "NVIDIA H100 80GB HBM3", "00000000:10:00.0", NOW)
    assert with_cards(memory, [card(0), card(1)], NOW + 9) is memory


@pytest.mark.parametrize("state", [LOST, SILENT])
def test_one_that_is_there_but_unwell_is_remembered_too(state: str) -> None:
    assert UUID in with_cards(EMPTY, [card(0, state)], NOW).gpus


def test_one_that_is_missing_teaches_nothing_new() -> None:
    assert with_cards(EMPTY, [card(0, MISSING)], NOW) is EMPTY
    memory = with_cards(EMPTY, [card(0)], NOW)
    moved = card(0, MISSING, identity=identity(0, index=7))
    assert with_cards(memory, [moved], NOW) is memory


def test_a_gpu_that_moved_is_remembered_where_it_is_now() -> None:
    """A GPU that falls off the bus is recognised by its index alone."""
    memory = with_cards(EMPTY, [card(0), card(1)], NOW)
    memory = with_cards(memory, [card(1, identity=identity(1, index=0))], NOW + 5)
    assert (memory.gpus[uuid_of(1)].index, memory.gpus[uuid_of(1)].seen_at) == (0, NOW + 5)
    assert memory.gpus[UUID].seen_at == NOW


def test_a_name_that_is_learnt_later_is_kept_and_one_that_is_known_is_not_lost() -> None:
    blind = card(0, identity=identity(0, name=UNREAD, pci_bus_id=UNREAD))
    memory = with_cards(EMPTY, [blind], NOW)
    assert (memory.gpus[UUID].name, memory.gpus[UUID].pci_bus_id) == ("", "")
    memory = with_cards(memory, [card(0)], NOW + 1)
    assert memory.gpus[UUID].name == "NVIDIA H100 80GB HBM3"
    assert with_cards(memory, [blind], NOW + 2) is memory


def test_what_a_new_driver_calls_it_is_remembered() -> None:
    memory = with_cards(EMPTY, [card(0)], NOW)
    renamed = card(0, identity=identity(0, name="NVIDIA H100", pci_bus_id="0001:10:00.0"))
    seen = with_cards(memory, [renamed], NOW + 1).gpus[UUID]
    assert (seen.name, seen.pci_bus_id) == ("NVIDIA H100", "0001:10:00.0")


def test_no_more_than_a_few_hundred_gpus_are_remembered() -> None:
    memory = with_cards(EMPTY, map(card, range(300)), NOW)
    assert len(memory.gpus) == 256
    moved = with_cards(memory, [card(3, identity=identity(3, index=9)), card(299)], NOW)
    assert (len(moved.gpus), moved.gpus[uuid_of(3)].index) == (256, 9)


def test_a_remembered_gpu_is_not_heard_of_yet_and_has_its_name() -> None:
    blind = card(1, identity=identity(1, name=UNREAD, pci_bus_id=UNREAD))
    first, second = remembered_cards(with_cards(EMPTY, [card(0), blind], NOW))
    assert (first.uuid, first.state, first.identity.index) == (UUID, SILENT, 0)
    assert (first.identity.name, first.identity.pci_bus_id) == (
        "NVIDIA H100 80GB HBM3",
        "00000000:10:00.0",
    )
    assert second.identity.name == Unknown(reading.NOT_READ_YET)
    assert set(readings_of(first.sample)) == {Unknown(reading.NOT_READ_YET)}
    assert first.sample.read_at == first.condition.read_at == NOW


# Forgetting.


def test_forgetting_a_gpu_that_is_there_forgets_its_xids_alone() -> None:
    memory = with_cards(after_xids(NOW, NOW)[0], [card(0)], NOW)
    memory, _ = with_xid(memory, uuid_of(1), 48, NOW)
    left, forgotten = without(memory, UUID, gone=False)
    assert forgotten == ("XID 79 (2×)",)
    assert (set(left.gpus), set(left.xids)) == ({UUID}, {(uuid_of(1), 48)})


def test_forgetting_a_gpu_that_is_gone_forgets_it_too() -> None:
    memory = with_cards(after_xids(NOW)[0], [card(0)], NOW)
    left, forgotten = without(memory, UUID, gone=True)
    assert forgotten == ("XID 79 (1×)", f"GPU {UUID}")
    assert left == EMPTY
    assert without(left, UUID, gone=True)[1] == ()


# The document.

texts = st.text(max_size=40)
times = st.floats(0, 1e12)
memories = st.builds(
    GpuMemory,
    st.just(BOOT),
    st.dictionaries(
        st.tuples(texts, st.integers(0, 2**64 - 1)),
        st.builds(SeenXid, st.integers(1, 2**40), times, st.just(0.0)),
        max_size=4,
    ),
    st.dictionaries(texts, st.builds(SeenGpu, st.integers(0, 64), texts, texts, times), max_size=4),
)


def through_json(memory: GpuMemory) -> Any:
    return json.loads(json.dumps(to_document(memory)))


@given(memories)
def test_a_memory_comes_back_as_it_was(memory: GpuMemory) -> None:
    assert from_document(through_json(memory), BOOT) == memory


@given(memories)
def test_xids_of_another_boot_do_not_and_gpus_do(memory: GpuMemory) -> None:
    assert from_document(through_json(memory), "another") == GpuMemory("another", {}, memory.gpus)


def test_a_boot_that_is_not_known_is_no_boot_of_before() -> None:
    memory = replace(after_xids(NOW)[0], boot_id="")
    assert from_document(through_json(memory), "").xids == {}


def test_an_xid_of_before_the_restart_is_told_again_when_it_returns() -> None:
    memory = from_document(through_json(after_xids(NOW)[0]), BOOT)
    assert after_xids(NOW + 1, memory=memory)[1] == [NOW + 1]


def test_no_document_is_a_fresh_start() -> None:
    assert from_document({}, BOOT) == EMPTY


GOOD = through_json(with_cards(after_xids(NOW)[0], [card(0)], NOW))
INFINITE = float("inf")


def changed(path: str, value: object) -> dict[str, Any]:
    """GOOD with another value at `xids.count` or the like."""
    document = json.loads(json.dumps(GOOD))
    section, _, key = path.partition(".")
    target = document[section][0] if key else document
    target[key or section] = value
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    "document",
    [
        {"format": 2},
        {k: v for k, v in GOOD.items() if k != "xids"},
        changed("format", 2),
        changed("format", True),
        changed("boot_id", None),
        changed("xids", {}),
        changed("xids", "79"),
        changed("xids", [None]),
        changed("xids", [{}]),
        changed("xids.xid", "79"),
        changed("xids.xid", -1),
        changed("xids.count", 0),
        changed("xids.count", INFINITE),
        changed("xids.count", 10**400),
        changed("xids.last_at", INFINITE),
        changed("xids.last_at", float("nan")),
        changed("xids.gpu_uuid", 5),
        changed("xids", GOOD["xids"] * 600),
        changed("gpus", None),
        changed("gpus", GOOD["gpus"] * 300),
        changed("gpus.index", INFINITE),
        changed("gpus.index", 10**400),
        changed("gpus.name", ["x"]),
        changed("gpus.name", "x" * 5_000),
        changed("gpus.seen_at", "yesterday"),
    ],
)
def test_a_document_of_another_shape_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(CheckFailed):
        from_document(document, BOOT)
