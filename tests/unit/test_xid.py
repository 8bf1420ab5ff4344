"""The table of XIDs: what each means, and that none passes for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.health.catalogue import ERROR, NOTICE, WARNING
from polarisd.health.xid import XidMeaning, meaning_of

UNKNOWN = 100_000

# What a program on the GPU does wrong, by NVIDIA's own k8s-device-plugin.
APPLICATIONS = (13, 31, 43, 45, 68, 109)
# After these a GPU cannot be trusted until somebody has done something about it.
FATAL = (48, 64, 74, 79, 94, 95, 119, 120)


@pytest.mark.parametrize("xid", APPLICATIONS)
def test_a_programs_fault_is_not_the_gpus(xid: int) -> None:
    meaning = meaning_of(xid)
    assert meaning.severity == NOTICE
    assert "program" in meaning.remedy


def has_an_end(meaning: XidMeaning) -> bool:
    """It stays until it is forgotten, or until a reboot forgets it."""
    ends = ("polarisctl gpus --forget {uuid}", "reboot", "power the machine off and on")
    return any(end in meaning.remedy for end in ends)


@pytest.mark.parametrize("xid", FATAL)
def test_what_breaks_a_gpu_is_an_error_with_a_way_back(xid: int) -> None:
    meaning = meaning_of(xid)
    assert meaning.severity == ERROR
    assert has_an_end(meaning)


@given(st.integers(0, 2**64 - 1))
def test_every_xid_means_something(xid: int) -> None:
    meaning = meaning_of(xid)
    assert meaning.severity in (ERROR, WARNING, NOTICE)
    assert meaning.meaning and meaning.remedy


def test_one_that_nobody_knows_is_a_warning() -> None:
    assert meaning_of(UNKNOWN).severity == WARNING
    assert meaning_of(UNKNOWN) == meaning_of(UNKNOWN + 1)


def test_whatever_becomes_a_fault_says_how_to_be_rid_of_it() -> None:
    for xid in range(256):
        meaning = meaning_of(xid)
        assert meaning.severity == NOTICE or has_an_end(meaning), xid
