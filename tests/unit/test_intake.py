"""What frames of the child add up to, over the lives of several children."""

from __future__ import annotations

from polarisd.api import reading
from polarisd.api.encode import to_wire
from polarisd.api.gpu import LOST, MISSING, OK, SILENT
from polarisd.api.reading import Unknown
from polarisd.gpu import raw
from polarisd.gpu.inventory import Card
from polarisd.gpu.memory import GpuMemory, remembered_cards, with_cards
from tests.unit.build import (
    NOW,
    UNREAD,
    card,
    condition,
    condition_frame,
    driver,
    gpu_frame,
    mig_device,
    sample_frame,
    uuid_of,
)
from tests.unit.intake_support import Child, lost_readings


def test_before_the_first_child_the_driver_is_starting() -> None:
    intake = Child().intake
    assert (intake.driver.state, intake.ready, intake.cards) == ("starting", False, {})
    assert intake.driver.driver_version == Unknown(reading.NOT_READ_YET)


def test_gpus_count_when_the_list_is_complete_and_are_ok_when_sampled() -> None:
    child = Child()
    child.intake.begin()
    child.send([raw.DRIVER, to_wire(driver())], gpu_frame(0), gpu_frame(1))
    assert (child.intake.ready, child.states) == (False, {})
    child.send([raw.READY, 2])
    assert child.intake.ready
    assert child.intake.driver == driver()
    assert child.states == {0: SILENT, 1: SILENT}
    child.tick(0, 1)
    assert child.states == {0: OK, 1: OK}


def test_a_machine_without_gpus_is_ready_and_has_answered() -> None:
    child = Child()
    child.start()
    child.intake.expect(raw.SAMPLE, raw.CONDITION)
    assert child.intake.ready
    assert child.intake.answered
    assert not child.intake.all_hung


def test_who_owes_an_answer() -> None:
    child = Child()
    child.start(0, 1)
    child.intake.expect(raw.SAMPLE, raw.CONDITION)
    answered = []
    for frame in (sample_frame(0), sample_frame(1), condition_frame(1), condition_frame(0)):
        child.send(frame)
        answered.append(child.intake.answered)
    assert answered == [False, False, False, True]


# Silent.


def test_who_does_not_answer_in_time_is_silent_and_no_more_waited_for() -> None:
    child = Child()
    child.start(0, 1)
    child.tick(0)
    assert child.states == {0: OK, 1: SILENT}
    child.intake.expect(raw.SAMPLE)
    child.send(sample_frame(0))
    assert child.intake.answered
    assert not child.intake.all_hung


def test_a_late_answer_ends_the_silence() -> None:
    child = Child()
    child.start(0)
    child.tick()
    assert (child.states, child.intake.all_hung) == ({0: SILENT}, True)
    child.send(sample_frame(0))
    assert (child.states, child.intake.all_hung) == ({0: OK}, False)
    child.intake.expect(raw.SAMPLE)
    assert not child.intake.answered


def test_a_condition_that_is_late_makes_nobody_silent() -> None:
    child = Child()
    child.start(0)
    child.intake.expect(raw.SAMPLE, raw.CONDITION)
    child.send(sample_frame(0))
    child.intake.overdue(NOW)
    assert child.states == {0: OK}
    assert child.intake.answered


def test_which_question_a_condition_answers() -> None:
    child = Child()
    child.start(0, 1)
    assert child.intake.condition_tick(uuid_of(0)) == 0
    child.send(condition_frame(0))
    child.start(0, 1)
    assert child.intake.condition_tick(uuid_of(0)) == 1
    assert child.intake.condition_tick(uuid_of(1)) == 0


def test_each_child_is_asked_anew() -> None:
    child = Child()
    child.start(0)
    child.tick()
    child.start(0)
    child.intake.expect(raw.SAMPLE)
    assert not child.intake.answered
    assert not child.intake.all_hung


# Lost, missing and back.


def test_a_gpu_falls_off_the_bus_and_returns_within_one_child() -> None:
    child = Child()
    child.start(0, 1)
    child.tick(0, 1)
    child.send(sample_frame(1, **lost_readings()))
    assert child.states == {0: OK, 1: LOST}
    assert child.intake.any_lost
    child.tick(0)  # and now it does not even answer
    assert child.states == {0: OK, 1: LOST}
    child.send(sample_frame(1))
    assert child.states == {0: OK, 1: OK}
    assert not child.intake.any_lost


