"""Nobody pays for what they did not confirm, and nobody is told that somebody else's is theirs."""

from __future__ import annotations

import json
import resource
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from polarisctl.registration.chain import Chain, NotThere, Seen, watch
from polarisctl.registration.networks import Network
from polarisd import keys
from tests.devnode.fixtures import MakeDevNode
from tests.registration.conftest import MakeHost
from tests.registration.host import Host
from tests.registration.test_cuts import progress, until


def hotkey_file(host: Host) -> tuple[str, str]:
    """The address of a key that others know of, and its file."""
    hotkey, _ = keys.new()
    file = host.root / "hot"
    file.write_bytes(keys.keyfile(hotkey))
    return hotkey.ss58, str(file)


def asked(host: Host) -> list[str]:
    return [word for word in host.joining() if word != "--yes"]


class TestOwner:
    def test_somebody_else_paid_while_it_was_awaited(self, host: Host) -> None:
        ours, bob = host.coldkey.ss58, host.node.address("//Bob")
        words = ("--new-hotkey", "--wait", "0", "--coldkey", ours, "--json")
        first = host.run(*host.joining("elsewhere"), *words)
        hotkey = first.answer["hotkey"]
        host.node.register(49, hotkey, "//Bob")
        again = host.run("--yes", "--subnet-name", "Polaris", "--sign", "elsewhere", "--json")
        assert again.code == 4, again.err
        answer = again.answer
        assert (answer["registered"], answer["changed"], answer["coldkey"]) == (True, False, bob)
        assert f"what it earns goes to {bob}" in answer["error"]["message"]
        assert not host.credential.exists()
        # The remedy works: who means that coldkey says so.
        assert [path.name for path in host.kept] == [f"hotkey-{hotkey}"]
        claimed = ("--hotkey-file", str(host.kept[0]), "--coldkey", bob, "--json")
        done = host.run(*host.joining("elsewhere"), *claimed)
        assert (done.code, done.answer["coldkey"]) == (0, bob), done.err

    def test_the_race_for_the_own_hotkey_is_lost(self, host: Host) -> None:
        hotkey, file = hotkey_file(host)
        with host.tty(*asked(host), "--hotkey-file", file) as tty:
            tty.until_shown("Pay at most τ0.")
            host.node.register(49, hotkey, "//Bob")
            tty.press("y\r")
            tty.until_shown("but it belongs to", host.node.address("//Bob"))
            assert tty.wait() == 4
        assert host.registrations() == []
        assert not host.credential.exists()

    def test_who_owns_it_is_told_where_nobody_said_who_pays(self, host: Host) -> None:
        hotkey, file = hotkey_file(host)
        host.node.register(49, hotkey, "//Bob")
        done = host.run(*host.joining("elsewhere"), "--hotkey-file", file)
        assert done.code == 0, done.err
        assert f"owner          {host.node.address('//Bob')}" in done.out


class TestChangedHands:
    @pytest.mark.parametrize("change", ["name", "owner"])
    def test_between_the_answer_and_the_payment(
        self, make_devnode: MakeDevNode, make_host: MakeHost, change: str
    ) -> None:
        host = make_host(make_devnode())
        _, file = hotkey_file(host)
        with host.tty(*asked(host), "--hotkey-file", file) as tty:
            tty.until_shown("Pay at most τ0.")
            if change == "name":
                host.node.name(49, "Nepher Robotics")
            else:
                bob = host.node.address("//Bob")
                host.node.set("SubtensorModule", "SubnetOwner", [49], bob)
            tty.press("y\r")
            tty.until_shown("when it was shown", "nothing was sent")
            assert tty.wait() == 4
        assert host.registrations() == []

    def test_it_is_another_chain_by_now(
        self, make_devnode: MakeDevNode, make_host: MakeHost
    ) -> None:
        node = make_devnode()
        host = make_host(node)
        _, file = hotkey_file(host)
        with host.tty(*asked(host), "--hotkey-file", file) as tty:
            tty.until_shown("Pay at most τ0.")
            node.restart(keep=False, seed="another")
            node.fund(host.coldkey.ss58, tao=5)
            tty.press("y\r")
            tty.until_shown("of another chain")
            assert tty.wait() == 4
        assert host.registrations() == []


