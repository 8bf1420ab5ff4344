"""A daemon on a chain: where it stands, what it publishes, and what it does when that fails."""

from __future__ import annotations

import json
from time import sleep

import pytest

from tests.daemon.client import Map, fault, faults
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd, keyfile
from tests.devnode.client import DevNode, Extrinsic
from tests.devnode.fixtures import MakeDevNode, devnode, make_devnode, runtime_cache
from tests.fakes.nvml.fixtures import FakeNvmlFactory

__all__ = ["devnode", "make_devnode", "runtime_cache"]

MINER, VALIDATOR = b"m" * 32, b"v" * 32
NETUID = 7
HOTKEY = keyfile(MINER)[1]


def on_chain(daemon: Polarisd, node: DevNode, address: str = "127.0.0.3", **chain: object) -> str:
    """Configured as `polarisctl register` does it."""
    return daemon.give_hotkey(
        MINER,
        node={"mode": "bittensor"},
        chain={
            "network": node.url,
            "netuid": NETUID,
            "genesis_hash": node.genesis_hash,
            "subnet_name": "Elsewhere",
            **chain,
        },
        network={"listen_address": "127.0.0.1", "public_address": address},
        heartbeat={"interval_s": 5},
    )


def published(node: DevNode) -> list[Extrinsic]:
    return [x for x in node.extrinsics("SubtensorModule.serve_axon") if x.signer == HOTKEY]


def names(endpoint: str) -> str:
    """For messages of `until`."""
    return f"the chain names {endpoint}"


def is_named(snapshot: Map, endpoint: str) -> bool:
    return bool(snapshot["chain"]["published"].get("endpoint") == endpoint)


