"""A daemon in the world, where there is no chain: its face, its heartbeats, its hotkey."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from time import sleep

import trio

from polarisd.heartbeat.document import Signed, is_genuine, parse_envelope
from polarisd.http.client import Courier
from polarisd.http.delivery import Answer
from polarisd.keys import from_seed
from tests.daemon.client import Map, fault
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd
from tests.fakes.nvml.fixtures import FakeNvmlFactory

MINER, VALIDATOR, STRANGER = (bytes([number]) * 32 for number in (1, 2, 3))


def answers(port: int) -> Map:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as reply:
        said: Map = json.loads(reply.read())
        return said


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def miner(daemon: Polarisd, *validators: str) -> str:
    return daemon.give_hotkey(
        MINER,
        heartbeat={"interval_s": 5, "validators": list(validators)},
        network={"listen_address": "127.0.0.1", "public_address": "127.0.0.1"},
    )


def test_without_a_hotkey_nobody_is_in_the_world(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    with polarisd(fake_nvml("h100")).client() as client:
        snapshot = client.until(lambda s: s["faults"])
        assert "polarisctl register" in fault(snapshot, "no_identity")["remedy"]
        assert snapshot["chain"]["hotkey"] == ""
        assert snapshot["network"]["endpoint"]["unknown"] == "not_read_yet"


def test_a_hotkey_that_cannot_be_used_is_said_to_be(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    miner(daemon)
    credential = daemon.directory / "credentials" / "polaris_hotkey"
    credential.write_bytes(b"$NACL" + bytes(100))
    with daemon.start().client() as client:
        shown = fault(client.until(lambda s: s["faults"]), "hotkey_unusable")
        assert "it is encrypted" in shown["text"]
        assert "without a password" in shown["remedy"]
    assert not listens(daemon.api_port)


def test_a_face_says_who_is_there(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    hotkey = miner(daemon)
    with daemon.start().client() as client:
        client.until(lambda s: s["network"]["endpoint"] == f"127.0.0.1:{daemon.api_port}")
        said = answers(daemon.api_port)
        assert (said["hotkey"], said["role"]) == (hotkey, "miner")


def test_offering_ends_and_begins_with_the_face(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    miner(daemon)
    with daemon.start().client() as client:
        assert listens(daemon.api_port)
        client.call("stop")
        for _ in range(100):
            if not listens(daemon.api_port):
                break
            sleep(0.05)
        assert not listens(daemon.api_port)
        client.call("start")
        for _ in range(100):
            if listens(daemon.api_port):
                break
            sleep(0.05)
        assert answers(daemon.api_port)["role"] == "miner"


def test_a_port_that_is_taken_is_waited_for(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False, hurried=True)
    miner(daemon)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", daemon.api_port))
        squatter.listen()
        with daemon.start().client() as client:
            snapshot = client.until(lambda s: "api_port_taken" in str(s["faults"]))
            shown = fault(snapshot, "api_port_taken")
            assert str(daemon.api_port) in shown["text"]
            squatter.close()
            client.until(lambda s: "api_port_taken" not in str(s["faults"]))
            assert answers(daemon.api_port)["role"] == "miner"


def test_a_miner_and_a_validator_find_each_other(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100", count=2)
    validator, daemon = polarisd(nvml, start=False), polarisd(nvml, start=False)
    its_hotkey = validator.give_hotkey(
        VALIDATOR, node={"role": "validator"}, heartbeat={"interval_s": 5}
    )
    validator.start()
    mine = miner(daemon, f"{its_hotkey}@127.0.0.1:{validator.api_port}")
    with daemon.start().client() as client:
        # The look at our ports is told with the next heartbeat.
        snapshot = client.until(lambda s: s["validators"] and s["validators"][0]["ports"])
        (view,) = snapshot["validators"]
        assert (view["hotkey"], view["state"], view["detail"]) == (its_hotkey, "ok", "")
        assert view["sees_us_as"] == "127.0.0.1"
        ports = {seen["port"]: seen["answer"] for seen in view["ports"]}
        assert ports[daemon.api_port] == "open"
        assert ports[11000] == "closed"
        assert abs(view["clock_ahead_s"]) < 1
    with validator.client() as client:
        miners = client.until(lambda s: s["miners"]["heard_lately"])["miners"]
        assert (miners["known"], miners["equivocated"]) == (1, 0)
    assert validator.stop() == 0
    book = json.loads((validator.state_directory / "miners.json").read_text())
    assert mine in str(book)


def test_a_heartbeat_is_told_to_whoever_asks_and_signs(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100", count=2), start=False)
    hotkey = miner(daemon)

    async def ask() -> Signed:
        async with Courier(hotkey=from_seed(STRANGER)) as courier:
            answer = await courier.get(
                f"127.0.0.1:{daemon.api_port}", "/v1/heartbeat", receiver=hotkey, deadline_s=5
            )
        assert isinstance(answer, Answer), answer
        signed = parse_envelope(answer.document)
        assert isinstance(signed, Signed)
        assert is_genuine(signed)
        return signed

    with daemon.start().client() as client:
        client.until(lambda s: s["gpus"] and s["network"]["endpoint"])
        first, second = trio.run(ask).heartbeat, trio.run(ask).heartbeat
    assert first.hotkey == hotkey
    assert (first.network, first.netuid) == ("independent", 0)
    assert len(first.gpus) == 2
    # A stranger cannot use up numbers: he is shown the newest that there is.
    assert 0 <= second.sequence - first.sequence < 5
    # Neither a crash nor a restart brings a number back.
    assert daemon.process is not None
    daemon.process.kill()
    daemon.wait()
    daemon.start()
    assert trio.run(ask).heartbeat.sequence > second.sequence


def test_secrets_do_not_show(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    miner(daemon)
    keyfile = json.loads((daemon.directory / "credentials" / "polaris_hotkey").read_text())
    with daemon.start().client() as client:
        shown = str(client.snapshot()) + str(client.call("config"))
    shown += daemon.log()
    for name in ("environ", "cmdline"):
        with open(f"/proc/{daemon.pid}/{name}", "rb") as file:
            shown += file.read().decode(errors="replace")
    for kept in daemon.state_directory.rglob("*"):
        shown += kept.read_text(errors="replace") if kept.is_file() else ""
    for secret in (keyfile["privateKey"], MINER.hex()):
        assert secret.removeprefix("0x") not in shown
