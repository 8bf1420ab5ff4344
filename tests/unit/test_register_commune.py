"""`register --mode commune`: another interpreter, asked over its stdin, believed with care."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polarisctl.registration.commune import ask, outcome
from polarisd import keys
from polarisd.api.errors import ControlError
from tests.fakes.commune import interpreter, script
from tests.unit.ctl_support import ctl

ENDPOINT = "203.0.113.7:8000"
Host = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return interpreter(tmp_path_factory.mktemp("communex"))


@pytest.fixture
def register(tmp_path: Path, python: Path) -> Host:
    """`polarisctl register --mode commune` on a host in tmp_path."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "polaris.toml").write_text("[node]\n# what it is\nrole = 'miner'\n")

    def run(*words: str, python: Path | None = python) -> tuple[int, str, str]:
        named = ("--commune-python", str(python)) if python else ()
        return ctl(
            *("register", "--mode", "commune", "--yes", "--network", "wss://node.example"),
            *("--subnet-name", "polaris", "--module-name", "gpu-7", "--endpoint", ENDPOINT),
            *("--config", str(tmp_path / "etc" / "polaris.toml")),
            *("--credentials", str(tmp_path / "etc" / "credentials")),
            *named,
            *words,
            HOME=str(tmp_path),
            PATH=f"{os.path.dirname(sys.executable)}:{os.defpath}",
        )

    return run


def test_it_registers_by_the_operator_s_interpreter(register: Host, tmp_path: Path) -> None:
    saw = script(tmp_path, "noise")
    code, out, err = register("--new-hotkey", "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert json.loads(saw.read_text()) == {
        "url": "wss://node.example",
        "key": answer["hotkey"],
        "name": "gpu-7",
        "address": ENDPOINT,
        "subnet": "polaris",
    }
    assert "0xfeed" in err and "legacy" in err
    installed = keys.from_keyfile((tmp_path / "etc/credentials/hotkey").read_bytes())
    assert installed.ss58 == answer["hotkey"]
    assert 'mode = "commune"' in (tmp_path / "etc/polaris.toml").read_text()


@pytest.mark.parametrize(
    ("do", "why"),
    [
        ("refuse", "the network refused: .*NotEnoughBalanceToRegister"),
        ("raise", "ChainTransactionError: NotEnoughBalanceToRegister"),
        ("exit", "helper broke: it ended with 3"),
    ],
)
def test_what_went_wrong_is_told_and_nothing_is_installed(
    register: Host, tmp_path: Path, do: str, why: str
) -> None:
    script(tmp_path, do)
    code, _, err = register("--new-hotkey")
    assert code == 1
    assert re.search(why, err), err
    assert "\x1b" not in err
    assert not (tmp_path / "etc/credentials").exists()
    kept = list((tmp_path / "etc/registration").glob("hotkey-*"))
    assert len(kept) == 1
    # The next try has the same key.
    script(tmp_path, "register")
    assert register()[0] == 0
    assert keys.from_keyfile((tmp_path / "etc/credentials/hotkey").read_bytes()).ss58 in str(kept)


def test_without_an_interpreter_it_is_refused(register: Host, tmp_path: Path) -> None:
    code, _, err = register("--new-hotkey", python=None)
    assert code == 4
    assert "none is named" in err and "pip install communex" in err
    assert not list((tmp_path / "etc/registration").glob("hotkey-*"))


@pytest.mark.parametrize("named", ["/nonexistent/python", "python3", "/tmp"])
def test_what_is_no_interpreter_is_refused(register: Host, named: str) -> None:
    code, _, err = register("--new-hotkey", python=Path(named))
    assert code == 4
    assert "not the path of a program" in err


def test_an_interpreter_without_communex_is_refused(register: Host, tmp_path: Path) -> None:
    bare = interpreter(tmp_path, with_communex=False)
    code, _, err = register("--new-hotkey", python=bare)
    assert code == 4
    assert "there is no module communex" in err


@pytest.mark.parametrize(
    "words",
    [("--module-name", "a b"), ("--endpoint", "1.2.3.4:0"), ("--network", "finney")],
)
def test_what_is_malformed_is_a_usage_error(register: Host, words: tuple[str, str]) -> None:
    assert register("--new-hotkey", *words)[0] == 2


def test_one_that_does_not_answer_has_a_deadline(python: Path, tmp_path: Path) -> None:
    script(tmp_path, "hang")
    hotkey, _ = keys.new()
    document = json.loads(keys.keyfile(hotkey))
    job = {
        "url": "wss://x", "name": "n", "address": ENDPOINT, "subnet": "s", "timeout_s": 1,
        "hotkey": hotkey.ss58, "private_key": document["privateKey"],
        "public_key": document["publicKey"],
    }  # fmt: skip
    with pytest.raises(ControlError, match="communex did not answer in 1 s"):
        ask(str(python), job, {"HOME": str(tmp_path)}, 1.0)


@pytest.mark.parametrize(
    "answer",
    [
        None, [], "registered", {}, {"registered": "yes", "extrinsic": "0x1"},
        {"registered": True}, {"registered": False, "extrinsic": "0x1", "text": "\x1b[2J"},
    ],
)  # fmt: skip
def test_no_answer_but_a_good_one_is_a_registration(answer: object) -> None:
    with pytest.raises(ControlError, match="cannot register") as caught:
        outcome(answer)
    assert "\x1b" not in caught.value.message


def test_what_it_answers_need_not_be_json(tmp_path: Path) -> None:
    liar = tmp_path / "liar"
    liar.write_text("#!/bin/sh\ncat >/dev/null\necho nonsense\n")
    liar.chmod(0o755)
    with pytest.raises(ControlError, match="no answer that can be read"):
        ask(str(liar), {}, {}, 5.0)