def test_a_new_child_tells_lost_gone_and_unreadable_apart() -> None:
    child = Child()
    child.start(0, 1, 2, 3)
    child.tick(0, 1, 2, 3)
    child.start(0, unreadable={1: reading.GPU_LOST, 2: reading.NO_PERMISSION})
    child.tick(0)
    assert child.states == {0: OK, 1: LOST, 2: SILENT, 3: MISSING}
    assert child.intake.driver.detail == ""  # each is accounted for by name
    child.start(0, 1, 2, 3)
    child.tick(0, 1, 2, 3)
    assert child.states == dict.fromkeys(range(4), OK)


def test_an_unreadable_gpu_that_was_never_seen_is_named_by_its_index() -> None:
    child = Child()
    child.start(0, unreadable={1: reading.GPU_LOST, 2: "of_tomorrow"})
    said = "cannot open GPU 1: the GPU has fallen off the bus, GPU 2: of_tomorrow"
    assert (child.intake.driver.state, child.intake.driver.detail) == ("ok", said)
    assert child.intake.any_lost
    child.start(0)
    assert child.intake.driver.detail == ""
    assert not child.intake.any_lost


def remembered(*numbers: int) -> tuple[Card, ...]:
    """As a daemon that starts has them."""
    seen = GpuMemory("", {}, {})
    return remembered_cards(with_cards(seen, map(card, numbers), NOW))


def test_a_remembered_gpu_is_silent_until_the_driver_lists_it_or_others() -> None:
    child = Child(*remembered(0, 1))
    assert child.states == {0: SILENT, 1: SILENT}
    child.start(1)
    child.tick(1)
    assert child.states == {0: MISSING, 1: OK}


def test_a_gpu_that_was_lost_while_the_daemon_was_down_is_known_by_its_index() -> None:
    child = Child(*remembered(0, 1))
    child.start(0, unreadable={1: reading.GPU_LOST})
    child.tick(0)
    assert child.states == {0: OK, 1: LOST}


def test_an_index_that_changed_changes_nothing_else() -> None:
    child = Child()
    child.start(0, 1)
    child.tick(0, 1)
    child.intake.begin()
    child.send([raw.DRIVER, to_wire(driver())], gpu_frame(1, index=0), [raw.READY, 1])
    child.tick(1)
    cards = child.intake.cards
    assert (cards[uuid_of(1)].identity.index, cards[uuid_of(1)].state) == (0, OK)
    assert cards[uuid_of(0)].state == MISSING


def test_a_gpu_that_took_its_time_to_say_what_it_is_is_named_later() -> None:
    child = Child()
    child.intake.begin()
    child.send(gpu_frame(0, name=UNREAD), [raw.READY, 1])
    assert child.intake.cards[uuid_of(0)].identity.name == UNREAD
    child.send(sample_frame(0), gpu_frame(0))
    assert child.intake.cards[uuid_of(0)].identity.name == "NVIDIA H100 80GB HBM3"
    assert child.states == {0: OK}


# XIDs, MIG, conditions.


def test_xids_are_passed_on_and_so_is_that_they_cannot_be_watched() -> None:
    child = Child()
    child.start(0)
    child.send([raw.XID, uuid_of(0), 79], [raw.XID, "", 13])
    assert child.xids == [(uuid_of(0), 79), ("", 13)]
    child.send([raw.NO_EVENTS, "no_permission"])
    assert child.intake.no_events == "no_permission"
    child.start(0)
    assert child.intake.no_events == "no_permission"  # until that child says otherwise
    child.send([raw.NO_EVENTS, ""])
    assert child.intake.no_events == ""


def test_where_there_is_no_gpu_no_xid_is_waited_for() -> None:
    child = Child()
    child.start(0)
    child.send([raw.NO_EVENTS, "no_permission"])
    child.start()
    assert child.intake.no_events == ""


def test_slices_come_and_go_with_conditions() -> None:
    child = Child()
    child.start(0)
    child.send(condition_frame(0, mig_device(), mig_mode=True))
    assert child.intake.cards[uuid_of(0)].mig_devices == (mig_device(),)
    assert child.intake.cards[uuid_of(0)].condition == condition(mig_mode=True)
    child.start(0)
    assert child.intake.cards[uuid_of(0)].mig_devices == (mig_device(),)
    child.send(condition_frame(0))
    assert child.intake.cards[uuid_of(0)].mig_devices == ()
