"""Networks by name: what the SDK says, and nothing that is not one."""

from __future__ import annotations

import pytest
from bittensor import settings

from polarisd.chain.networks import NETWORKS, resolve


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_the_sdk_says_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    network = NETWORKS[name]
    assert network.endpoint == settings.NETWORKS[name]
    assert list(network.fallback_endpoints) == settings.default_fallback_endpoints(name)


def test_the_genesis_of_the_main_network() -> None:
    assert NETWORKS["finney"].genesis_hash == settings.FINNEY_GENESIS_HASH


def test_an_address_is_itself() -> None:
    network = resolve("wss://node.example:9944")
    assert network.endpoint == "wss://node.example:9944"
    assert network.fallback_endpoints == () and network.genesis_hash is None


@pytest.mark.parametrize("text", ["", "mainnet", "http://node", "127.0.0.1:9944"])
def test_all_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither one of finney, test, local"):
        resolve(text)
