"""Provers that follow the protocol but for one liberty with time or order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import get_args

from polarisd.proof import messages as m
from tests.cheats.cases import Scripted
from tests.cheats.world import Act

# What takes the place of a message that an honest prover would send now, of whose type
# it has sent so many before.
Edit = Callable[[m.Message, int], Iterable[Act]]


@dataclass
class Editing(Scripted):
    """Has an honest prover's messages pass through `edit`."""

    edit: Edit = lambda message, seen: [message]
    sent: Counter[type] = field(default_factory=Counter)

    def hear(self, message: m.Message) -> Iterator[Act]:
        for act in super().hear(message):
            assert isinstance(act, get_args(m.Message))
            yield from self.edit(act, self.sent[type(act)])
            self.sent[type(act)] += 1


def before(kind: type, act: Act, number: int | None = None) -> Edit:
    """Does this before each message of the kind, or before one."""

    def edit(message: m.Message, seen: int) -> Iterator[Act]:
        if isinstance(message, kind) and number in (None, seen):
            yield act
        yield message

    return edit


def instead(kind: type, *acts: Act, number: int = 0) -> Edit:
    """Does these in place of one message of the kind."""

    def edit(message: m.Message, seen: int) -> Iterable[Act]:
        return acts if isinstance(message, kind) and seen == number else [message]

    return edit
