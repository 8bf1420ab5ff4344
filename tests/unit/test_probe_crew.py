"""The threads that read the GPUs, on cards that answer when the test lets them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue

import pytest

from polarisd.gpu.probe.crew import Crew, Frame

DEADLINE_S = 10.0


class Card:
    """Notes what was wanted of it and by which thread; hangs while `free` is not set."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.free = threading.Event()
        self.free.set()
        self.begun: SimpleQueue[dict[str, int]] = SimpleQueue()
        self.threads: list[int] = []

    def read(self, wanted: dict[str, int], answer: Callable[..., None]) -> None:
        self.threads.append(threading.get_ident())
        self.begun.put(dict(wanted))
        assert self.free.wait(DEADLINE_S)
        for what, tick in wanted.items():
            answer(what, tick, self.name)


class Sent:
    """What went out, in the batches in which it did."""

    def __init__(self) -> None:
        self.batches: SimpleQueue[list[Frame]] = SimpleQueue()

    def __call__(self, frames: Sequence[Frame]) -> None:
        self.batches.put(list(frames))

    def next(self) -> list[Frame]:
        return self.batches.get(timeout=DEADLINE_S)


@pytest.fixture
def cards() -> Iterator[list[Card]]:
    made = [Card(name) for name in "abcd"]
    yield made
    for card in made:
        card.free.set()


def test_one_thread_reads_all_and_one_batch_answers(cards: list[Card]) -> None:
    sent = Sent()
    crew = Crew(sent, patience_s=DEADLINE_S)
    for tick in (1, 2, 3):
        crew.request(cards, {"sample": tick})
        assert sent.next() == [("sample", tick, card.name) for card in cards]
    assert len({thread for card in cards for thread in card.threads}) == 1
    assert sent.batches.empty()


def test_a_card_that_hangs_holds_up_nobody(cards: list[Card]) -> None:
    sent = Sent()
    crew = Crew(sent, patience_s=0.01)
    cards[1].free.clear()
    for tick in (1, 2):
        crew.request(cards, {"sample": tick})
        answered: list[Frame] = []
        while len(answered) < 3:
            answered += sent.next()
        assert sorted(answered) == [("sample", tick, name) for name in "acd"]
    assert cards[1].begun.qsize() == 1


def test_what_piled_up_while_it_hung_is_answered_once_and_newest(cards: list[Card]) -> None:
    sent = Sent()
    crew = Crew(sent, patience_s=0.01)
    (card, *_) = cards
    card.free.clear()
    crew.request([card], {"sample": 1})
    crew.request([card], {"sample": 2, "condition": 2})
    crew.request([card], {"sample": 3})
    assert card.begun.get(timeout=DEADLINE_S) == {"sample": 1}
    card.free.set()
    assert sent.next() == [("sample", 1, "a")]
    assert card.begun.get(timeout=DEADLINE_S) == {"sample": 3, "condition": 2}
    assert sorted((*sent.next(), *sent.next())) == [("condition", 2, "a"), ("sample", 3, "a")]


def test_all_cards_may_hang_and_come_back(cards: list[Card]) -> None:
    sent = Sent()
    crew = Crew(sent, patience_s=0.01)
    for card in cards:
        card.free.clear()
    crew.request(cards, {"sample": 1})
    for card in cards:
        assert card.begun.get(timeout=DEADLINE_S) == {"sample": 1}
    for card in cards:
        card.free.set()
    late = [sent.next() for _ in cards]
    assert sorted(late) == [[("sample", 1, card.name)] for card in cards]
    crew.request(cards, {"sample": 2})
    answered: list[Frame] = []
    while len(answered) < len(cards):
        answered += sent.next()
    assert sorted(answered) == [("sample", 2, card.name) for card in cards]