def test_the_chain_is_told_where_this_machine_is_and_once(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    uid = devnode.register(NETUID, HOTKEY, "//Alice")
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    here = f"127.0.0.3:{daemon.api_port}"
    with daemon.start().client() as client:
        chain = client.until(lambda s: is_named(s, here), names(here))["chain"]
        assert (chain["state"], chain["uid"], chain["subnet_name"]) == (
            "following",
            uid,
            "Elsewhere",
        )
        assert chain["owner_coldkey"] == devnode.address("//Alice")
        devnode.wait_block(devnode.number() + 12)
    assert daemon.stop() == 0
    # Another run finds it right, and publishes nothing.
    with daemon.start().client() as client:
        client.until(lambda s: is_named(s, here), names(here))
        devnode.wait_block(devnode.number() + 12)
    (one,) = published(devnode)
    assert one.ok


def test_a_changed_address_is_published_when_the_subnet_allows(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    devnode.register(NETUID, HOTKEY, "//Alice")
    devnode.hyper(NETUID, serving_rate_limit=20)
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    first, second = f"127.0.0.3:{daemon.api_port}", f"127.0.0.4:{daemon.api_port}"
    with daemon.start().client() as client:
        client.until(lambda s: is_named(s, first), names(first))
        text = daemon.config_path.read_text().replace('"127.0.0.3"', '"127.0.0.4"')
        daemon.config_path.write_text(text)
        assert client.call("reload")["changed"] == ["network.public_address"]
        waiting = client.until(lambda s: "every 20 blocks" in s["chain"]["publication"])
        assert waiting["network"]["endpoint"] == second
        client.until(lambda s: is_named(s, second), names(second))
    before, after = published(devnode)
    assert before.ok and after.ok
    assert after.block - before.block == 20


def test_a_machine_that_is_not_registered_says_so_and_is_not_offered(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    here = f"127.0.0.3:{daemon.api_port}"
    with daemon.start().client() as client:
        snapshot = client.until(lambda s: "not_registered" in faults(s))
        assert "polarisctl register" in fault(snapshot, "not_registered")["remedy"]
        client.call("stop")
        with pytest.raises(Exception, match=f"no UID on subnet {NETUID}"):
            client.call("start")
        # Registered after all, be it on another machine: it notices by itself.
        devnode.register(NETUID, HOTKEY, "//Alice")
        client.until(lambda s: "not_registered" not in faults(s) and is_named(s, here))
        assert client.call("start")["wanted"] is True


def test_a_node_of_another_chain_is_refused(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    devnode.register(NETUID, HOTKEY, "//Alice")
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode, genesis_hash=f"0x{'5' * 64}")
    with daemon.start().client() as client:
        snapshot = client.until(lambda s: "chain_refused" in faults(s))
        assert snapshot["chain"]["state"] == "refused"
        assert snapshot["chain"]["detail"]
    assert published(devnode) == []


def test_a_node_that_is_away_is_waited_for(
    make_devnode: MakeDevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    node = make_devnode()
    node.register(NETUID, HOTKEY, "//Alice")
    node.mine()
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, node)
    here = f"127.0.0.3:{daemon.api_port}"
    node.stop()
    with daemon.start().client() as client:
        client.until(lambda s: s["chain"]["state"] == "unreachable")
        node.start()
        node.register(NETUID, HOTKEY, "//Alice")
        client.until(lambda s: is_named(s, here), names(here))


def test_a_subnet_that_was_given_to_others_is_noticed(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    devnode.register(NETUID, HOTKEY, "//Alice")
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode, subnet_name="polaris")
    with daemon.start().client() as client:
        snapshot = client.until(lambda s: "subnet_renamed" in faults(s))
        assert '"Elsewhere"' in fault(snapshot, "subnet_renamed")["text"]


def test_heartbeats_go_to_the_validators_of_the_subnet(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    validator, daemon = polarisd(nvml, start=False), polarisd(nvml, start=False)
    its_hotkey = validator.give_hotkey(
        VALIDATOR,
        node={"mode": "bittensor", "role": "validator"},
        chain={
            "network": devnode.url,
            "netuid": NETUID,
            "genesis_hash": devnode.genesis_hash,
        },
        network={"public_address": "127.0.0.2"},
    )
    devnode.register(NETUID, its_hotkey, "//Bob", stake_tao=2000, permit=True)
    devnode.register(NETUID, HOTKEY, "//Alice")
    on_chain(daemon, devnode)
    validator.start()
    there = f"127.0.0.2:{validator.api_port}"
    with validator.client() as client:
        client.until(lambda s: is_named(s, there), names(there))
    with daemon.start().client() as client:
        snapshot = client.until(
            lambda s: s["validators"] and s["validators"][0]["state"] == "ok", "an answer"
        )
        (view,) = snapshot["validators"]
        assert (view["hotkey"], view["uid"], view["endpoint"]) == (its_hotkey, 0, there)


def test_where_a_coldkey_can_be_read_nothing_is_signed(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    wallet = daemon.directory / "home" / ".bittensor" / "wallets" / "mine"
    wallet.mkdir(parents=True)
    (wallet / "coldkey").write_bytes(keyfile(b"c" * 32)[0])
    daemon.environ["HOME"] = str(daemon.directory / "home")
    daemon.spawn()
    assert daemon.wait() == 78
    assert str(wallet / "coldkey") in daemon.log()
    assert "Move it away" in daemon.log()


def test_the_fee_cannot_be_paid(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """The owner's coldkey pays for publishing, though it is never on this machine."""
    devnode.fund("//Poor", tao=1)
    devnode.register(NETUID, HOTKEY, "//Poor")
    devnode.fund("//Poor", tao=0)
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    here = f"127.0.0.3:{daemon.api_port}"
    with daemon.start().client() as client:
        snapshot = client.until(lambda s: "the last try failed" in s["chain"]["publication"])
        assert "owner_funds_low" in faults(snapshot)
        assert published(devnode) == []
        devnode.fund("//Poor", tao=1)
        client.until(lambda s: is_named(s, here), names(here))
    assert len(published(devnode)) == 1


def test_a_restart_of_the_daemon_costs_nothing_on_the_chain(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """Killed in the very moment of publishing, too."""
    devnode.register(NETUID, HOTKEY, "//Alice")
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    here = f"127.0.0.3:{daemon.api_port}"
    for _ in range(3):
        daemon.start()
        for _ in range(200):
            if devnode.submissions("SubtensorModule.serve_axon"):
                break
            sleep(0.02)
        assert daemon.process is not None
        daemon.process.kill()
        daemon.wait()
    with daemon.start().client() as client:
        client.until(lambda s: is_named(s, here), names(here))
        devnode.wait_block(devnode.number() + 6)
    assert len(published(devnode)) == 1
    assert json.dumps(published(devnode)[0].args["port"]) == str(daemon.api_port)


def test_a_chain_that_begins_anew_is_published_on_again(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """What was tried at the height of the old one does not count on the new."""
    devnode.mine(300)
    devnode.fund("//Poor", tao=1)
    devnode.register(NETUID, HOTKEY, "//Poor")
    devnode.fund("//Poor", tao=0)
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    here = f"127.0.0.3:{daemon.api_port}"
    with daemon.start().client() as client:
        client.until(lambda s: "the last try failed" in s["chain"]["publication"])
        devnode.restart(keep=False)
        devnode.register(NETUID, HOTKEY, "//Alice")
        client.until(lambda s: is_named(s, here), names(here))
    assert len(published(devnode)) == 1


def test_a_node_that_lies_does_not_end_what_is_known_of_this_machine(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    devnode.register(NETUID, HOTKEY, "//Alice")
    devnode.set("SubtensorModule", "BlockAtRegistration", [NETUID, 0], 2**64 - 1)
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    with daemon.start().client() as client:
        snapshot = client.until(lambda s: s["chain"]["unread"] and s["chain"]["uid"] == 0)
        assert "cannot be understood" in snapshot["chain"]["unread"]
        assert "unknown" in snapshot["chain"]["registered_block"]
        devnode.set("SubtensorModule", "BlockAtRegistration", [NETUID, 0], 1)
        client.until(lambda s: s["chain"]["registered_block"] == 1)
        assert client.call("snapshot")["chain"]["unread"] == ""


def test_a_node_that_streams_blocks_and_refuses_to_be_read(
    devnode: DevNode, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    devnode.register(NETUID, HOTKEY, "//Alice")
    daemon = polarisd(fake_nvml("h100"), start=False)
    on_chain(daemon, devnode)
    devnode.fault("error", method="state_getStorage*", code=-32000, message="no", data={})
    with daemon.start().client() as client:
        client.until(lambda s: s["chain"]["unread"])
        devnode.fault("garbage", method="state_call", how="wrong_scale")
        devnode.clear_calls()
        devnode.wait_block(devnode.number() + 40)
        chain = client.call("snapshot")["chain"]
        assert chain["state"] == "following" and chain["unread"]
        assert max(devnode.calls()[m] for m in ("state_call", "state_getStorageAt")) <= 12
        devnode.clear_faults()
        client.until(lambda s: s["chain"]["unread"] == "" and s["chain"]["uid"] == 0)
    assert "Traceback" not in (log := daemon.log())
    assert log.count("cannot read the chain") <= 4 and "the chain is read again" in log
