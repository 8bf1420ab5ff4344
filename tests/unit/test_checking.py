"""Strictness of `check`, and what it tells a person."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, make_dataclass
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.checking import (
    AbsolutePath,
    CheckFailed,
    Matches,
    MaxItems,
    MaxLength,
    Problem,
    Range,
    check,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    first: int = 1
    last: int = 2

    def problems(self) -> Iterable[Problem]:
        if self.first > self.last:
            yield Problem("last", "is below first")
        if self.first == 13:
            yield Problem("", "is unlucky")


@dataclass(frozen=True, slots=True, kw_only=True)
class Everything:
    flag: bool = False
    whole: int = 0
    fraction: float = 0.5
    text: str = ""
    choice: Literal["red", "green", 1] = "red"
    percent: Annotated[int, Range(0, 100)] = 0
    interval_s: Annotated[float, Range(0.1, 60)] = 1.0
    path: Annotated[str, AbsolutePath(20)] = "/a"
    word: Annotated[str, Matches("[a-z]+", "a lower-case word")] = "a"
    name: Annotated[str, MaxLength(5)] = ""
    numbers: tuple[int, ...] = ()
    words: Annotated[tuple[Annotated[str, Matches("[a-z]+", "a word")], ...], MaxItems(2)] = ()
    maybe: int | None = None
    inner: Inner = field(default_factory=Inner)
    inners: tuple[Inner, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanding:
    gpu_uuid: Annotated[str, MaxLength(40)]
    seconds: int


def problems_of(cls: type[Any], data: Any) -> dict[str, str]:
    with pytest.raises(CheckFailed) as failed:
        check(cls, data)
    told = {problem.path: problem.message for problem in failed.value.problems}
    assert len(told) == len(failed.value.problems)
    return told


ACCEPTED: list[tuple[str, object, object]] = [
    ("flag", True, True),
    ("whole", -3, -3),
    ("whole", 10**30, 10**30),
    ("fraction", 2, 2.0),
    ("fraction", -0.0, -0.0),
    ("text", "a\nb", "a\nb"),
    ("choice", 1, 1),
    ("percent", 0, 0),
    ("percent", 100, 100),
    ("interval_s", 0.1, 0.1),
    ("interval_s", 60, 60.0),
    ("path", "/run/x.sock", "/run/x.sock"),
    ("path", "/é/..x", "/é/..x"),
    ("name", "fünf.", "fünf."),
    ("numbers", [1, 2], (1, 2)),
    ("numbers", (1,), (1,)),
    ("words", ["a", "b"], ("a", "b")),
    ("maybe", None, None),
    ("maybe", 4, 4),
    ("inner", {"last": 9}, Inner(last=9)),
    ("inners", [{}, {"first": 0}], (Inner(), Inner(first=0))),
]


@pytest.mark.parametrize(("key", "value", "made"), ACCEPTED)
def test_accepts(key: str, value: object, made: object) -> None:
    got = getattr(check(Everything, {key: value}), key)
    assert got == made
    assert type(got) is type(made)


REFUSED: list[tuple[str, object, str]] = [
    ("flag", 1, "must be true or false, not 1"),
    ("flag", "true", 'must be true or false, not "true"'),
    ("whole", True, "must be a whole number, not true"),
    ("whole", 1.0, "must be a whole number, not 1.0"),
    ("whole", "1", 'must be a whole number, not "1"'),
    ("whole", None, "must be a whole number, not null"),
    ("fraction", "0.5", 'must be a number, not "0.5"'),
    ("fraction", True, "must be a number, not true"),
    ("fraction", math.nan, "must be a number, not nan"),
    ("fraction", math.inf, "must be a number, not inf"),
    ("fraction", 10**400, "must be a number, not a number that large"),
    ("text", b"x", "must be a string, not a value of type bytes"),
    ("text", 3, "must be a string, not 3"),
    ("flag", 'é"\n\u2028', 'must be true or false, not "é\\"\\n\\u2028"'),
    ("flag", "x" * 99, f'must be true or false, not "{"x" * 60}..."'),
    ("choice", "blue", 'must be one of "red", "green", 1, not "blue"'),
    ("choice", True, 'must be one of "red", "green", 1, not true'),
    ("choice", [], 'must be one of "red", "green", 1, not a list of 0 items'),
    ("percent", 101, "must be a whole number from 0 to 100, not 101"),
    ("percent", -1, "must be a whole number from 0 to 100, not -1"),
    ("percent", "5", 'must be a whole number from 0 to 100, not "5"'),
    ("interval_s", 0.09, "must be a number from 0.1 to 60, not 0.09"),
    ("interval_s", math.nan, "must be a number from 0.1 to 60, not nan"),
    ("word", "A", 'must be a lower-case word, not "A"'),
    ("word", "a\n", 'must be a lower-case word, not "a\\n"'),
    ("word", 5, "must be a lower-case word, not 5"),
    ("name", "sixsix", 'must be a string of at most 5 characters, not "sixsix"'),
    ("numbers", "123", 'must be a list, not "123"'),
    ("numbers", {"a": 1}, "must be a list, not a table"),
    ("words", ["a", "b", 3], "must be a list of at most 2 items, not a list of 3 items"),
    ("maybe", "4", 'must be a whole number, not "4"'),
    ("inner", 3, "must be a table, not 3"),
    ("inner", [], "must be a table, not a list of 0 items"),
]


@pytest.mark.parametrize(("key", "value", "message"), REFUSED)
def test_refuses_and_says_why(key: str, value: object, message: str) -> None:
    assert problems_of(Everything, {key: value}) == {key: message}


@pytest.mark.parametrize(
    "path", ["", "/", "//", "a", "./a", "/a/../b", "/a/.", "/a\n", "/a\x00", "/a\udc80", "/" * 9]
)
def test_refuses_a_path_that_is_not_plain_and_absolute(path: str) -> None:
    message = problems_of(Everything, {"path": path})["path"]
    assert message.startswith(
        'must be an absolute path of at most 20 bytes with no ".." in it, not'
    )


def test_a_path_is_measured_in_bytes() -> None:
    assert check(Everything, {"path": "/" + "é" * 9}).path == "/ééééééééé"
    assert "path" in problems_of(Everything, {"path": "/" + "é" * 10})


def test_tells_every_problem_at_once_with_its_path() -> None:
    data = {
        "whole": "x",
        "words": ["a", "B"],
        "inner": {"first": 5, "last": 3},
        "inners": [{}, {"first": None}, {"lost": 1}],
        "wole": 1,
        "zzz": 2,
    }
    told = problems_of(Everything, data)
    assert told == {
        "whole": 'must be a whole number, not "x"',
        "words[1]": 'must be a word, not "B"',
        "inner.last": "is below first",
        "inners[1].first": "must be a whole number, not null",
        "inners[2].lost": "is not a known key; did you mean last?",
        "wole": "is not a known key; did you mean whole?",
        "zzz": "is not a known key; accepted here: flag, whole, fraction, text, choice, percent,"
        " interval_s, path, word, name, numbers, words, maybe, inner, inners",
    }


def test_str_has_one_line_per_problem() -> None:
    with pytest.raises(CheckFailed) as failed:
        check(Everything, {"flag": 1, "inner": {"first": 13, "last": 20}})
    assert str(failed.value) == "flag: must be true or false, not 1\ninner: is unlucky"


def test_rules_between_fields_wait_until_each_field_is_right() -> None:
    assert problems_of(Inner, {"first": 9, "last": "x"}) == {
        "last": 'must be a whole number, not "x"'
    }
    assert problems_of(Inner, {"first": 9, "last": 8}) == {"last": "is below first"}


def test_a_missing_key_is_named_with_what_it_accepts() -> None:
    assert problems_of(Demanding, {"second": 1}) == {
        "gpu_uuid": "is missing; must be a string of at most 40 characters",
        "seconds": "is missing; must be a whole number",
        "second": "is not a known key; did you mean seconds?",
    }


def test_what_is_not_a_table_is_refused_whole() -> None:
    not_a_table: Any = ["first"]
    assert problems_of(Inner, not_a_table) == {"": "must be a table, not a list of 1 items"}


def test_keys_of_any_kind_are_refused_politely() -> None:
    keys: Any = {b"first": 1, 7: 2, "": 3, "a b": 4, "\x1b[31m": 5}
    assert set(problems_of(Inner, keys)) == {"\"b'first'\"", '"7"', '""', '"a b"', '"\\u001b[31m"'}


def test_constraints_hold_for_annotations_that_are_not_strings() -> None:
    cls = make_dataclass("Plain", [("port", Annotated[int, Range(1, 9)])], frozen=True)
    assert problems_of(cls, {"port": 10}) == {"port": "must be a whole number from 1 to 9, not 10"}


def test_a_class_without_fields_accepts_nothing() -> None:
    @dataclass(frozen=True)
    class Nothing:
        pass

    assert check(Nothing, {}) == Nothing()
    assert problems_of(Nothing, {"a": 1}) == {"a": "is not a known key; nothing is accepted here"}


def test_a_bug_in_a_class_is_not_taken_for_bad_data() -> None:
    @dataclass(frozen=True)
    class Broken:
        number: int = 0

        def __post_init__(self) -> None:
            raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        check(Broken, {})


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=80)
    | st.binary(max_size=5)
    | st.datetimes()
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=80) | st.sampled_from(["first", "last"]), inner)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(list(Everything.__dataclass_fields__)) | st.text(max_size=80)


def outcome(data: Mapping[str, Any]) -> Everything | CheckFailed:
    try:
        return check(Everything, data)
    except CheckFailed as failed:
        return failed


@given(st.dictionaries(KEYS, DATA, max_size=6))
def test_any_data_is_either_kept_as_it_is_or_refused_in_printable_lines(
    data: Mapping[str, Any],
) -> None:
    match outcome(data):
        case CheckFailed(problems=problems):
            assert problems
            assert all(str(p).isprintable() and len(p.message) < 400 for p in problems)
        case made:
            for key in set(data) - {"inner", "inners"}:
                kept = getattr(made, key)
                assert kept == (tuple(data[key]) if isinstance(data[key], list) else data[key])
                assert type(kept) is not bool or type(data[key]) is bool


@given(st.integers() | st.floats(allow_nan=False))
def test_a_range_includes_both_its_bounds_and_nothing_beyond(value: float) -> None:
    assert isinstance(outcome({"interval_s": value}), Everything) == (0.1 <= value <= 60)
