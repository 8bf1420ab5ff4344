"""A value that is gathered at most once, when first asked for, or ahead of time.

`facts` declares one per topic, so that `--only` gathers no more than it needs and
a whole run gathers everything side by side.  Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Later(Generic[T]):
    """Errors: whatever the gatherer raised is raised again by every `get`."""

    def __init__(self, pool: Executor, gather: Callable[[], T]) -> None:
        self._pool = pool
        self._gather = gather
        self._lock = Lock()
        self._future: Future[T] | None = None

    def begin(self) -> Future[T]:
        with self._lock:
            if self._future is None:
                self._future = self._pool.submit(self._gather)
            return self._future

    def get(self) -> T:
        return self.begin().result()
