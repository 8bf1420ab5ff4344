"""THE table: every check of the doctor, once, in the order in which it reports.

A test walks it: each row has a line in docs/doctor.md and, in the unit tests, a
case for each of its verdicts.
"""

from __future__ import annotations

from polarisctl.doctor.rows import chain, gpu, machine, service

CHECKS = (*machine.CHECKS, *gpu.CHECKS, *chain.CHECKS, *service.CHECKS)
