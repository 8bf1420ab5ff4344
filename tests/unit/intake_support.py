"""An intake, fed with frames as a test's children send them."""

from __future__ import annotations

from typing import Any

from polarisd.api import reading
from polarisd.api.encode import to_wire
from polarisd.api.reading import Unknown
from polarisd.gpu import raw
from polarisd.gpu.intake import Intake
from polarisd.gpu.inventory import Card
from tests.unit.build import NOW, driver, gpu_frame, sample_frame


class Child:
    """An intake, fed with what successive children send."""

    def __init__(self, *known: Card) -> None:
        self.xids: list[tuple[str, int]] = []
        self.intake = Intake(lambda uuid, xid: self.xids.append((uuid, xid)), known)
        self.now = NOW

    def send(self, *frames: list[Any]) -> None:
        for frame in frames:
            self.intake.take(frame, self.now)

    def start(self, *indices: int, unreadable: dict[int, str] | None = None) -> None:
        """A new child lists these GPUs; `uuid_of(i)` is at index i."""
        self.intake.begin()
        self.send([raw.DRIVER, to_wire(driver())], *map(gpu_frame, indices))
        for index, reason in (unreadable or {}).items():
            self.send([raw.UNREADABLE, index, reason, ""])
        self.send([raw.READY, len(indices) + len(unreadable or {})])

    def tick(self, *indices: int, **changes: Any) -> None:
        """Everybody is asked, these answer, and the deadline passes."""
        self.intake.expect(raw.SAMPLE)
        self.send(*(sample_frame(index, **changes) for index in indices))
        self.now += 2
        self.intake.overdue(self.now)

    @property
    def states(self) -> dict[int, str]:
        return {c.identity.index: c.state for c in self.intake.cards.values()}


def lost_readings() -> dict[str, Any]:
    names = [n for n in raw.RawSample.__dataclass_fields__ if n not in ("read_s", "read_at")]
    return dict.fromkeys(names, Unknown(reading.GPU_LOST))
