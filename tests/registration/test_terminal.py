"""`polarisctl register` as a person meets it: questions on a real terminal."""

from __future__ import annotations

import json

from polarisd import config, keys
from tests.registration.host import Host
from tests.terminal.tty import Tty


def answer(tty: Tty, question: str, text: str) -> None:
    tty.until_shown(question)
    tty.press(f"{text}\r")


def to_the_subnet(host: Host, tty: Tty) -> None:
    """The questions that lead to what the chain says."""
    answer(tty, "How is it to belong?", "bittensor")
    answer(tty, "Which network?", "other")
    answer(tty, "address of the node", host.node.url)
    answer(tty, "netuid of the subnet", "49")
    answer(tty, "The hotkey that this machine signs with", "1")


def test_from_nothing_to_a_uid(host: Host) -> None:
    with host.tty("--no-restart") as tty:
        to_the_subnet(host, tty)
        answer(tty, "Where is the coldkey that pays?", "2")
        answer(tty, "which wallet? (cold)", "cold")
        answer(tty, "Pay at most τ0.", "y")
        tty.until_shown("Show its mnemonic, once, on this terminal?")
        tty.press("y\r")
        shown = tty.until_shown("Write it down, then press Enter")
        (kept,) = host.kept
        mnemonic = json.loads(kept.read_bytes())["secretPhrase"]
        assert mnemonic in shown
        tty.press("\r")
        tty.until(lambda text: mnemonic.split()[0] not in text.split(), "it gone")
        tty.until_shown("registered: hotkey", "has UID", "was not restarted (--no-restart)")
        assert tty.wait() == 0
        assert tty.raw.decode().count(mnemonic) == 1
        host.search(tty.raw.decode().replace(mnemonic, ""))
    assert keys.from_mnemonic(mnemonic).ss58 == host.installed()
    assert config.load(host.config).node.mode == "bittensor"


def test_a_foreign_subnet_is_said_plainly_and_no_is_the_answer(host: Host) -> None:
    host.node.name(49, "Nepher Robotics")
    host.node.mine(1)
    with host.tty() as tty:
        to_the_subnet(host, tty)
        tty.until_shown("Subnet 49 calls itself 'Nepher Robotics' and not Polaris")
        answer(tty, "Register on subnet 49 all the same? [y/N]", "")
        tty.until_shown("nothing was done: the answer was not yes")
        assert tty.wait() == 1
    assert host.registrations() == []
    assert host.kept == [] and not host.credential.exists()


def test_a_mnemonic_that_is_typed_is_not_shown(host: Host) -> None:
    hotkey, mnemonic = keys.new()
    words = [word for word in host.joining() if word not in ("--password-fd", "0")]
    with host.tty(*words, "--import") as tty:
        tty.until_shown("mnemonic or seed of the hotkey (not shown)")
        tty.press(mnemonic + "\r")
        tty.until_shown("registered: hotkey")
        assert tty.wait() == 0
        host.secrets.add(mnemonic)
        host.search(tty.raw.decode())
    assert host.installed() == hotkey.ss58


def test_ctrl_c_and_the_end_of_the_input_at_a_question(host: Host) -> None:
    for key, code in (("\x03", 130), ("\x04", 1)):
        with host.tty() as tty:
            tty.until_shown("How is it to belong?")
            tty.press(key)
            assert tty.wait() == code
            assert "Traceback" not in tty.text()
    with host.tty(*host.joining()[:-2], "--import") as tty:
        tty.until_shown("(not shown)")
        tty.press("half of a \x03")
        assert tty.wait() == 130
        assert "half" not in tty.text()
        assert not tty.is_raw()
    assert host.kept == []


def test_answers_that_cannot_be_used_are_asked_for_again(host: Host) -> None:
    with host.tty() as tty:
        answer(tty, "which?", "9")
        tty.until_shown("answer with a number from 1 to 3")
        tty.press("1\r")
        answer(tty, "Which network?", "4")
        answer(tty, "address of the node", "http://x")
        tty.until_shown("does not begin with ws://")
        tty.press(f"{host.node.url}\r")
        answer(tty, "netuid of the subnet", "none")
        tty.until_shown("is not a netuid")
        tty.press("\x03")
        assert tty.wait() == 130


def test_an_independent_host(host: Host) -> None:
    with host.tty("--mode", "independent") as tty:
        answer(tty, "The hotkey that this machine signs with", "1")
        answer(tty, "Show its mnemonic", "n")
        tty.until_shown("belongs to no chain")
        assert tty.wait() == 0
        host.search(tty.raw.decode())
    assert config.load(host.config).node.mode == "independent"
    with host.tty("--remove-key", verb="unregister") as tty:
        tty.until_shown("No other copy was found on this host")
        answer(tty, "Go on? [y/N]", "")
        assert tty.wait() == 1
    assert host.installed()


def test_ctrl_c_clears_the_mnemonic_and_it_is_not_shown_again(host: Host) -> None:
    words = ("--mode", "independent", "--new-hotkey", "--show-mnemonic")
    with host.tty(*words) as tty:
        tty.until_shown("Write it down, then press Enter")
        (kept,) = host.kept
        mnemonic = json.loads(kept.read_bytes())["secretPhrase"]
        tty.press("\x03")
        assert tty.wait() == 130
        assert mnemonic.split()[0] not in tty.text().split()
    with host.tty(*words) as tty:
        tty.until_shown("is not shown again", "secretPhrase", "belongs to no chain")
        assert tty.wait() == 0
        assert mnemonic not in tty.raw.decode()


def test_a_terminal_is_no_file_to_read_a_secret_from(host: Host) -> None:
    with host.tty(*host.joining(), "--mnemonic-fd", "3", "--password-fd", "0") as tty:
        assert tty.wait() != 0
    with host.tty("--mode", "independent", "--yes", "--mnemonic-fd", "0") as tty:
        tty.until_shown("it is a terminal, which would show what is typed")
        assert tty.wait() == 2
