"""Workers that are gone after each test, and have left no traceback behind."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.fakes.cupy import script
from tests.worker.process import Worker

BUG = "Traceback (most recent call last)"
# So little that the products are small.
MEMORY_BYTES = 10 << 20


class WorkerFactory(Protocol):
    def __call__(
        self,
        *,
        environ: Mapping[str, str] | None = ...,
        through_socket: bool = ...,
        **said: Any,
    ) -> Worker: ...


@pytest.fixture
def stderr_path(tmp_path: Path) -> Path:
    """What workers print."""
    return tmp_path / "stderr"


@pytest.fixture
def worker(stderr_path: Path) -> Iterator[WorkerFactory]:
    """Starts one; what `said` is the fake CuPy's script, unless an environment is given."""
    made: list[Worker] = []

    def make(
        *,
        environ: Mapping[str, str] | None = None,
        through_socket: bool = False,
        **said: Any,
    ) -> Worker:
        if environ is None:
            environ = script.environ(os.environ, **{"memory_bytes": MEMORY_BYTES, **said})
        with stderr_path.open("ab") as stderr:
            made.append(Worker(environ, stderr=stderr, through_socket=through_socket))
        return made[-1]

    yield make
    for it in made:
        it.close()
    if made:  # a test that was skipped started none, so there is no file
        assert BUG not in stderr_path.read_text(errors="replace")
