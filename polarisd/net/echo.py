"""Asks echo services: web pages that say nothing but the address that a request came from.

`watch` asks them where better sources know nothing.  They learn nothing of us but that
address.  The HTTP client is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Union

import trio

from polarisd.net.evidence import Witness
from polarisd.net.kinds import IPV4, IPV6, parse
from polarisd.whereabouts import host_in

DEADLINE_S = 10.0
# An IPv6 address has 45 characters at most.
MOST_BYTES = 64
_MOST_DETAIL = 200


# A connection from there is of that family, whatever a name resolves to.
_ANY_OF = {IPV4: "0.0.0.0", IPV6: "::"}


class NoBody(Protocol):
    """Why there is no answer: `text` is a sentence."""

    @property
    def text(self) -> str: ...


class Get(Protocol):
    """An HTTP GET that gives the body of a 200, or why there is none, such as the one of
    `polarisd.http`.  It may not follow redirects, nor read more than `most_bytes`."""

    async def __call__(
        self, url: str, *, deadline_s: float, most_bytes: int, from_address: str | None = None
    ) -> Union[bytes, NoBody]: ...


@dataclass(frozen=True, slots=True)
class _Silence:
    text: str = "no answer in time"


@dataclass(frozen=True, slots=True)
class Echoes:
    """What they said; a problem is a sentence about one that said nothing of use."""

    witnesses: tuple[Witness, ...]
    problems: tuple[str, ...]


def host_of(url: str) -> str:
    """Services on one host are one voice.  What is no URL stands for itself."""
    return host_in(url, "http", "https") or url


async def ask(services: Sequence[str], family: str, get: Get, clock: Callable[[], float]) -> Echoes:
    """All of them at once, over IPv4 or IPv6; it takes no longer than DEADLINE_S."""
    witnesses: list[Witness] = []
    problems: list[str] = []

    async def ask_one(url: str) -> None:
        body: bytes | NoBody = _Silence()
        with trio.move_on_after(DEADLINE_S):
            body = await get(
                url,
                deadline_s=DEADLINE_S,
                most_bytes=MOST_BYTES,
                from_address=_ANY_OF[family],
            )
        said = understood(body, host_of(url), clock())
        if isinstance(said, Witness):
            witnesses.append(said)
        else:
            problems.append(said)

    async with trio.open_nursery() as nursery:
        for url in services:
            nursery.start_soon(ask_one, url)
    return Echoes(tuple(witnesses), tuple(sorted(problems)))


def understood(body: bytes | NoBody, host: str, now: float) -> Witness | str:
    """What the service said, or a sentence on why that is of no use."""
    if not isinstance(body, bytes):
        return f"echo service {host} gave no address: {body.text[:_MOST_DETAIL]}"
    try:
        if len(body) > MOST_BYTES:
            raise ValueError
        ip = parse(body.decode("ascii").strip())
    except ValueError:
        return f"echo service {host} gave no address: its answer is something else"
    return Witness(origin=host, ip=ip, since_at=now, at=now)
