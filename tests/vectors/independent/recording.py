"""A recorded conversation: its messages in turn, and the simulated clock."""

from collections.abc import Sequence

from . import messages
from .messages import Rejected, unpack


class Recording:
    def __init__(self, conversation: Sequence[tuple[str, bytes]], step: float) -> None:
        self._messages = list(conversation)
        self._next = 0
        self._step = step
        self._arrived = 0
        self.sampled = False

    @property
    def now(self) -> float:
        return self._arrived * self._step

    def validator(self, kind: int) -> list[object]:
        if self._next < len(self._messages) and self._messages[self._next][0] == "P":
            raise Rejected("out_of_turn", "it is the validator's turn")
        if self._next == len(self._messages):
            raise ValueError("the recording ends in the validator's turn")
        found, fields = unpack(self._messages[self._next][1])
        self._next += 1
        if found != kind:
            raise ValueError(f"the validator says {found}, not {kind}")
        return fields

    def prover(self, kind: int) -> list[object]:
        if self._next == len(self._messages):
            raise Rejected("no_openings" if self.sampled else "ended")
        side, data = self._messages[self._next]
        if side != "P":
            raise ValueError("the validator speaks in the prover's turn")
        self._next += 1
        self._arrived += 1
        found, fields = unpack(data)
        if found == messages.REFUSED and kind == messages.READY:
            raise Rejected("refused", str(fields[0]))
        if found != kind:
            raise Rejected("out_of_turn", f"{found}, not {kind}")
        return fields

    def numbered(self, kind: int, number: int) -> list[object]:
        fields = self.prover(kind)
        if fields[0] != number:
            raise Rejected("out_of_turn", f"number {fields[0]}, not {number}")
        return fields

    def end(self) -> None:
        if self._next < len(self._messages):
            raise Rejected("out_of_turn", "more than was asked for")
