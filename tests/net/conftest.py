"""A lab for each test, without a trace afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.net.lab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()
