"""What a face offers: routes, and the requests and replies of their handlers.  Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Union

from polarisd.http.auth import Caller


class Access(Enum):
    """Who may ask: anyone at all, or anyone who signs.  A signature on what anyone may
    ask is not checked; it only makes the reply a signed one."""

    ANYONE = "anyone"
    SIGNED = "signed"


ANYONE = Access.ANYONE
SIGNED = Access.SIGNED
# or those hotkeys, among all that sign, for which a function says so
Rule = Union[Access, Callable[[str], bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`caller` is None only where anyone may ask.  `document` is the body as JSON, empty
    where the route takes any bytes.  `query` is what follows the question mark."""

    caller: Caller | None
    peer_address: str
    peer_port: int
    query: str
    document: dict[str, object]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    status: int = 200
    document: Mapping[str, object] = field(default_factory=dict)


def complaint(status: int, code: str, message: str, hint: str) -> Reply:
    """An expected failure; `code` is none of `refusals.CATALOGUE`."""
    return Reply(status, {"code": code, "message": message, "hint": hint})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """`most_bytes` of a body are taken, 0 for none.  `deadline_s` is for the body to
    arrive and the handler to answer."""

    method: str
    path: str
    access: Rule
    handler: Callable[[Request], Awaitable[Reply]]
    most_bytes: int = 64 << 10
    is_json: bool = True
    deadline_s: float = 10.0
