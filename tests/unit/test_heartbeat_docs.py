"""docs/heartbeat.md says what the code does: fields, codes, remedies, bounds, and its example."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from polarisd.heartbeat import (
    arrivals,
    book,
    delivery,
    document,
    earlier,
    looking,
    pacing,
    reach,
    replies,
    scribe,
    sequence,
)
from polarisd.heartbeat.answering import Answering
from polarisd.heartbeat.book import Book
from polarisd.heartbeat.document import Heartbeat, Signed, is_genuine, parse
from polarisd.heartbeat.evidence import EVIDENCE_DIRECTORY, MAX_EVIDENCE, MAX_WAITING
from polarisd.heartbeat.keeping import Keeper
from polarisd.heartbeat.reach import Reach
from polarisd.heartbeat.reasons import REASONS
from polarisd.heartbeat.sender import MAX_VALIDATORS
from polarisd.heartbeat.telling import TROUBLES
from polarisd.members import MAX_PER_ADDRESS
from tests.unit.heartbeat_support import MINER, Clock, beat, body_of

TEXT = (Path(__file__).parents[2] / "docs" / "heartbeat.md").read_text()
FLAT = " ".join(TEXT.split())
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in TEXT.splitlines()
    if line.startswith("| `") and (cells := [cell.strip() for cell in line.strip("|").split("|")])
}


def test_each_field_of_the_document_is_described() -> None:
    assert {field.name for field in fields(Heartbeat)} <= ROWS.keys()


@pytest.mark.parametrize("code", REASONS)
def test_each_reason_is_there_with_its_remedy(code: str) -> None:
    reason = REASONS[code]
    assert ROWS[code] == [str(reason.status), reason.text, reason.remedy]


@pytest.mark.parametrize("code", sorted(TROUBLES.keys() - REASONS.keys()))
def test_each_trouble_is_there_with_its_state(code: str) -> None:
    assert ROWS[code][0] == f"`{TROUBLES[code].state}`"
    assert ROWS[code][1]


def test_no_code_is_there_that_there_is_not() -> None:
    listed = {name for name, cells in ROWS.items() if len(cells) > 1}
    assert listed == REASONS.keys() | TROUBLES.keys()


def test_the_example_is_a_genuine_heartbeat() -> None:
    found = re.search(r'^\{"document": .*\}$', TEXT, re.MULTILINE)
    assert found is not None
    signed = parse(found[0].encode())
    assert isinstance(signed, Signed)
    assert is_genuine(signed)


async def test_each_part_of_a_reply_is_described(tmp_path: Path) -> None:
    clock = Clock()
    miners = Book(network="independent", netuid=0, is_registered=lambda _: True)
    answering = Answering(
        book=miners,
        reach=Reach(clock=clock),
        keeper=Keeper(tmp_path, miners.records.values, clock),
        clock=clock,
        next_beat_s=30.0,
    )
    taken = answering.answer(body_of(beat()), signer=MINER.ss58, address="::1", port=1)
    refused = answering.answer(b"", signer=MINER.ss58, address="::1", port=1)
    assert taken.body.keys() <= ROWS.keys()
    assert all(f"`{name}`" in TEXT for name in refused.body)
    json.dumps([taken.body, refused.body])


@pytest.mark.parametrize(
    "bound",
    [
        f"at most {document.MAX_DOCUMENT_BYTES:,} bytes",
        f"at most {document.MAX_ENVELOPE_BYTES:,} bytes",
        f"at most {document.MAX_GPUS} of",
        f"at most {document.MAX_CODES} codes of why",
        f"at most {document.MAX_FAULTS} codes",
        f"at most {document.MAX_SSH_PORTS} ports",
        f"0 to {document.MAX_SLOTS}",
        f"the next {sequence.BLOCK:,} numbers",
        f"{delivery.MAX_AT_ONCE} at a time",
        f"each with {delivery.DEADLINE_S:.0f} s to answer",
        f"its turn after {delivery.TURN_S:.0f} s",
        f"up to {pacing.MAX_PAUSE_S / 60:.0f} minutes",
        f"less than {pacing.MIN_GAP_S:.0f} s apart",
        f"more than {MAX_VALIDATORS} validators",
        f"at most {book.MAX_AGE_S:.0f} s old, at most {book.MAX_AHEAD_S:.0f} s ahead",
        f"keeps {book.MAX_MINERS:,} miners",
        f"{replies.MAX_TEXT} characters",
        f"larger than {replies.MAX_REPLY_BYTES >> 10} KiB",
        f"first {reach.MAX_GREETING_BYTES} bytes and {reach.GREETING_S:.0f} s",
        f"nothing came within {reach.CONNECT_S:.0f} s",
        f"at most {looking.MAX_TRIED} ports",
        f"every {looking.AGAIN_S / 60:.0f} minutes, or {looking.CHANGED_S:.0f} s after",
        f"address every {looking.ADDRESS_S:.0f} s",
        (
            f"of the {earlier.MAX_EARLIER} before that, as far as they fit into "
            f"{earlier.MAX_EARLIER_BYTES:,} bytes"
        ),
        f"more than {arrivals.AWAY_S / 60:.0f} minutes; {arrivals.MAX_LINES} lines a minute",
        f"in memory, up to {MAX_WAITING} pairs",
        f"is younger than {scribe.FRESH_S:.0f} s is shown again",
        f"one /64) to at most {MAX_PER_ADDRESS}, by stake",
        f"{MAX_EVIDENCE} at most, in `{EVIDENCE_DIRECTORY}/",
        f"`{document.DOMAIN.decode().strip()}`",
        f"`{sequence.FILE}`",
    ],
)
def test_bounds_are_those_of_the_code(bound: str) -> None:
    assert bound in FLAT


def test_a_document_is_never_too_old_when_it_has_had_its_turn_and_its_time() -> None:
    assert delivery.TURN_S + delivery.DEADLINE_S + book.MAX_AHEAD_S < book.MAX_AGE_S
