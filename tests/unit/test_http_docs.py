"""docs/http.md says what the tables of polarisd.http say, no more and no less."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from polarisd.http import auth, client, documents, replies, routes
from polarisd.http.delivery import CATALOGUE as FAILINGS
from polarisd.http.limits import Limits
from polarisd.http.refusals import CATALOGUE as REFUSALS
from polarisd.http.server import greeting
from tests.unit.test_http_auth import GOLDEN, GOLDEN_BODY, GOLDEN_PAYLOAD, GOLDEN_TARGET
from tests.unit.test_http_replies import BODY, GOLDEN_REPLY
from tests.unit.test_http_replies import GOLDEN_PAYLOAD as REPLY_PAYLOAD

TEXT = (Path(__file__).parents[2] / "docs" / "http.md").read_text()


def rows(heading: str) -> dict[str, list[str]]:
    """The last table of a section: its rows by their first cell."""
    section = TEXT.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.split("\n") if line.startswith("| ")]
    return {cells[0].strip("`"): cells[1:] for cells in lines[1:]}


def yes(value: bool) -> str:
    return "yes" if value else "no"


def test_refusals() -> None:
    assert {code: (c[0], c[1], c[3]) for code, c in rows("Refusals").items()} == {
        code: (str(kind.status), yes(kind.passing), kind.remedy) for code, kind in REFUSALS.items()
    }


def test_failings_of_delivery() -> None:
    table = rows("What the client makes of it")
    assert {code: (c[0], c[2]) for code, c in table.items()} == {
        code: (yes(failing.passing), failing.remedy) for code, failing in FAILINGS.items()
    }
    assert not set(FAILINGS) & set(REFUSALS)
    assert f"keeps connections {client.KEEP_S:g} s" in TEXT


def test_limits() -> None:
    assert {name: cells[0] for name, cells in rows("Limits").items()} == {
        field.name: f"{field.default:g}" for field in dataclasses.fields(Limits)
    }
    defaults = {field.name: field.default for field in dataclasses.fields(routes.Route)}
    assert (defaults["most_bytes"], defaults["deadline_s"]) == (64 << 10, 10)
    assert "64 KiB\nand 10 s unless it says otherwise" in TEXT


def test_routes() -> None:
    route = greeting("5D8K", "miner")
    (cells,) = rows("Routes").values()
    assert [f"`{route.method}`", f"`{route.path}`", route.access] == [
        "`GET`", cells[0], routes.ANYONE,
    ]  # fmt: skip
    assert cells[1] == "anyone"


def test_headers() -> None:
    assert set(rows("Requests")) == set(auth.HEADERS)
    assert set(rows("Replies")) == set(replies.HEADERS)


def test_documents() -> None:
    said = (
        f"at most {documents.MAX_DEPTH} levels deep,\n{documents.MAX_ITEMS} items, "
        f"integers of {documents.MAX_INT_DIGITS} digits"
    )
    assert said in TEXT


def test_the_window() -> None:
    said = f"may be {auth.BACK_S:g} s old and {auth.AHEAD_S:g} s ahead of the server's clock"
    assert said in TEXT


def block(after: str) -> str:
    """The first block of code after some words."""
    return TEXT.split(after)[1].split("```\n")[1]


def is_short_for(lines: str, payload: bytes) -> bool:
    """Whether a payload is shown: a word a line, long ones with their middle left out."""
    words = [re.split(r"\s", line)[0] for line in lines.splitlines()]
    patterns = [re.escape(word).replace("…", ".*") for word in words]
    return re.fullmatch("\n".join(patterns), payload.decode()) is not None


def test_what_is_signed() -> None:
    assert is_short_for(block("these eight lines"), GOLDEN_PAYLOAD)
    assert is_short_for(block("these ten lines"), REPLY_PAYLOAD)


def test_vectors() -> None:
    asked = block("32 times `b`:")
    headers = {name: GOLDEN[name] for name in auth.HEADERS if name in GOLDEN}
    lines = [f"POST {GOLDEN_TARGET}", *(f"{n}: {v}" for n, v in headers.items())]
    assert asked == "\n".join([*lines, "", GOLDEN_BODY.decode(), ""])
    answered = block("with nonce 1800000000000000000:")
    lines = ["200", *(f"{n}: {v}" for n, v in GOLDEN_REPLY.items())]
    assert answered == "\n".join([*lines, "", BODY.decode(), ""])
