"""Every fault that can be raised is declared once, can be said, and is in docs/health.md."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from polarisd.health import xid
from polarisd.health.catalogue import CATALOGUE, ERROR, NOTICE, SEVERITIES, FaultKind
from polarisd.health.xid import XidMeaning, meaning_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/health.md").read_text()
KINDS = list(CATALOGUE.values())
UNLISTED = meaning_of(100_000)
XIDS = {n: meaning_of(n) for n in range(1000) if meaning_of(n) != UNLISTED}


def rows(pattern: str) -> dict[str, list[str]]:
    """The cells of each row of a table whose first cell is like `pattern`."""
    lines = [line.replace(r"\|", "¦") for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]
    found = [row for row in cells if re.fullmatch(pattern, row[0])]
    assert len({row[0] for row in found}) == len(found)
    return {row[0].strip("`"): row[1:] for row in found}


FAULT_ROWS = rows("`[a-z_]+`")
XID_ROWS = rows("[0-9]+")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_a_fault_is_declared_in_full(kind: FaultKind) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert kind.severity in SEVERITIES
    assert kind.text and kind.remedy
    assert not kind.text.endswith(".")
    assert kind.visible_after_s >= 0


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_texts_ask_for_named_facts_only(kind: FaultKind) -> None:
    for text in (kind.text, kind.remedy):
        for _, name, _, _ in string.Formatter().parse(text):
            assert name is None or re.fullmatch("[a-z_]+", name)


def test_every_remedy_that_names_a_command_can_be_pasted() -> None:
    """A placeholder would be taken for a redirection by a shell."""
    for kind in KINDS:
        assert "<" not in kind.remedy
    for meaning in XIDS.values():
        assert "<" not in meaning.remedy


def test_codes_are_declared_once() -> None:
    sources = [path.read_text() for path in (ROOT / "polarisd/health").glob("*catalogue.py")]
    declared = re.findall(r'_(?:error|warning|notice)\(\s*"([a-z_]+)"', "".join(sources))
    assert sorted(declared) == sorted(CATALOGUE)


# The page.


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_the_page_has_every_fault(kind: FaultKind) -> None:
    severity, after, raised, ends, remedy = FAULT_ROWS[kind.code]
    assert severity == kind.severity
    shown = f"{kind.visible_after_s:g} s" if kind.visible_after_s else "at once"
    assert after == shown
    assert raised and ends and remedy


def test_the_page_has_no_fault_of_last_year() -> None:
    assert set(FAULT_ROWS) == set(CATALOGUE)


@pytest.mark.parametrize("number", XIDS)
def test_the_page_has_every_xid(number: int) -> None:
    severity, meaning, remedy = XID_ROWS[str(number)]
    assert (severity, meaning) == (XIDS[number].severity, XIDS[number].meaning)
    assert ("nothing" in remedy) == (severity == NOTICE)
    for word in ("reset", "reboot", "power the machine off"):
        assert (word in remedy) == (word in XIDS[number].remedy.partition("; if it")[0])


def test_the_page_has_no_other_xid() -> None:
    assert set(XID_ROWS) == {str(number) for number in XIDS}


def test_every_link_of_the_page_leads_somewhere() -> None:
    anchors = set(re.findall(r'<a name="([a-z]+)">', PAGE))
    anchors |= {title.strip().lower() for title in re.findall(r"^## (.*)$", PAGE, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([a-z]+)\)", PAGE)) <= anchors


def test_an_xid_is_an_error_or_less_for_a_reason_of_its_own() -> None:
    assert {m.severity for m in XIDS.values()} == set(SEVERITIES)
    assert UNLISTED.severity != ERROR
    assert isinstance(UNLISTED, XidMeaning)
    assert xid.__doc__ and "nvidia.com" in xid.__doc__
