"""How a question to the chain, or a transaction, can end: values, not exceptions.

A read gives its value or `Failed`.  A transaction gives `Landed`, `Failed` (it is
certain that it had no effect) or `Unsure` (it may have landed, or may yet land:
look at the chain before doing it again).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, Union

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """`code` is a row of `failures.CATALOGUE`, whose `remedy` is repeated here.

    `retry_after_s` is how long the other side asks to be left alone, if it does.
    `passing` is whether trying again later, unchanged, can help.
    """

    code: str
    text: str
    remedy: str
    passing: bool
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """In a block.  `fee_rao` is None where the chain did not say."""

    block: int
    block_hash: str
    extrinsic: str
    fee_rao: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsure:
    """Sent, or perhaps sent, and the end was not seen; valid until `expires_block` at most."""

    why: Failed
    expires_block: int | None


Outcome = Union[T, Failed]
Submission = Union[Landed, Failed, Unsure]
