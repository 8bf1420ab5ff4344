"""Signals: stopping in order, reloading; and what clients see of both."""

from __future__ import annotations

import signal
from time import monotonic

import pytest

from tests.daemon.client import DEADLINE_S, Refused, fault, faults
from tests.daemon.conftest import PolarisdFactory
from tests.fakes.nvml.fixtures import FakeNvmlFactory


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_tells_every_client(
    number: signal.Signals, fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100", count=2))
    clients = [daemon.client() for _ in range(12)]
    for client in clients:
        client.call("config")
    for client in clients[6:]:
        client.call("watch", interval_s=0.05)
    begun = monotonic()
    daemon.signal(number)
    for client in clients:
        farewell = client.farewell()
        assert farewell["code"] == "stopping"
        assert farewell["hint"]
        client.close()
    assert daemon.wait() == 0
    assert monotonic() - begun < 2
    assert "STOPPING=1" in daemon.told


def test_a_client_that_does_not_read_does_not_hold_up_the_end(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"))
    with daemon.client() as deaf:
        deaf.call("watch", interval_s=0.05)
        for _ in range(50):
            try:
                deaf.send_some(b"\x94\x00\x01\xa8snapshot\x80" * 500)
            except BlockingIOError:
                break
        begun = monotonic()
        assert daemon.stop() == 0
        assert monotonic() - begun < 3


def test_stopping_while_the_driver_hangs(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    nvml.hang("nvmlInitWithFlags")
    daemon = polarisd(nvml, start=False)
    daemon.spawn()
    until = monotonic() + DEADLINE_S
    while not daemon.socket_path.is_socket() or not nvml.calls()["nvmlInitWithFlags"]:
        assert monotonic() < until
    begun = monotonic()
    assert daemon.stop() == 0
    assert monotonic() - begun < 4


def test_a_stopped_daemon_keeps_what_it_was_told(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"), start=False)
    daemon.give_hotkey(b"1" * 32)
    with daemon.start().client() as client:
        first = client.call("stop")
        again = client.call("stop")
        assert (first["changed"], again["changed"]) == (True, False)
        assert first["since_at"] == again["since_at"]
        # Written before it is answered: a crash cannot undo it.
        assert daemon.process is not None
        daemon.process.kill()
    daemon.wait()
    with daemon.start().client() as client:
        offering = client.snapshot()["daemon"]["offering"]
        assert offering == {"wanted": False, "since_at": first["since_at"]}
        assert client.call("start")["changed"] is True
    daemon.stop()
    with daemon.start().client() as client:
        assert client.snapshot()["daemon"]["offering"]["wanted"] is True


def test_a_state_directory_that_cannot_be_written_refuses_and_goes_on(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"))
    with daemon.client() as client:
        # As root permissions say nothing, so the directory itself is gone.
        aside = daemon.state_directory.rename(daemon.directory / "aside")
        with pytest.raises(Refused, match=r"cannot write .*offering.json") as refused:
            client.call("stop")
        assert refused.value.code == "refused"
        snapshot = client.until(lambda s: "state_not_saved" in faults(s))
        assert snapshot["daemon"]["offering"]["wanted"] is True
        aside.rename(daemon.state_directory)
        client.until(lambda s: not faults(s))
        assert client.call("stop")["changed"] is True
    assert "disk_error" in daemon.log()


def test_reloading_by_signal(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    nvml = fake_nvml("h100", count=2)
    daemon = polarisd(nvml)
    with daemon.client() as client:
        daemon.configure({"gpu": {"withhold": [nvml.uuid(1)]}})
        daemon.signal(signal.SIGHUP)
        snapshot = client.until(lambda s: s["gpus"][1]["withheld_by"])
        assert snapshot["gpus"][1]["withheld_by"] == ["withheld_by_owner"]
        assert snapshot["gpus"][0]["withheld_by"] == []
        assert client.call("config")["values"]["gpu"]["withhold"] == [nvml.uuid(1)]

        daemon.config_path.write_text("[gpu]\nsample_interval_s = 0\n[polaris]\n")
        daemon.signal(signal.SIGHUP)
        snapshot = client.until(lambda s: "config_not_applied" in faults(s))
        assert "sample_interval_s" in fault(snapshot, "config_not_applied")["text"]
        assert snapshot["gpus"][1]["withheld_by"] == ["withheld_by_owner"]
        with pytest.raises(Refused) as refused:
            client.call("reload")
        assert refused.value.code == "bad_config"
        assert len(refused.value.error["message"].splitlines()) == 2

        daemon.configure({})
        daemon.signal(signal.SIGHUP)
        snapshot = client.until(lambda s: not faults(s))
        assert snapshot["gpus"][1]["withheld_by"] == []
    daemon.stop()
    told = daemon.told
    lines = [line for line in told if line.startswith("STATUS=")]
    assert any(line.endswith("; offering; configuration refused") for line in lines)
    assert lines[-1] == "STATUS=2 of 2 GPUs able to work; offering"
    assert told.count("RELOADING=1") == 3
    # Each reload ends, good or bad; the first is that of the start.
    assert told.count("READY=1") == 4


def test_a_reload_does_not_end_a_start(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """READY means that the GPUs are known; a reload before that must not say so."""
    nvml = fake_nvml("h100")
    nvml.hang("nvmlInitWithFlags")
    daemon = polarisd(nvml, start=False)
    daemon.spawn()
    until = monotonic() + DEADLINE_S
    while not nvml.calls()["nvmlInitWithFlags"]:
        assert monotonic() < until
    daemon.config_path.write_text("[gpu]\nsample_interval_s = 0\n")
    daemon.signal(signal.SIGHUP)
    with daemon.client() as client:
        client.until(lambda s: "config_not_applied" in faults(s))
    assert daemon.stop() == 0
    assert "READY=1" not in daemon.told
    assert "RELOADING=1" not in daemon.told


def test_what_needs_a_restart_is_named_and_not_used(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"))
    with daemon.client() as client:
        changes = {"control": {"max_sessions": 3}, "gpu": {"history_s": 60}}
        daemon.configure(changes)
        answer = {"changed": ["gpu.history_s"], "needs_restart": ["control.max_sessions"]}
        assert client.call("reload") == answer
        assert client.call("reload") == {**answer, "changed": []}
        values = client.call("config")["values"]
        assert values["control"]["max_sessions"] == 64
        assert values["gpu"]["history_s"] == 60


def test_a_new_pace_begins_at_once(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> None:
    nvml = fake_nvml("h100")
    slow = {"gpu": {"sample_interval_s": 60, "condition_interval_s": 60}}
    daemon = polarisd(nvml, slow)
    with daemon.client() as client:
        daemon.configure({})
        assert "gpu.sample_interval_s" in client.call("reload")["changed"]
        times = {client.snapshot()["gpus"][0]["sample"]["read_at"]}
        until = monotonic() + 3
        while len(times) < 6:
            assert monotonic() < until, "it still reads once a minute"
            times.add(client.snapshot()["gpus"][0]["sample"]["read_at"])
