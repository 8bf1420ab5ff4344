"""One GPU over its life: listed, sampled, silent, lost, missing, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api import reading
from polarisd.api.gpu import LOST, MISSING, OK, SILENT
from polarisd.api.reading import Unknown
from polarisd.gpu import inventory
from polarisd.gpu.inventory import Card
from tests.unit.build import (
    NOW,
    card,
    condition,
    identity,
    mig_device,
    raw_sample,
    readings_of,
    unknown_where,
    uuid_of,
)


def reasons_of(some: Card) -> set[str]:
    """Why nothing can be read; empty if anything can."""
    found = {r.reason if isinstance(r, Unknown) else "" for r in readings_of(some.sample)}
    return set() if "" in found else found


def by_uuid(*cards: Card) -> dict[str, Card]:
    return {some.uuid: some for some in cards}


def test_a_new_gpu_is_silent_until_its_first_sample() -> None:
    new = inventory.listed({}, identity(3), NOW)
    assert (new.uuid, new.state, new.mig_devices) == (uuid_of(3), SILENT, ())
    assert reasons_of(new) == {reading.NOT_READ_YET}
    assert all(
        getattr(new.condition, name) == Unknown(reading.NOT_READ_YET)
        for name in type(new.condition).__dataclass_fields__
        if name != "read_at"
    )


def test_a_known_gpu_keeps_its_condition_and_loses_its_sample() -> None:
    """A fault that rests on the condition must survive a new child."""
    before = card(1, raw=raw_sample(), answered_tick=9, mig_devices=(mig_device(),))
    after = inventory.listed(by_uuid(before), identity(1, index=0), NOW)
    assert after.identity.index == 0
    assert (after.state, after.raw, after.answered_tick) == (SILENT, None, 0)
    assert (after.condition, after.mig_devices) == (before.condition, before.mig_devices)
    assert reasons_of(after) == {reading.NOT_READ_YET}


def test_counters_of_two_children_are_never_subtracted() -> None:
    before = inventory.sampled(card(), raw_sample(100), 1)
    relisted = inventory.listed(by_uuid(before), identity(), NOW)
    first = inventory.sampled(relisted, raw_sample(101), 1)
    assert first.sample.pcie_tx_bps == Unknown(reading.NOT_READ_YET)
    second = inventory.sampled(first, raw_sample(102), 2)
    assert second.sample.pcie_tx_bps == pytest.approx(1e6)


def test_a_sample_makes_a_gpu_ok_from_any_state() -> None:
    for state in (SILENT, LOST, MISSING, OK):
        after = inventory.sampled(card(state=state), raw_sample(), 4)
        assert (after.state, after.answered_tick) == (OK, 4)


@pytest.mark.parametrize(
    ("names", "state"),
    [
        (("temperature_c", "vram_used_bytes"), LOST),
        (("temperature_c",), OK),
        (("vram_used_bytes",), OK),
        (("power_mw", "sm_clock_mhz"), OK),
    ],
)
def test_lost_is_what_says_so_of_what_every_gpu_has(names: tuple[str, ...], state: str) -> None:
    lost: dict[str, Any] = dict.fromkeys(names, Unknown(reading.GPU_LOST))
    assert inventory.sampled(card(), raw_sample(**lost), 1).state == state


@pytest.mark.parametrize("reason", sorted(set(reading.REASONS) - {reading.GPU_LOST}))
def test_readings_that_fail_for_another_reason_are_no_lost_gpu(reason: str) -> None:
    why: dict[str, Any] = {"temperature_c": Unknown(reason), "vram_used_bytes": Unknown(reason)}
    assert inventory.sampled(card(), raw_sample(**why), 1).state == OK


def test_no_answer_in_time_is_silence() -> None:
    after = inventory.unanswered(card(raw=raw_sample()), NOW + 2)
    assert (after.state, after.raw, after.sample.read_at) == (SILENT, None, NOW + 2)
    assert reasons_of(after) == {reading.TIMED_OUT}
    assert after.condition == card().condition


def test_a_lost_gpu_that_does_not_answer_stays_lost() -> None:
    lost = card(state=LOST)
    assert inventory.unanswered(lost, NOW) is lost


@pytest.mark.parametrize("state", [LOST, MISSING])
def test_without_a_driver_what_was_lost_or_gone_stays_so(state: str) -> None:
    before = card(state=state)
    assert inventory.driverless(before, NOW) is before


@pytest.mark.parametrize("state", [OK, SILENT])
def test_without_a_driver_nothing_is_said_of_the_others(state: str) -> None:
    after = inventory.driverless(card(state=state, raw=raw_sample()), NOW)
    assert (after.state, after.raw, after.answered_tick) == (SILENT, None, 0)
    assert reasons_of(after) == {reading.NO_DRIVER}


# What the newest enumeration did not show.


def states_after(unreadable: dict[int, str], *cards: Card, seen: tuple[str, ...] = ()) -> Any:
    after = inventory.unlisted(by_uuid(*cards), seen, unreadable)
    return {some.identity.index: some.state for some in after.values()}


def test_seen_ones_are_left_alone() -> None:
    both = by_uuid(card(0), card(1))
    assert set(inventory.unlisted(both, {uuid_of(0)}, {})) == {uuid_of(1)}


def test_gone_lost_and_unreadable_are_told_apart() -> None:
    unreadable = {1: reading.GPU_LOST, 2: reading.NO_PERMISSION}
    assert states_after(unreadable, card(0), card(1), card(2)) == {0: MISSING, 1: LOST, 2: SILENT}
    after = inventory.unlisted(by_uuid(card(0), card(1), card(2)), (), unreadable)
    assert [reasons_of(after[uuid_of(i)]) for i in range(3)] == [
        {reading.GPU_MISSING},
        {reading.GPU_LOST},
        {reading.NO_PERMISSION},
    ]


def test_a_gpu_of_which_nothing_is_known_but_its_index_takes_nobodys_name() -> None:
    assert states_after({5: reading.GPU_LOST}, card(0)) == {0: MISSING}


def test_of_two_that_had_an_index_the_one_that_was_there_last_is_lost() -> None:
    """The first was taken out, the second moved up to its index and then fell off."""
    gone = card(0, state=MISSING)
    moved = replace(card(1), identity=identity(1, index=0))
    for cards in ((gone, moved), (moved, gone)):
        after = inventory.unlisted(by_uuid(*cards), (), {0: reading.GPU_LOST})
        assert after[gone.uuid].state == MISSING
        assert after[moved.uuid].state == LOST


def test_of_two_remembered_ones_it_is_the_one_seen_last() -> None:
    def remembered(index: int, read_at: float) -> Card:
        return inventory.unanswered(card(index, identity=identity(index, index=0)), read_at)

    old, new = remembered(0, NOW - 100), remembered(1, NOW)
    after = inventory.unlisted(by_uuid(old, new), (), {0: reading.GPU_LOST})
    assert {c.uuid: c.state for c in after.values()} == {old.uuid: MISSING, new.uuid: LOST}


def test_a_gpu_that_is_gone_says_when_it_was_last_read() -> None:
    (after,) = inventory.unlisted(by_uuid(card()), (), {}).values()
    assert after.sample.read_at == card().sample.read_at


@given(
    st.lists(st.tuples(st.integers(0, 4), st.sampled_from([OK, SILENT, LOST, MISSING]))),
    st.dictionaries(st.integers(0, 4), st.sampled_from([*reading.REASONS])),
)
def test_each_unreadable_index_explains_one_gpu_at_most(
    known: list[tuple[int, str]], unreadable: dict[int, str]
) -> None:
    cards = by_uuid(
        *(card(i, state=s, identity=identity(i, index=at)) for i, (at, s) in enumerate(known))
    )
    after = inventory.unlisted(cards, (), unreadable)
    assert set(after) == set(cards)
    there = [c.identity.index for c in after.values() if c.state != MISSING]
    assert len(there) == len(set(there))
    assert set(there) == {at for at, _ in known} & set(unreadable)


def test_a_condition_replaces_the_one_before_and_the_slices_with_it() -> None:
    before = card(mig_devices=(mig_device(),))
    after = inventory.conditioned(before, condition(power_limit_w=500.0), ())
    assert (after.condition.power_limit_w, after.mig_devices) == (500.0, ())
    assert after.sample == before.sample


def test_a_gpu_for_clients_is_the_card_and_why_it_is_withheld() -> None:
    some = card(2, mig_devices=(mig_device(),))
    made = inventory.to_gpu(some, ("gpu_lost",))
    assert (made.uuid, made.state, made.withheld_by) == (uuid_of(2), OK, ("gpu_lost",))
    assert (made.identity, made.sample, made.condition, made.mig_devices) == (
        some.identity,
        some.sample,
        some.condition,
        some.mig_devices,
    )


def test_no_reading_is_left_over_in_what_cannot_be_read() -> None:
    for change in (
        inventory.listed(by_uuid(card()), identity(), NOW),
        inventory.unanswered(card(), NOW),
        inventory.driverless(card(), NOW),
        inventory.unlisted(by_uuid(card()), (), {})[uuid_of(0)],
        inventory.sampled(card(), unknown_where(raw_sample()), 1),
    ):
        assert all(isinstance(each, Unknown) for each in readings_of(change.sample))
