"""Editing polaris.toml: what is asked for changes, all else stays as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.registration.toml_edit import CannotEdit, Changes, edit, wanted
from polarisd import config

EXAMPLE = (Path(__file__).parents[2] / "polaris.toml.example").read_text()
JOIN: Changes = {
    "node": {"mode": "bittensor"},
    "chain": {
        "network": "ws://127.0.0.1:9944",
        "netuid": 49,
        "genesis_hash": "0x" + "ab" * 32,
        "subnet_name": "Polaris",
    },
}


def test_of_the_example_five_lines_change() -> None:
    edited = edit(EXAMPLE, JOIN)
    pairs = list(zip(EXAMPLE.splitlines(), edited.splitlines(), strict=True))
    changed = [(old, new) for old, new in pairs if old != new]
    assert [new for _, new in changed] == [
        'mode = "bittensor"',
        'network = "ws://127.0.0.1:9944"',
        "netuid = 49",
        f'genesis_hash = "0x{"ab" * 32}"',
        'subnet_name = "Polaris"',
    ]
    read = config.parse(edited)
    assert (read.node.mode, read.chain.netuid) == ("bittensor", 49)


def test_a_second_time_nothing_changes() -> None:
    once = edit(EXAMPLE, JOIN)
    assert edit(once, JOIN) == once


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing but this\n",
        "[node]\nrole = 'miner' # me\n",
        "node = {mode = 'independent'}\n",
        "node.mode = 'independent'\n",
        "[node]\r\nmode = 'independent'\r\n",
        "[gpu]\nwithhold = [ # mine\n]",
        "[chain]\n[node]\n",
    ],
)
def test_however_it_is_written(text: str) -> None:
    edited = edit(text, JOIN)
    assert tomlkit.parse(edited).unwrap() == wanted(tomlkit.parse(text).unwrap(), JOIN)
    for comment in ("# nothing but this", "# me", "# mine"):
        assert (comment in edited) == (comment in text)
    assert config.parse(edited).node.mode == "bittensor"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[node", "not valid TOML"),
        ("node = 3", "node is a value there"),
        ("[[node]]\nmode = 1", "node is a value there"),
        ("x = " + "[" * 5000, "not valid TOML"),
    ],
)
def test_what_cannot_be_edited_is_left_alone(text: str, why: str) -> None:
    with pytest.raises(CannotEdit, match=why):
        edit(text, JOIN)


def test_a_key_that_is_not_there_can_be_taken_out() -> None:
    assert edit("a = 1\n", {"chain": {"netuid": None}}) == "a = 1\n"


VALUES = (
    st.integers(-5, 5) | st.text(max_size=8) | st.booleans() | st.lists(st.integers(), max_size=2)
)
NAMES = st.sampled_from(["node", "chain", "gpu", "mode", "netuid", "x y", "ä"])
TABLES = st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=3), max_size=4)
CHANGES = st.dictionaries(
    st.sampled_from(["node", "chain"]),
    st.dictionaries(
        st.sampled_from(["mode", "netuid", "network"]),
        st.integers(0, 9) | st.text(max_size=8) | st.none(),
        min_size=1,
    ),
)


@given(TABLES, CHANGES)
def test_any_file_reads_as_wanted_or_is_left_alone(table: dict, changes: dict) -> None:  # type: ignore[type-arg]
    text = tomlkit.dumps(table)
    try:
        edited = edit(text, changes)
    except CannotEdit:
        return
    assert tomlkit.parse(edited).unwrap() == wanted(table, changes)


@given(st.text(max_size=40))
def test_any_text_is_edited_or_refused(text: str) -> None:
    try:
        edited = edit(text, JOIN)
    except CannotEdit:
        return
    assert tomlkit.parse(edited).unwrap()["chain"]["netuid"] == 49
