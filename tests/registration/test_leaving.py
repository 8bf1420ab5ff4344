"""`unregister` on a chain that does not let the endpoint go at once."""

from __future__ import annotations

import signal

from hypothesis import given
from hypothesis import strategies as st

from polarisctl.registration.chain import Chain, wait_for_block
from polarisctl.registration.leaving import blocks_to_wait
from polarisctl.registration.networks import parse_network
from polarisd import config
from polarisd.chain.port import ChainPort
from polarisd.chain.values import Axon
from tests.devnode.client import DevNode
from tests.registration.host import Host
from tests.registration.test_cuts import until

LIMIT_BLOCKS = 25


def served(host: Host, limit_blocks: int = LIMIT_BLOCKS) -> str:
    """Registered, and published just now."""
    assert host.join("--new-hotkey").code == 0
    hotkey = host.installed()
    host.node.hyper(49, serving_rate_limit=limit_blocks)
    host.node.serve(49, hotkey, "203.0.113.7:8000")
    return hotkey


def test_it_waits_until_the_subnet_lets_the_endpoint_go(host: Host) -> None:
    hotkey = served(host)
    published = host.node.get("SubtensorModule", "Axons", 49, hotkey)["block"]
    done = host.run("--yes", "--json", verb="unregister")
    assert done.code == 0, done.err
    assert done.answer["withdrawn"] is True
    assert f"published at block {published:,}" in done.err
    assert f"every {LIMIT_BLOCKS} blocks: waiting for " in done.err
    axon = host.node.get("SubtensorModule", "Axons", 49, hotkey)
    assert (axon["ip"], axon["block"] - published >= LIMIT_BLOCKS) == (0, True)


def test_ctrl_c_ends_the_waiting_and_it_can_be_run_again(host: Host) -> None:
    hotkey = served(host, limit_blocks=5000)
    process = host.start("--yes", verb="unregister")
    until(process, lambda: config.load(host.config).node.mode == "independent")
    assert process.stderr is not None
    said = ""
    while "waiting for" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    process.send_signal(signal.SIGINT)
    assert host.end(process).code == 130
    assert host.node.get("SubtensorModule", "Axons", 49, hotkey)["ip"]
    assert config.load(host.config).chain.netuid == 49
    host.node.hyper(49, serving_rate_limit=0)
    done = host.run("--yes", "--json", verb="unregister")
    assert (done.code, done.answer["withdrawn"]) == (0, True), done.err


def test_the_waiting_has_an_end(node: DevNode) -> None:
    async def wait(port: ChainPort) -> bool:
        return await wait_for_block(port, 10**9, wait_s=0.5)

    with Chain(parse_network(node.url)) as chain:
        assert chain.run(wait) is False


@given(st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**6))
def test_what_is_sent_then_lands_when_it_may(at: int, limit_blocks: int, head: int) -> None:
    blocks = blocks_to_wait(
        Axon(endpoint=None, block=at, version=0, protocol=4), limit_blocks, head
    )
    lands = head + blocks + 1
    assert blocks >= 0
    assert at == 0 or lands - at >= limit_blocks
    assert blocks == 0 or at + limit_blocks == lands  # and no block later
