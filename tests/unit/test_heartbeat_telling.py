"""What an owner is told of each trouble, and whose clock it is that is off."""

from __future__ import annotations

import pytest

from polarisd.heartbeat.reasons import REASONS
from polarisd.heartbeat.telling import (
    MUTED,
    REFUSED,
    TROUBLES,
    UNREACHABLE,
    WAITING,
    ClockOff,
    clock_off,
    code_of,
    explained,
)
from polarisd.http.delivery import CATALOGUE as DELIVERY
from polarisd.http.refusals import CATALOGUE as REFUSALS


@pytest.mark.parametrize("code", sorted({*REASONS, *DELIVERY, *REFUSALS}))
def test_whatever_can_happen_has_its_remedy(code: str) -> None:
    trouble = TROUBLES[code_of(code)]
    assert code_of(code) == code
    assert trouble.state in (WAITING, UNREACHABLE, REFUSED, MUTED)
    assert trouble.remedy


def test_what_a_newer_validator_says_is_a_refusal() -> None:
    assert code_of("of the next version") == code_of("") == "rejected"


def test_no_code_of_a_heartbeat_is_one_of_http() -> None:
    assert not REASONS.keys() & REFUSALS.keys()


@pytest.mark.parametrize(
    ("ahead_s", "off"),
    [
        ([], None),
        ([1.9, -1.9], None),
        ([-30.0], ClockOff(-30.0, 1)),
        ([-30.0, -31.0, 1e9], ClockOff(-30.0, 3)),
        ([0.1, 0.2, -1e9], None),  # one of three lies
        ([0.1, 0.2, 1e9], None),
    ],
)
def test_the_median_of_validators_tells_whether_the_clock_is_off(
    ahead_s: list[float], off: ClockOff | None
) -> None:
    assert clock_off(ahead_s) == off


def test_a_clock_that_is_off_is_said_with_its_remedy() -> None:
    detail, remedy = explained("stale", "refused", -30.0, ClockOff(-30.2, 3))
    assert detail == (
        "refused; this machine's clock is 30 s behind that of 3 validators, by their median"
    )
    assert "timedatectl" in remedy
    assert "ahead of that of the one validator" in ClockOff(5, 1).text


def test_a_validator_whose_own_clock_is_off_is_for_its_operator() -> None:
    detail, remedy = explained("too_old", "old", -30.0, None)
    assert detail == "old; its clock is 30 s ahead of ours, and most validators agree with ours"
    assert remedy.startswith("nothing to do here")
    assert "timedatectl" in explained("too_old", "old", None, None)[1]


def test_what_is_not_about_time_is_told_as_it_is() -> None:
    row = TROUBLES["not_registered"]
    assert explained("not_registered", "no", -30.0, ClockOff(-30.0, 3)) == ("no", row.remedy)
