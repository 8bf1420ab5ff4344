"""A row of the doctor's table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from polarisctl.doctor.facts import Facts
from polarisctl.doctor.finding import Finding, skipped


@dataclass(frozen=True, slots=True)
class Check:
    """`id` is stable: scripts and `--only` name it.

    `why` says what goes wrong otherwise; `verdicts` are all that `judge`, a pure
    function of what it takes from Facts, can give.  `role` is the only one that it is
    of use to, empty where it is of use to all.
    """

    id: str
    group: str
    title: str
    why: str
    verdicts: tuple[str, ...]
    judge: Callable[[Facts], Finding]
    role: str = ""

    def answer(self, facts: Facts) -> Finding:
        """Of a machine of another role: skipped."""
        if self.role and (role := facts.settings.get().role) != self.role:
            return skipped(f"this machine is a {role}, and needs none of it")
        return self.judge(facts)
