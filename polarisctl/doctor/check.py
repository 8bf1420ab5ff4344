"""A row of the doctor's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from polarisctl.doctor.facts import Facts
from polarisctl.doctor.finding import Finding


@dataclass(frozen=True, slots=True)
class Check:
    """`id` is stable: scripts and `--only` name it.

    `why` says what goes wrong otherwise; `verdicts` are all that `judge`, a pure
    function of what it takes from Facts, can give.
    """

    id: str
    group: str
    title: str
    why: str
    verdicts: tuple[str, ...]
    judge: Callable[[Facts], Finding]
