"""Which GPUs may be measured: never one that somebody uses, or of which nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest

from polarisctl.doctor import limits
from polarisd.api.errors import NOT_FOUND, REFUSED, ControlError
from polarisd.api.gpu import LOST, MISSING, OK, SILENT, Gpu, GpuProcess
from polarisd.api.reading import NO_PERMISSION, NOT_READ_YET, NOT_SUPPORTED, Reading, Unknown
from polarisd.bench.fitness import DRIVER_MIN, Unfit, check_driver, choose, unfit
from polarisd.claims import Claim
from tests.unit.build import condition, gpu, mig_device, uuid_of

A, B, C = uuid_of(0), uuid_of(1), uuid_of(2)


def idle(number: int = 0, **changes: Any) -> Gpu:
    found = condition(processes=(), mig_mode=False)
    return gpu(number, **{"condition": found, **changes})


def used_by(*kinds: str) -> Gpu:
    users = tuple(
        GpuProcess(pid=100 + n, kind=kind, vram_bytes=1, name=f"program{n}")
        for n, kind in enumerate(kinds)
    )
    return idle(condition=condition(processes=users, mig_mode=False))


def test_a_gpu_that_nobody_uses_is_fit() -> None:
    assert unfit(idle(), None) is None
    assert unfit(used_by("graphics", "graphics"), None) is None
    assert unfit(idle(withheld_by=("xid_error",)), None) is None


@pytest.mark.parametrize("kind", ["compute", "mps"])
def test_one_in_use_is_not(kind: str) -> None:
    found = unfit(used_by("graphics", kind), None)
    assert found is not None
    assert found.why == "it is in use by program1 (101)"


def test_of_many_users_few_are_named() -> None:
    found = unfit(used_by(*["compute"] * 9), None)
    assert found is not None
    assert found.why.endswith("program3 (103) and 5 more")


def test_a_user_without_a_name() -> None:
    user = GpuProcess(pid=7, kind="compute", vram_bytes=1, name=Unknown(NO_PERMISSION))
    found = unfit(idle(condition=condition(processes=(user,), mig_mode=False)), None)
    assert found is not None and found.why == "it is in use by a program (7)"


@pytest.mark.parametrize("reason", [NOT_READ_YET, NOT_SUPPORTED, NO_PERMISSION])
def test_what_cannot_be_told_is_no_pass(reason: str) -> None:
    unread = condition(processes=Unknown(reason, "why"), mig_mode=False)
    found = unfit(idle(condition=unread), None)
    assert found is not None and found.remedy
    assert found.why.startswith("it cannot be told whether somebody uses it (")


@pytest.mark.parametrize("state", [LOST, SILENT, MISSING])
def test_one_that_is_not_ok(state: str) -> None:
    assert unfit(idle(state=state), None) == Unfit(f"it is {state}", "see: polarisctl gpus")


def test_one_that_is_taken() -> None:
    found = unfit(idle(), Claim("lease 3", "leased"))
    assert found is not None and found.why == "it is taken by lease 3"


def test_one_in_mig_mode() -> None:
    for sliced in (
        idle(mig_devices=(mig_device(),)),
        idle(condition=condition(processes=(), mig_mode=True)),
    ):
        found = unfit(sliced, None)
        assert found is not None and "MIG" in found.why
    assert unfit(idle(condition=condition(processes=(), mig_mode=Unknown("x"))), None) is None


def check(gpu: Gpu) -> Unfit | None:
    return unfit(gpu, None)


def test_all_that_are_fit() -> None:
    gpus = [idle(0), idle(1, state=LOST), idle(2, withheld_by=("withheld_by_owner",))]
    chosen, skipped = choose(gpus, (), check)
    assert chosen == [gpus[0]]
    assert skipped == {B: "it is lost", C: "its owner withholds it"}


def test_those_that_are_named() -> None:
    gpus = [idle(0), idle(1), idle(2, withheld_by=("withheld_by_owner",))]
    assert choose(gpus, (C, A, A), check) == ([gpus[0], gpus[2]], {})


@pytest.mark.parametrize(
    ("named", "code", "message"),
    [
        ((A, B), REFUSED, f"cannot measure {B}: it is lost"),
        ((A, C), NOT_FOUND, f"there is no GPU {C}"),
    ],
)
def test_one_that_is_named_and_unfit_refuses_all(
    named: tuple[str, ...], code: str, message: str
) -> None:
    with pytest.raises(ControlError) as error:
        choose([idle(0), idle(1, state=LOST)], named, check)
    assert (error.value.code, error.value.message) == (code, message)
    assert error.value.hint


def test_none_that_is_fit() -> None:
    assert idle().state == OK
    with pytest.raises(ControlError) as error:
        choose([idle(0, state=SILENT), idle(1, state=LOST)], (), check)
    assert error.value.message.splitlines() == [
        f"cannot measure {A}: it is silent",
        f"cannot measure {B}: it is lost",
    ]


def test_no_gpu_at_all() -> None:
    with pytest.raises(ControlError, match="there is no GPU to measure") as error:
        choose([], (), check)
    assert "--backend numpy" in error.value.hint  # which needs no compiler


@pytest.mark.parametrize(
    "version", ["525.60.13", "525.125.06", "570.86.15", "600", "a text", Unknown(NOT_READ_YET)]
)
def test_drivers_that_will_do_or_may(version: Reading[str]) -> None:
    check_driver(version)


@pytest.mark.parametrize("version", ["525.60.11", "525", "515.105.01", "470.256.02-server"])
def test_drivers_that_are_too_old(version: str) -> None:
    with pytest.raises(ControlError) as error:
        check_driver(version)
    assert error.value.code == REFUSED
    assert version in error.value.message and "525.60.13" in error.value.message


def test_the_doctor_asks_for_the_same_driver() -> None:
    assert DRIVER_MIN == limits.DRIVER_MIN
