"""Fixtures: chains for a test.  A `conftest.py` imports those that its tests use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.devnode.client import DevNode

MakeDevNode = Callable[..., DevNode]


@pytest.fixture(autouse=True)
def runtime_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK keeps metadata on disk; not in the home of whoever runs the tests."""
    monkeypatch.setenv("BITTENSOR_RUNTIME_CACHE_DIR", str(tmp_path / "runtime-cache"))


@pytest.fixture
def make_devnode() -> Iterator[MakeDevNode]:
    """Starts as many as the test asks for, with the arguments of DevNode.  What a node wrote to
    its log is a mistake of the node's, or a request that makes no sense, and fails the test."""
    made: list[DevNode] = []
    with ExitStack() as stack:

        def make(**options: Any) -> DevNode:
            made.append(stack.enter_context(DevNode(**options)))
            return made[-1]

        yield make
        told = [node.log() for node in made]
    assert not any(told), "\n".join(told)


@pytest.fixture
def devnode(make_devnode: MakeDevNode) -> DevNode:
    """A block every 0.2 s."""
    return make_devnode()


@pytest.fixture
def still_devnode(make_devnode: MakeDevNode) -> DevNode:
    """A block when the test says so."""
    return make_devnode(interval_s=0.0)


@pytest.fixture
def instant_devnode(make_devnode: MakeDevNode) -> DevNode:
    """A block for each transaction as it comes, final at once, and no other unless told."""
    return make_devnode(interval_s=0.0, instant=True, finality_lag=0)


__all__ = [
    "MakeDevNode",
    "devnode",
    "instant_devnode",
    "make_devnode",
    "runtime_cache",
    "still_devnode",
]
