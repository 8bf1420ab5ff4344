"""Log records as text."""

from __future__ import annotations

import logging
import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from polarisd import logtext
from polarisd.logtext import fields, journal_name, plain_text, prefixed_text

UUID = "GPU-5f2c81d0-90ab-4c1e-8f02-7d3b9a6e1c44"
ANYTHING = st.text(st.characters(), max_size=200)  # lone surrogates and all


@given(ANYTHING)
@example("gpu_" + "x" * 100)
@example("x" * 100)
def test_a_field_name_is_valid_and_never_one_of_the_journals_own(name: str) -> None:
    assert re.fullmatch(r"(GPU_[A-Z0-9][A-Z0-9_]*|POLARIS_[A-Z0-9_]*)", journal_name(name))
    assert len(journal_name(name)) <= 64


@pytest.mark.parametrize(
    ("level", "priority"),
    [(10, 7), (15, 7), (20, 6), (25, 5), (30, 4), (40, 3), (50, 2), (99, 2), (1, 7)],
)
def test_priority(level: int, priority: int) -> None:
    assert logtext.priority(level) == priority


def record(
    message: str, *args: object, level: int = logging.INFO, **named: object
) -> logging.LogRecord:
    made = logging.LogRecord("polarisd.x", level, "x.py", 1, message, args, None)
    made.created, made.msecs = 1_700_000_000.25, 250.0
    made.__dict__.update(fields(**named))
    return made


def test_a_plain_line_has_time_level_event_message_and_fields(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()
    try:
        text = plain_text(record("GPU %s is lost", 3, event="gpu_lost", gpu_uuid=UUID))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert text == f"2023-11-14 22:13:20.250 info    gpu_lost: GPU 3 is lost gpu_uuid={UUID}\n"


def test_every_prefixed_line_has_the_priority_and_further_ones_are_indented() -> None:
    text = prefixed_text(record("bad:\n<1>forged", level=logging.ERROR))
    assert text == "<3>bad:\n<3>    <1>forged\n"


@given(ANYTHING, ANYTHING)
def test_only_the_first_line_of_a_plain_record_looks_like_one(message: str, value: str) -> None:
    first, *rest = plain_text(record("%s", message, detail=value)).splitlines()
    assert first.startswith(("2023-11-14", "2023-11-15"))
    assert all(line.startswith("    ") for line in rest)
    assert len(rest) == message.count("\n")
