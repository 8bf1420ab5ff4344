"""Look where GPU stacks are, for `polarisctl.doctor.gpu_stack`."""

from __future__ import annotations

import re

from polarisctl.doctor.edge import Edge
from polarisctl.doctor.gpu_stack import GpuStack
from polarisd.api.reading import Unknown
from polarisd.bench.stack import CANDIDATES, Candidate, Flaw, examine, find_stack, python_tag

_TAG = re.compile(r"cp\d+")


def gather_gpu_stack(edge: Edge) -> GpuStack:
    tag = python_tag(edge.python)
    candidates = [Candidate(str(edge.at(c.path)), c.origin) for c in CANDIDATES]
    found = [examine(candidate, tag) for candidate in candidates]
    return GpuStack(
        tag=tag,
        found=find_stack(candidates, tag),
        flaws=tuple(flaw for flaw in found if isinstance(flaw, Flaw)),
        others=tuple(sorted({name for c in CANDIDATES for name in _tags(edge, c) if name != tag})),
    )


def _tags(edge: Edge, candidate: Candidate) -> list[str]:
    names = edge.list_names(candidate.path)
    if names is None or isinstance(names, Unknown):
        return []
    return [name for name in names if _TAG.fullmatch(name)]