class TestBeforeItIsPaid:
    def test_the_key_can_be_put_in_place(self, host: Host) -> None:
        (host.credential.parent / ".probe.new").mkdir(parents=True)
        done = host.join("--new-hotkey")
        assert done.code == 1
        assert f"cannot write {host.credential.parent}" in done.err
        assert "nothing was sent" in done.err
        assert host.node.submissions() == [] or host.registrations() == []
        assert host.kept == []

    def test_what_was_typed_ahead_is_no_yes(self, host: Host) -> None:
        _, file = hotkey_file(host)
        with host.tty(*asked(host), "--hotkey-file", file) as tty:
            tty.until_shown("looking at")
            tty.press("y\r")
            tty.until_shown("Pay at most τ0.")
            tty.press("n\r")
            tty.until_shown("the answer was not yes")
            assert tty.wait() == 1
        assert host.registrations() == []

    def test_no_core_is_left_of_its_memory(self, host: Host) -> None:
        before = resource.getrlimit(resource.RLIMIT_CORE)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CORE, (1 << 20, before[1]))
        if resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
            pytest.skip("no program here may leave a core anyway")
        try:
            process = host.start(*host.joining("elsewhere"), "--new-hotkey")
        finally:
            resource.setrlimit(resource.RLIMIT_CORE, before)
        assert process.stdout is not None
        next(line for line in process.stdout if line.strip().startswith("btcli"))
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        process.send_signal(signal.SIGINT)
        (core,) = [line.split() for line in limits.splitlines() if line.startswith("Max core")]
        assert core[4] == "0"

    def test_yes_has_a_limit(self, host: Host) -> None:
        words = [word for word in host.joining() if word not in ("--max-price", "0.1")]
        done = host.run(*words, "--new-hotkey")
        assert done.code == 2
        assert "without --max-price TAO" in done.err


def test_a_uid_counts_once_it_is_final(make_devnode: MakeDevNode) -> None:
    node = make_devnode(finality_lag=6)
    hotkey, _ = keys.new()
    node.mine(8)
    node.pause()
    node.register(49, hotkey.ss58, "//Bob")
    node.mine(1)
    with Chain(Network(node.url)) as chain:

        def look(wait_s: float) -> Seen | NotThere:
            return chain.run(
                lambda port: watch(port, 49, hotkey.ss58, wait_s=wait_s, tell=lambda _: None)
            )

        assert isinstance(look(0.0), NotThere)
        node.mine(8)
        seen = look(5.0)
        assert isinstance(seen, Seen) and seen.owner == node.address("//Bob")


def test_ctrl_c_after_it_was_sent(host: Host) -> None:
    host.node.fault("lose")
    process = host.start(*host.joining(), "--new-hotkey")
    until(process, lambda: '"sent"' in progress(host))
    process.send_signal(signal.SIGINT)
    done = host.end(process)
    assert done.code == 130
    assert "A transaction may be under way.  Run it again" in done.err


def test_a_restart_that_is_owed_is_done(host: Host) -> None:
    assert host.join("--new-hotkey", "--no-restart", "--json").answer["daemon"] == "left"
    # It is not the host's own daemon: who runs it is told to restart it.
    assert host.join("--json").answer["daemon"] == "unknown"
    assert host.join("--json").answer["daemon"] == "unchanged"


def test_the_way_out_of_a_chain_that_was_made_anew(host: Host) -> None:
    words = ("--new-hotkey", "--wait", "0", "--json")
    first = host.run(*host.joining("elsewhere"), *words)
    file = host.config.parent / "registration" / "progress"
    begun = json.loads(file.read_text())
    file.write_text(json.dumps({**begun, "genesis_hash": "0x" + "1" * 64}))
    done = host.run(*host.joining("elsewhere"), "--wait", "0")
    assert done.code == 4
    assert f"the registration that was begun ({file.parent}) has 0x1111" in done.err
    left = host.run("--no-chain", "--yes", verb="unregister")
    assert left.code == 0, left.err
    assert f"hotkey-{first.answer['hotkey']}" in left.err
    assert progress(host) == "" and len(host.kept) == 1
    assert host.run(*host.joining("elsewhere"), *words).code == 1
    assert '"awaited"' in progress(host)


def test_what_was_sent_is_given_up_by_nobody_but_a_person(host: Host) -> None:
    host.run(*host.joining("elsewhere"), "--new-hotkey", "--wait", "0")
    file = host.config.parent / "registration" / "progress"
    file.write_text(file.read_text().replace('"awaited"', '"sent"'))
    assert host.run("--no-chain", "--yes", verb="unregister").code == 4
    with host.tty("--no-chain", verb="unregister") as tty:
        tty.until_shown("it may be paid for", "Go on?")
        tty.press("y\r")
        assert tty.wait() == 0
    assert progress(host) == "" and len(host.kept) == 1
