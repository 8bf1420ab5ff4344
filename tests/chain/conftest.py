"""The chain's tests run the real SDK in front of the devnode, whose blocks come in a hurry."""

from __future__ import annotations

import pytest

from tests.chain.support import BLOCK_S
from tests.devnode.client import DevNode
from tests.devnode.fixtures import MakeDevNode, make_devnode, runtime_cache, still_devnode

__all__ = ["make_devnode", "runtime_cache", "still_devnode"]


@pytest.fixture
def devnode(make_devnode: MakeDevNode) -> DevNode:
    return make_devnode(interval_s=BLOCK_S, finality_lag=2)
