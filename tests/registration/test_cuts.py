"""Cut at any moment, a registration goes on from there: one UID, one payment, one key."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from tests.devnode.fixtures import MakeDevNode
from tests.registration.conftest import MakeHost
from tests.registration.host import Done, Host
from tests.registration.test_joining import btcli

DEADLINE_S = 20.0


def until(process: subprocess.Popen[str], holds: Callable[[], object]) -> None:
    """Fails, with what it said, if it ends before that."""
    end = time.monotonic() + DEADLINE_S
    while not holds():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise AssertionError(process.communicate())
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def progress(host: Host) -> str:
    file = host.config.parent / "registration" / "progress"
    return file.read_text() if file.exists() else ""


def whole(host: Host, done: Done) -> None:
    """It came to a good end, and was paid for once."""
    assert done.code == 0, done.err
    (sent,) = host.registrations()
    assert sent.args["hotkey"] == host.installed()
    assert host.kept == []
    assert progress(host) == ""


def test_killed_when_it_was_sent_and_lost(host: Host) -> None:
    host.node.fault("lose", count=1)
    process = host.start(*host.joining(), "--new-hotkey")
    ours = host.coldkey.ss58
    until(process, lambda: [s for s in host.node.submissions() if s.signer == ours])
    kill(process)
    (key,) = host.kept
    done = host.join()
    assert "Waiting until it is" in done.err and "nothing was paid" in done.err
    whole(host, done)
    assert key.name == f"hotkey-{host.installed()}"


def test_killed_before_it_was_sent(host: Host) -> None:
    host.node.fault("slow", method="state_*", delay_s=0.15)
    process = host.start(*host.joining(), "--new-hotkey")
    until(process, lambda: '"sent"' in progress(host))
    kill(process)
    host.node.clear_faults()
    assert host.registrations() == []
    whole(host, host.join())


def test_killed_after_it_has_landed(make_devnode: MakeDevNode, make_host: MakeHost) -> None:
    host = make_host(make_devnode(finality_lag=6))  # so that it waits a while
    process = host.start(*host.joining(), "--new-hotkey")
    until(process, host.registrations)
    kill(process)
    assert not host.credential.exists()
    whole(host, host.join())


def test_killed_again_and_again(host: Host) -> None:
    """At whatever it was doing, a little later each time."""
    for after_s in (0.3, 0.6, 0.9, 1.2, 1.5):
        process = host.start(*host.joining(), "--new-hotkey")
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            kill(process)
        else:
            process.communicate()
    whole(host, host.join("--new-hotkey"))


def test_killed_while_somebody_else_is_to_sign(host: Host) -> None:
    process = host.start(*host.joining("elsewhere"), "--new-hotkey")
    assert process.stdout is not None
    command = next(line for line in process.stdout if line.strip().startswith("btcli"))
    kill(process)
    signed = btcli(host, command)
    assert signed.returncode == 0, signed.stdout + signed.stderr
    # What the first run knew need not be said again.
    whole(host, host.run("--yes", "--subnet-name", "Polaris", "--sign", "elsewhere"))


def test_ctrl_c_while_waiting(host: Host) -> None:
    process = host.start(*host.joining("elsewhere"), "--new-hotkey")
    assert process.stdout is not None
    next(line for line in process.stdout if line.strip().startswith("btcli"))
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    done = host.end(process)
    assert done.code == 130
    assert "not registered yet; to go on" in done.err
    assert '"awaited"' in progress(host)


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
def test_the_connection_is_cut_at_the_submission(host: Host, fault: str) -> None:
    """Landed or not: it is looked up before anything is sent again."""
    host.node.fault(fault, method="author_submit*", count=1)
    whole(host, _until_it_is(host))


def test_a_submission_that_is_lost(host: Host) -> None:
    host.node.fault("lose", count=1)
    done = host.join("--new-hotkey")
    assert done.code == 1, done.err
    assert "cannot register" in done.err and "run it again" in done.err
    assert '"kept"' in progress(host)
    whole(host, host.join())


def test_another_registration_waits_for_one_that_was_sent(host: Host) -> None:
    host.node.fault("lose")
    process = host.start(*host.joining(), "--new-hotkey")
    until(process, lambda: '"sent"' in progress(host))
    second = host.join("--new-hotkey")
    assert second.code == 1
    assert "another polarisctl register or unregister is at it" in second.err
    kill(process)
    words = ["7" if word == "49" else word for word in host.joining()]
    other = host.run(*words)
    assert other.code == 4
    assert "was sent, and its end was not seen" in other.err
    assert host.registrations() == []


def _until_it_is(host: Host) -> Done:
    """As a person does: again, if it says so."""
    done = host.join("--new-hotkey")
    return done if done.code == 0 else host.join()
