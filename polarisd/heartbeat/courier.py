"""What the sender asks of HTTP: one signed request, and what became of it.

`polarisd.http.client.Courier` is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Union, runtime_checkable

PATH = "/v1/heartbeat"


@runtime_checkable
class Answer(Protocol):
    """A reply that the receiver has signed.  `clock_offset_s`: how far their clock is ahead."""

    @property
    def status(self) -> int: ...
    @property
    def document(self) -> Mapping[str, object]: ...
    @property
    def clock_offset_s(self) -> float: ...
    @property
    def round_trip_s(self) -> float: ...


class Undelivered(Protocol):
    """`code` is a row of `telling.TROUBLES`; `proven`, whether the receiver has signed it."""

    @property
    def code(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def retry_after_s(self) -> float | None: ...
    @property
    def clock_offset_s(self) -> float | None: ...
    @property
    def proven(self) -> bool: ...


class Courier(Protocol):
    """`post` ends within `deadline_s`, and raises for nothing that the other side can do."""

    async def post(
        self,
        endpoint: str,
        path: str,
        content: bytes,
        *,
        receiver: str,
        deadline_s: float,
        most_bytes: int,
    ) -> Union[Answer, Undelivered]: ...
