"""Messages out of turn, twice, in another order, of another size.

What stops it: the session knows what is due and takes nothing else, and openings have
the sizes that were agreed on.  What a prover did not compute is never accepted.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.proof import messages as m
from polarisd.proof.parameters import FREIVALDS
from polarisd.proof.transcript import Opening, Terms, Transcript
from polarisd.proof.verdict import Reason, Rejected
from tests.cheats.cases import (
    COMPUTE,
    MEMORY,
    card,
    completed,
    converse,
    judged,
    party,
    rejected,
    terms,
)
from tests.cheats.players import Edit, Editing, before, instead
from tests.cheats.world import Act, Worker, play

ASKED = terms("messages", memory=MEMORY)
HASH = bytes(32)


def reason(edit: Edit, asked: Terms = ASKED) -> Reason:
    worker = Worker(card())
    return rejected(judged(play([party(asked, Editing(worker, edit=edit), worker)])[0]))


COMMITMENTS: list[tuple[type, m.Message]] = [
    (m.Ready, m.Ready()),
    (m.Pong, m.Pong(0)),
    (m.Filled, m.Filled()),
    (m.WalkRoot, m.WalkRoot(HASH)),
    (m.UnitRoot, m.UnitRoot(3, HASH)),
    (m.RoundDigest, m.RoundDigest(2, HASH)),
    (m.Opened, m.Opened(m.ROW, 0, Opening(b"", ()))),
]


@pytest.mark.parametrize(("kind", "other"), COMMITMENTS, ids=lambda each: str(each)[:20])
def test_message_where_another_is_due(kind: type, other: m.Message) -> None:
    """Each of the prover's messages, early, in the place of each other."""
    for due, _ in COMMITMENTS:
        if due is not kind:
            assert reason(instead(due, other)) is Reason.OUT_OF_TURN


@pytest.mark.parametrize("kind", [kind for kind, _ in COMMITMENTS], ids=lambda kind: kind.__name__)
def test_said_twice(kind: type) -> None:
    def twice(message: m.Message, seen: int) -> list[Act]:
        return [message, message] if isinstance(message, kind) and seen == 0 else [message]

    assert reason(twice) is Reason.OUT_OF_TURN


@pytest.mark.parametrize("kind", [m.Pong, m.UnitRoot, m.RoundDigest, m.Opened])
def test_in_another_order(kind: type) -> None:
    held: list[m.Message] = []

    def swap(message: m.Message, seen: int) -> list[Act]:
        if not isinstance(message, kind) or seen > 1:
            return [message]
        held.append(message)
        return [held[1], held[0]] if seen == 1 else []

    if kind is m.Pong:  # the next ping waits for this pong, so it can only be guessed
        assert reason(instead(m.Pong, m.Pong(1))) is Reason.OUT_OF_TURN
    else:
        assert reason(swap) is Reason.OUT_OF_TURN


@pytest.mark.parametrize(
    "frame", [m.Ping(0), m.Begin(m.FILL, HASH), m.Sample(HASH), m.Offer(ASKED)]
)
def test_what_only_a_validator_says(frame: m.Message) -> None:
    for due, _ in COMMITMENTS:
        assert reason(before(due, frame, 0)) is Reason.OUT_OF_TURN


OPENINGS: dict[str, Callable[[Opening], Opening]] = {
    "short block": lambda o: replace(o, block=o.block[:-8]),
    "long block": lambda o: replace(o, block=o.block + bytes(8)),
    "odd block": lambda o: replace(o, block=o.block[:-1]),
    "no block": lambda o: replace(o, block=b""),
    "short path": lambda o: replace(o, path=o.path[:-1]),
    "long path": lambda o: replace(o, path=(*o.path, HASH)),
    "no path": lambda o: replace(o, path=()),
    "a row unasked": lambda o: replace(o, row=o.row + bytes(64)),
    "a long row": lambda o: replace(o, row=bytes(4 << 16)),
    "half a row": lambda o: replace(o, row=o.row[: len(o.row) // 2] or bytes(2)),
}


@pytest.mark.parametrize("what", [m.WALKER, m.BLOCK, m.ROW])
@pytest.mark.parametrize("name", OPENINGS)
def test_opening_of_another_size(name: str, what: str) -> None:
    change = OPENINGS[name]

    def edit(message: m.Message, seen: int) -> list[Act]:
        if isinstance(message, m.Opened) and message.what == what:
            return [replace(message, opening=change(message.opening))]
        return [message]

    for check in ("recompute", FREIVALDS):
        asked = replace(ASKED, compute=replace(COMPUTE, check=check))
        assert reason(edit, asked) is Reason.MALFORMED


@given(st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_damaged_conversations_are_rejected(data: st.DataObject) -> None:
    """One bit of one of the prover's messages is another; nothing raises, none passes."""
    number = data.draw(st.integers(0, 60))
    where = data.draw(st.floats(0, 1, exclude_max=True))
    count = 0

    def edit(message: m.Message, seen: int) -> list[Act]:
        nonlocal count
        count += 1
        if count - 1 != number:
            return [message]
        frame = bytearray(m.encode(message))
        frame[int(where * len(frame))] ^= 1 << data.draw(st.integers(0, 7))
        return [bytes(frame)]

    worker = Worker(card())
    verdict = judged(play([party(ASKED, Editing(worker, edit=edit), worker)])[0])
    # the bit may be one that no check needs: in a leaf beside the one that was asked for it
    # changes the path, so there is none
    assert isinstance(verdict, Rejected) or number >= count


@given(st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_damaged_transcripts_raise_nothing(data: st.DataObject) -> None:
    """Transcripts may come from anywhere."""
    draw = random.Random(data.draw(st.integers(0, 1 << 32)))
    kind = data.draw(st.sampled_from(["walkers", "blocks", "rows"]))
    openings = list(getattr(DONE, kind))
    at = draw.randrange(len(openings))
    how = data.draw(st.sampled_from(["drop", "add", "swap", "change"]))
    if how == "drop":
        del openings[at]
    elif how == "add":
        openings.insert(at, openings[at])
    elif how == "swap":
        other = (at + 1) % len(openings)
        openings[at], openings[other] = openings[other], openings[at]
    else:
        openings[at] = draw.choice(list(OPENINGS.values()))(openings[at])
    verdict = judged(replace(DONE, **{kind: tuple(openings)}))  # type: ignore[arg-type]
    assert isinstance(verdict, Rejected) or tuple(openings) == getattr(DONE, kind)


DONE: Transcript = completed(converse(ASKED))


@pytest.mark.parametrize(
    "part", [{"memory": None}, {"compute": None}, {"rows": ()}, {"walkers": ()}, {"blocks": ()}]
)
def test_transcript_without_a_part(part: dict[str, object]) -> None:
    assert rejected(judged(replace(DONE, **part))) is Reason.MALFORMED  # type: ignore[arg-type]
