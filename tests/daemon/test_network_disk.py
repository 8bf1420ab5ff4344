"""What a disk does to heartbeats: it is a fault, or a line in the journal, and never the end."""

from __future__ import annotations

from tests.daemon.client import fault
from tests.daemon.conftest import PolarisdFactory
from tests.fakes.nvml.fixtures import FakeNvmlFactory

MINER, VALIDATOR = (bytes([number]) * 32 for number in (1, 2))
LOCAL = {"listen_address": "127.0.0.1", "public_address": "127.0.0.1"}


def test_heartbeats_that_cannot_be_numbered_are_a_fault(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    validator, daemon = polarisd(nvml, start=False), polarisd(nvml, start=False)
    hotkey = validator.give_hotkey(VALIDATOR, node={"role": "validator"}, network=LOCAL)
    in_the_way = validator.state_directory / "miners.json"
    in_the_way.mkdir(parents=True)
    validator.start()
    assert f"cannot read {in_the_way}, which begins anew" in validator.log()
    named = [f"{hotkey}@127.0.0.1:{validator.api_port}"]
    daemon.give_hotkey(MINER, heartbeat={"interval_s": 5, "validators": named}, network=LOCAL)
    numbers = daemon.state_directory / "heartbeats.json"
    numbers.mkdir(parents=True)
    with daemon.start().client() as client:
        snapshot = client.until(lambda s: "heartbeats_not_sent" in str(s["faults"]))
        shown = fault(snapshot, "heartbeats_not_sent")
        assert "cannot number heartbeats" in shown["text"]
        assert "disk" in shown["remedy"]
        client.call("stop")
        client.until(lambda s: "heartbeats_not_sent" not in str(s["faults"]))
        numbers.rmdir()
        client.call("start")
        client.until(lambda s: [each["state"] for each in s["validators"]] == ["ok"])
    assert validator.stop() == 0
