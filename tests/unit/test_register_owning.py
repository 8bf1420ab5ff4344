"""What may change before it is paid, who owns it afterwards, and what must not be forgotten."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from polarisctl.registration import chain as chains
from polarisctl.registration import finishing, judge, owning
from polarisctl.registration.commune import ask
from polarisctl.registration.place import Place
from polarisctl.registration.progress import AWAITED, KEPT, SENT, Progress
from polarisd import config, keys
from polarisd.api.errors import ControlError
from polarisd.chain.failures import CATALOGUE, fail
from polarisd.chain.values import Terms
from tests.unit.ctl_support import ctl
from tests.unit.register_support import COLDKEY, HOTKEY, OTHER, TERMS

BEGUN = Progress(stage=SENT, mode="bittensor", hotkey=HOTKEY, network="local", netuid=49)


def test_a_subnet_that_stays_as_it_was() -> None:
    assert owning.changed_hands(TERMS, replace(TERMS, price_rao=1, block=2000)) == []


@pytest.mark.parametrize(
    "now", [None, replace(TERMS, name="polaris"), replace(TERMS, owner_coldkey=COLDKEY)]
)
def test_a_subnet_that_changed_hands(now: Terms | None) -> None:
    (ruling,) = owning.changed_hands(TERMS, now)
    assert ruling.code == "changed_hands" and "nothing was sent" in ruling.remedy


def test_whose_hotkey_it_is() -> None:
    assert owning.of_another(HOTKEY, 3, COLDKEY, COLDKEY, "/k") == []
    assert owning.of_another(HOTKEY, 3, COLDKEY, "", "/k") == []
    for owner in (OTHER, ""):
        (ruling,) = owning.of_another(HOTKEY, 3, owner, COLDKEY, "/k")
        assert owner in ruling.text and "--hotkey-file /k" in ruling.remedy


@pytest.mark.parametrize(
    ("stage", "gone", "gives_up", "asks", "refused"),
    [
        (KEPT, HOTKEY, False, False, False),
        (AWAITED, "", False, False, False),
        (AWAITED, OTHER, True, False, False),
        (AWAITED, HOTKEY, True, True, True),
        (SENT, HOTKEY, True, True, True),
        (SENT, "", True, False, True),
        (SENT, "", False, True, True),
        (SENT, "", True, True, False),
    ],
)
def test_leaving_loses_nothing_that_may_be_paid_for(
    stage: str, gone: str, gives_up: bool, asks: bool, refused: bool
) -> None:
    found = judge.leaving(replace(BEGUN, stage=stage), gone, gives_up=gives_up, asks=asks)
    assert bool(found) is refused
    assert judge.leaving(None, gone, gives_up=gives_up, asks=asks) == []


@pytest.mark.parametrize("code", CATALOGUE)
def test_nothing_is_tried_again_by_itself_here(code: str) -> None:
    said = chains.told(fail(code), "register")
    assert "by itself" not in said.hint
    assert "tried again" not in said.message + said.hint


def test_of_several_ends_ctrl_c_is_the_one() -> None:
    class Group(BaseException):
        exceptions = (ValueError(), KeyboardInterrupt())

    assert isinstance(chains._alone(Group()), KeyboardInterrupt)


MODES = [
    ("--mode", "independent"),
    (
        *("--mode", "commune", "--network", "wss://node.example", "--subnet-name", "polaris"),
        *("--module-name", "gpu-7", "--endpoint", "203.0.113.7:8000"),
    ),
]


@pytest.fixture
def register(tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    (tmp_path / "polaris.toml").write_text("[node]\nrole = 'miner'\n")

    def run(*words: str) -> tuple[int, str, str]:
        return ctl(
            *("register", "--yes", "--config", str(tmp_path / "polaris.toml")),
            *("--credentials", str(tmp_path / "credentials"), *words),
            HOME=str(tmp_path),
            PATH=f"{os.path.dirname(sys.executable)}:{os.defpath}",
        )

    return run


@pytest.mark.parametrize("words", MODES, ids=["independent", "commune"])
def test_no_other_mode_forgets_what_was_sent(
    register: Callable[..., tuple[int, str, str]], tmp_path: Path, words: tuple[str, ...]
) -> None:
    place = Place(tmp_path / "credentials")
    with place.held("register"):
        place.save(BEGUN)
    code, _, err = register(*words, "--new-hotkey")
    assert code == 4 and "its end was not seen" in err
    assert place.progress() == BEGUN


def test_the_key_of_a_command_that_was_shown_stays(
    register: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    place = Place(tmp_path / "credentials")
    awaited, _ = keys.new()
    other, _ = keys.new()
    with place.held("register"):
        place.keep(awaited)
        place.save(replace(BEGUN, stage=AWAITED, hotkey=awaited.ss58))
    file = tmp_path / "hot"
    file.write_bytes(keys.keyfile(other))
    code, _, err = register("--mode", "independent", "--hotkey-file", str(file))
    assert code == 0, err
    assert str(place.kept(awaited.ss58)) in err
    assert place.read_kept(awaited.ss58) == awaited


class TestInstalling:
    def test_on_another_file_system(self, tmp_path: Path) -> None:
        with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
            if os.stat(elsewhere).st_dev == os.stat(tmp_path).st_dev:
                pytest.skip("there is one file system alone")
            (tmp_path / "credentials").symlink_to(elsewhere)
            place = Place(tmp_path / "credentials")
            hotkey, _ = keys.new()
            with place.held("register"):
                place.keep(hotkey)
                place.prove()
                assert place.install(hotkey)
            assert os.listdir(elsewhere) == ["hotkey"]
            assert place.installed() == hotkey and place.read_kept(hotkey.ss58) is None

    def test_it_fails_all_the_same(self, tmp_path: Path) -> None:
        place = Place(tmp_path / "credentials")
        hotkey, _ = keys.new()
        with place.held("register"):
            place.keep(hotkey)
            (tmp_path / "credentials" / "hotkey.new").mkdir(parents=True)
            with pytest.raises(ControlError, match="cannot install the hotkey") as caught:
                place.install(hotkey)
        assert "keep the file" in caught.value.hint and "remove" not in caught.value.hint
        assert place.read_kept(hotkey.ss58) == hotkey

    def test_a_proof_leaves_nothing(self, tmp_path: Path) -> None:
        place = Place(tmp_path / "credentials")
        with place.held("register"):
            place.prove()
        assert not place.credential.parent.exists()


def test_a_helper_that_tells_the_key_is_not_repeated(tmp_path: Path) -> None:
    leak = tmp_path / "leak"
    leak.write_text("#!/bin/sh\ncat >&2\nexit 1\n")
    leak.chmod(0o755)
    with pytest.raises(ControlError, match="helper broke") as caught:
        ask(str(leak), {"private_key": "0xAB" + "c" * 126}, {}, 5.0)
    assert "c" * 20 not in caught.value.message and "(a secret)" in caught.value.message


def test_a_long_name_is_cut_to_what_the_configuration_takes(tmp_path: Path) -> None:
    name = finishing.of_mode("bittensor", subnet_name="é" * 300)["chain"]["subnet_name"]
    file = tmp_path / "polaris.toml"
    file.write_text(f'[chain]\nsubnet_name = "{name}"\n')
    assert config.load(file).chain.subnet_name == name
