"""What frames of the child say of the driver as a whole, and what its silence says."""

from __future__ import annotations

from polarisd.api import reading
from polarisd.api.encode import to_wire
from polarisd.api.gpu import LOST, OK, SILENT
from polarisd.api.reading import Unknown
from polarisd.gpu import raw
from tests.unit.build import NOW, driver, gpu_frame, sample_frame
from tests.unit.intake_support import Child, lost_readings


def test_what_the_child_says_of_the_driver_stays_when_it_ends() -> None:
    child = Child()
    child.intake.begin()
    child.send([raw.FAILED, "mismatched", "of different versions"])
    child.intake.lose_driver("failed", "the NVML process ended", NOW)
    assert (child.intake.driver.state, child.intake.driver.detail) == (
        "mismatched",
        "of different versions",
    )
    assert child.intake.driver.driver_version == Unknown(reading.NO_DRIVER)


def test_what_an_earlier_child_said_does_not() -> None:
    """The driver was loaded since, and now crashes the child: it is not absent."""
    child = Child()
    child.intake.begin()
    child.send([raw.FAILED, "absent", "the NVIDIA kernel module is not loaded"])
    child.intake.begin()
    child.intake.lose_driver("failed", "the NVML process ended", NOW)
    assert (child.intake.driver.state, child.intake.driver.detail) == (
        "failed",
        "the NVML process ended",
    )


def test_without_a_driver_gpus_are_silent_and_come_back() -> None:
    child = Child()
    child.start(0, 1)
    child.tick(0, 1)
    child.send(sample_frame(1, **lost_readings()))
    child.intake.lose_driver("failed", "why", NOW)
    assert child.states == {0: SILENT, 1: LOST}
    child.start(0, 1)
    child.tick(0, 1)
    assert (child.intake.driver.state, child.states) == ("ok", {0: OK, 1: OK})


def test_a_change_of_the_driver_is_kept_as_the_reason_for_a_new_child() -> None:
    child = Child()
    child.send([raw.CHANGED, "Uninitialized"])
    assert child.intake.changed == "Uninitialized"
    child.send([raw.CHANGED, ""])
    assert child.intake.changed
    child.intake.begin()
    assert child.intake.changed == ""


def test_a_driver_works_when_it_has_listed_its_gpus() -> None:
    """It tells its version first, and may hang after that."""
    child = Child()
    child.intake.begin()
    child.send([raw.DRIVER, to_wire(driver())], gpu_frame(0))
    assert child.intake.driver.state == "starting"
    child.send([raw.READY, 1])
    assert child.intake.driver == driver()


def test_a_driver_that_lists_slowly_makes_what_was_read_before_untrue() -> None:
    child = Child()
    child.start(0)
    child.tick(0)
    child.intake.begin()
    assert (child.intake.driver.state, child.states) == ("ok", {0: OK})
    child.intake.doubt_driver("why", NOW)
    assert (child.intake.driver.state, child.intake.driver.detail) == ("starting", "why")
    assert child.states == {0: SILENT}
    child.start(0)
    child.tick(0)
    assert (child.intake.driver, child.states) == (driver(), {0: OK})


def test_a_driver_that_failed_is_not_made_better_by_being_slow() -> None:
    child = Child()
    child.intake.lose_driver("failed", "why", NOW)
    child.intake.begin()
    child.intake.doubt_driver("slow", NOW)
    assert (child.intake.driver.state, child.intake.driver.detail) == ("failed", "why")


def test_why_a_gpu_cannot_be_used_is_told_in_the_drivers_words() -> None:
    child = Child()
    child.intake.begin()
    child.send(
        [raw.DRIVER, to_wire(driver())],
        [raw.UNREADABLE, 0, reading.DRIVER_ERROR, "'' is no UUID"],
        [raw.READY, 1],
    )
    said = "cannot open GPU 0: the driver reported an error ('' is no UUID)"
    assert child.intake.driver.detail == said
