"""A machine whose address changes under it: the chain and its validators are told."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.daemon.client import Map
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd, keyfile
from tests.devnode.client import DevNode
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.net.lab import Lab, Namespace, masquerade, needs_root

pytestmark = needs_root()

MINER = b"m" * 32
NETUID = 7
LIMIT_BLOCKS = 5


@pytest.fixture
def lab() -> Iterator[Lab]:
    lab = Lab()
    yield lab
    lab.close()


def provider_of(lab: Lab, host: Namespace, address: str, gateway: str) -> Namespace:
    """The other end of the host's cable; the host's way out."""
    provider = lab.namespace()
    lab.cable(host, "eth0", provider, "port0")
    provider.ip(f"addr add {gateway}/24 dev port0")
    host.ip(f"addr add {address}/24 dev eth0", f"route add default via {gateway}")
    return provider


def on_chain(daemon: Polarisd, node: DevNode, seed: bytes, url: str, **node_keys: object) -> str:
    chain = {"network": url, "netuid": NETUID, "genesis_hash": node.genesis_hash}
    return daemon.give_hotkey(
        seed,
        node={"mode": "bittensor", **node_keys},
        chain=chain,
        network={"listen_address": ""},
        heartbeat={"interval_s": 5},
    )


def is_named(snapshot: Map, endpoint: str) -> bool:
    return bool(snapshot["chain"]["published"].get("endpoint") == endpoint)


def test_an_address_that_changes_on_the_interface_is_published_anew(
    lab: Lab, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    host = lab.namespace()
    provider_of(lab, host, "5.9.10.2", "5.9.10.1")
    daemon = polarisd(fake_nvml("h100"), start=False)
    with host, DevNode() as node:
        node.register(NETUID, keyfile(MINER)[1], "//Alice")
        node.hyper(NETUID, serving_rate_limit=LIMIT_BLOCKS)
        on_chain(daemon, node, MINER, node.url)
        with daemon.start().client() as client:
            first, second = (f"5.9.10.{last}:{daemon.api_port}" for last in (2, 77))
            client.until(lambda s: is_named(s, first), first)
            node.wait_block(node.number() + LIMIT_BLOCKS)
            changed_in = node.number()
            host.ip(
                "addr add 5.9.10.77/24 dev eth0",
                "addr del 5.9.10.2/24 dev eth0",
                "addr replace 5.9.10.77/24 dev eth0",
                "route replace default via 5.9.10.1",
            )
            client.until(lambda s: is_named(s, second), second)
        served = node.extrinsics("SubtensorModule.serve_axon")
        daemon.stop()
    assert [x.ok for x in served] == [True, True]
    blocks = served[1].block - changed_in
    sys.stderr.write(f"published {blocks} blocks after the address had changed\n")


def test_behind_a_router_validators_say_the_address(
    lab: Lab, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """The miner has a private address alone.  Validators beyond the router see the router's."""
    home, router, world = lab.namespace(), lab.namespace(), lab.namespace()
    lab.cable(home, "eth0", router, "lan")
    lab.cable(router, "wan", world, "port0")
    router.ip("addr add 192.168.7.1/24 dev lan", "addr add 5.9.10.2/24 dev wan")
    router.ip("route add default via 5.9.10.1")
    home.ip("addr add 192.168.7.2/24 dev eth0", "route add default via 192.168.7.1")
    world.ip("addr add 5.9.10.1/24 dev port0")
    masquerade(router, "wan")
    nvml = fake_nvml("h100")
    named = []
    with world:
        for seed in (b"v" * 32, b"w" * 32):
            validator = polarisd(nvml, start=False)
            hotkey = validator.give_hotkey(
                seed,
                node={"role": "validator"},
                heartbeat={"interval_s": 5},
                network={"public_address": "5.9.10.1", "listen_address": ""},
            )
            validator.start()
            named.append(f"{hotkey}@5.9.10.1:{validator.api_port}")
    daemon = polarisd(nvml, start=False)
    daemon.give_hotkey(
        MINER,
        heartbeat={"interval_s": 5, "validators": named},
        network={"listen_address": ""},
    )
    with home:
        daemon.start()
    with daemon.client() as client:
        snapshot = client.until(lambda s: s["network"]["endpoint"] == f"5.9.10.2:{daemon.api_port}")
        assert snapshot["network"]["ipv4"]["source"] == "validators"
        assert snapshot["network"]["behind_nat"] is True
        # Nothing is forwarded, and the validators say so.
        client.until(
            lambda s: any(port["answer"] != "open" for v in s["validators"] for port in v["ports"])
        )
        router.ip("addr add 5.9.10.99/24 dev wan", "addr del 5.9.10.2/24 dev wan")
        router.ip("addr replace 5.9.10.99/24 dev wan", "route replace default via 5.9.10.1")
        client.until(lambda s: s["network"]["endpoint"] == f"5.9.10.99:{daemon.api_port}")
