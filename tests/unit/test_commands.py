"""Each row of the command table has bytes, a section of the documentation and a verb."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import msgpack
import pytest

from polarisctl.verbs import VERBS
from polarisd.api import errors, wire
from polarisd.checking import check
from polarisd.constraints import accepted
from polarisd.control import access, outlet, session
from polarisd.control.commands import COMMANDS
from polarisd.history import _GPU_COLUMNS, _HOST_COLUMNS
from polarisd.state import EVENT_QUEUE
from tests.unit import golden_control

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "control-protocol.md").read_text()


def section(title: str) -> str:
    """The text under a heading, up to the next one."""
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##|\Z)", DOC, re.MULTILINE | re.DOTALL)
    assert found, f"docs/control-protocol.md has no section {title!r}"
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """Table rows by the name in their first cell."""
    cells = [line.strip("| \n").split(" | ") for line in text.splitlines() if line[:1] == "|"]
    return {row[0].strip("`"): row for row in cells if row[0].startswith("`")}


def test_every_command_is_in_every_place() -> None:
    assert list(COMMANDS) == list(golden_control.REQUESTS)
    assert list(COMMANDS) == list(json.loads(golden_control.PATH.read_text()))
    table = re.findall(r"^\| \[`(\w+)`\]\(#\w+\) \| (\w+) \| `(\w+)` \|", DOC, re.MULTILINE)
    assert table == [(c.method, c.access, c.verb) for c in COMMANDS.values()]


@pytest.mark.parametrize("method", COMMANDS)
def test_a_command_in_full(method: str) -> None:
    command = COMMANDS[method]
    assert command.method == method
    assert command.access in (access.READ, access.ADMIN)
    assert command.verb in VERBS
    check(command.request, golden_control.REQUESTS[method])
    text, wanted = section(method), fields(command.request)
    documented = rows(text)
    hints = get_type_hints(command.request, include_extras=True)
    if not wanted and method != "stop":
        assert text.strip().startswith("No params.")
    assert list(documented)[: len(wanted)] == [field.name for field in wanted]
    for field in wanted:
        says = documented[field.name][1]
        limits = accepted(hints[field.name])
        if get_origin(hints[field.name]) is Annotated:
            for number in re.findall(r"\d[\d.]*", limits):
                assert number in says, f"{field.name} must be {limits}"
        default = "" if field.default is MISSING else json.dumps(field.default)
        assert ("default" in says) == bool(default)
        assert default in says


async def test_golden_bytes() -> None:
    """What clients of this version sent and got must mean the same for ever."""
    golden = json.loads(golden_control.PATH.read_text())
    now = await golden_control.exchanges()
    for method, expected in golden.items():
        assert now[method] == expected, f"{method}: {_readable(now[method])}"


def _readable(exchange: dict[str, str]) -> dict[str, object]:
    return {name: msgpack.unpackb(bytes.fromhex(data)) for name, data in exchange.items()}


def test_the_worked_example_is_what_is_sent() -> None:
    example = re.findall(r"^((?:[0-9a-f]{2} ?)+?)  ", section("Frames"), re.MULTILINE)
    data = bytes.fromhex("".join(example))
    result = {"wanted": True, "since_at": 1_700_000_000.0, "changed": True}
    assert data == wire.request(1, "start", {}) + wire.reply(1, result)


def test_every_error_code_is_documented() -> None:
    documented = rows(section("Errors"))
    assert sorted(documented) == sorted(errors.ALL_CODES)


def test_limits_and_versions_are_those_of_the_code() -> None:
    limits = section("Limits")
    for number in (
        wire.MAX_FRAME_BYTES,
        wire.MAX_REQUEST_BYTES,
        wire.REQUEST_MAX_ITEMS,
        f"{session.FRAME_DEADLINE_S:.0f} s",
        f"{outlet.SEND_DEADLINE_S:.0f} s",
        f"{session.IDLE_DEADLINE_S:.0f} s",
        session.MAX_WATCHES,
        EVENT_QUEUE,
    ):
        assert f"{number}" in limits
    assert f"version {wire.PROTOCOL_MAJOR}.{wire.PROTOCOL_MINOR}." in section("Versions")
    columns = re.findall(r"`(\w+)`", section("history").partition("| columns of")[2])
    assert tuple(columns) == (*_GPU_COLUMNS, *_HOST_COLUMNS)


def test_no_param_is_of_a_kind_that_the_table_cannot_check() -> None:
    for command in COMMANDS.values():
        for hint in get_type_hints(command.request, include_extras=True).values():
            base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
            if get_origin(base) is tuple:
                (base, _) = get_args(base)
                base = get_args(base)[0] if get_origin(base) is Annotated else base
            if get_origin(base) is Literal:
                assert all(isinstance(choice, str) for choice in get_args(base))
                continue
            assert base in (bool, int, float, str), command.method
