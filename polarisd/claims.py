"""Who has which GPU for himself: taken all or none, by UUID, and given back whatever happens.

A benchmark claims the GPU that it measures; whatever else wants GPUs claims them here as
well, so that no two have the same one.  `keeper` withholds what is claimed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """`holder` for people, as `benchmark 7`; `code` is what `withheld_by` says of it."""

    holder: str
    code: str


class Taken(Exception):
    """A GPU that was asked for has a holder already."""

    def __init__(self, gpu_uuid: str, claim: Claim) -> None:
        super().__init__(f"{gpu_uuid} is taken by {claim.holder}")
        self.gpu_uuid = gpu_uuid
        self.claim = claim


class Claims:
    """Changes are told through `changed`, at once and without an await."""

    def __init__(self, changed: Callable[[Mapping[str, Claim]], None]) -> None:
        self._claims: dict[str, Claim] = {}
        self._changed = changed

    def of(self, gpu_uuid: str) -> Claim | None:
        return self._claims.get(gpu_uuid)

    @contextmanager
    def held(self, gpu_uuids: Iterable[str], claim: Claim) -> Iterator[None]:
        """While the block runs.  Raises Taken, and then nothing is claimed."""
        wanted = frozenset(gpu_uuids)
        for uuid in sorted(wanted):
            if uuid in self._claims:
                raise Taken(uuid, self._claims[uuid])
        self._change({**self._claims, **dict.fromkeys(wanted, claim)})
        try:
            yield
        finally:
            self._change({u: c for u, c in self._claims.items() if u not in wanted})

    def _change(self, claims: dict[str, Claim]) -> None:
        if claims != self._claims:
            self._claims = claims
            self._changed(dict(claims))
