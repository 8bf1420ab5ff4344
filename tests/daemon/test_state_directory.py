"""What an earlier run left in the state directory, and who may have it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.daemon.client import fault, faults
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd
from tests.fakes.nvml.fixtures import FakeNvmlFactory

IN_USE, NO_PERMISSION = 69, 77


@pytest.fixture
def idle(fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory) -> Polarisd:
    """Configured, with nothing wrong yet."""
    return polarisd(fake_nvml("h100"), start=False)


def exit_of(daemon: Polarisd) -> tuple[int, str]:
    """Start it, and see how it ends and what it said."""
    daemon.spawn()
    code = daemon.wait()
    assert len(daemon.log().splitlines()) <= 10
    return code, daemon.log()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 99}', b"\xff", b"{}" * 9])
def test_a_state_that_cannot_be_understood_is_not_offered(content: bytes, idle: Polarisd) -> None:
    """What was remembered is lost then, and the daemon starts; its owner decides."""
    for name in ("gpus.json", "offering.json"):
        (idle.state_directory / name).write_bytes(content)
    with idle.start().client() as client:
        snapshot = client.until(lambda s: "state_unreadable" in faults(s))
    assert snapshot["daemon"]["offering"]["wanted"] is False
    assert snapshot["gpus"][0]["state"] == "ok"
    assert fault(snapshot, "state_unreadable")["severity"] == "error"
    idle.stop()
    with idle.start().client() as client:
        # The GPUs have been written down again; whether to offer is still not known.
        snapshot = client.until(lambda s: "state_unreadable" in faults(s))
        assert "offering.json" in fault(snapshot, "state_unreadable")["text"]
        assert client.call("stop")["changed"] is False
        client.until(lambda s: not faults(s))
    idle.stop()
    with idle.start().client() as client:
        snapshot = client.snapshot()
        assert (snapshot["daemon"]["offering"]["wanted"], faults(snapshot)) == (False, set())
    assert (idle.state_directory / "gpus.json.bad").read_bytes() == content
    assert "gpus.json" in idle.log()


@pytest.mark.parametrize("name", ["gpus.json", "offering.json", "lock"])
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_a_state_that_cannot_be_read(
    name: str, make: Callable[[Path], None], idle: Polarisd
) -> None:
    """Not a document at all: that is for a person to look at.  It must not hang."""
    make(idle.state_directory / name)
    if name == "lock" and make is os.mkfifo:
        idle.start()  # which can be locked as well
        return
    code, log = exit_of(idle)
    assert code == NO_PERMISSION
    assert f"{name}: " in log


def test_one_state_directory_has_one_daemon(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    nvml = fake_nvml("h100")
    first = polarisd(nvml)
    second = polarisd(nvml, {"state": {"directory": str(first.state_directory)}}, start=False)
    code, log = exit_of(second)
    assert code == IN_USE
    assert f"cannot use the state directory {first.state_directory}: another polarisd does" in log
    assert "systemctl stop polarisd" in log
    assert not second.socket_path.exists()
    # Not even a child that outlives the daemon keeps it.
    children = first.children()
    assert children
    for child in children:
        os.kill(child, signal.SIGSTOP)
    try:
        assert first.process is not None
        first.process.kill()
        first.wait()
        second.start()
    finally:
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def test_the_first_start_is_remembered(idle: Polarisd) -> None:
    with idle.start().client() as client:
        first = client.snapshot()["daemon"]["offering"]
    idle.stop()
    with idle.start().client() as client:
        assert client.snapshot()["daemon"]["offering"] == first
