"""One chain for the tests of a module, and a host with a funded coldkey for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.devnode.client import DevNode
from tests.devnode.fixtures import make_devnode
from tests.registration.host import Host


@pytest.fixture(scope="module")
def chain() -> Iterator[DevNode]:
    with DevNode() as node:
        yield node


@pytest.fixture
def node(chain: DevNode) -> Iterator[DevNode]:
    """As it was, whatever the test did to it."""
    before = chain.hyper(49)
    yield chain
    chain.clear_faults()
    chain.resume()
    chain.set_time_offset(0)
    chain.name(49, "Polaris")
    changed = chain.hyper(49)
    chain.hyper(49, **{k: v for k, v in before.items() if k != "burn" and changed[k] != v})
    chain.hyper(49, burn=10**8)


MakeHost = Callable[[DevNode], Host]


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[MakeHost]:
    """A host with a coldkey that has five TAO on that chain."""
    made: list[Host] = []

    def make(node: DevNode) -> Host:
        made.append(Host(tmp_path / f"host{len(made)}", node))
        node.fund(made[-1].coldkey.ss58, tao=5)
        return made[-1]

    yield make
    for host in made:
        host.close()


@pytest.fixture
def host(node: DevNode, make_host: MakeHost) -> Host:
    return make_host(node)


__all__ = ["MakeHost", "chain", "host", "make_devnode", "make_host", "node"]
