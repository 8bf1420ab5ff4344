"""The command line of `register`: what goes together, and what is missing."""

from __future__ import annotations

from typing import Any

import pytest

from polarisctl.registration import told
from polarisctl.registration.networks import Network
from polarisctl.registration.wish import Wish, from_arguments, missing
from polarisd.api.errors import ControlError
from polarisd.chain.values import Endpoint
from tests.unit.register_support import COLDKEY, HOTKEY, arguments


def test_everything_that_can_be_said() -> None:
    wish = from_arguments(
        arguments(
            mode="bittensor",
            network="test",
            netuid="100",
            subnet_name="Polaris",
            max_price="0.5",
            hotkey="hot",
            wallet="cold",
            sign="here",
            password_fd=3,
            plain=True,
            wait=0.0,
            yes=True,
        )
    )
    assert (wish.network, wish.netuid, wish.max_price_rao) == (Network("test"), 100, 5 * 10**8)
    assert (wish.key.source, wish.key.hotkey, wish.wallet) == ("wallet", "hot", "cold")
    assert (wish.password_fd, wish.plain, wish.wait_s) == (3, True, 0.0)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"netuid": "0"}, "--netuid: '0' is not a netuid"),
        ({"network": "finey"}, "--network: 'finey' is neither"),
        ({"max_price": "much"}, "--max-price: 'much' is not an amount"),
        ({"endpoint": "1.2.3.4:0"}, "--endpoint:"),
        ({"endpoint": "1.2.3.4"}, "--endpoint:"),
        ({"endpoint": "example.org:8000"}, "--endpoint:"),
        ({"coldkey": "nobody"}, "not an address of bittensor"),
        ({"coldkey": "165tSFy699KptBMHamzCeEvGe6Ennc8ZbZVb7xBnpkB1RPqh"}, "not an address"),
        ({"wait": -1.0}, "cannot wait"),
        ({"wait": float("nan")}, "cannot wait"),
        ({"hotkey": ""}, "--hotkey: it is empty"),
        ({"hotkey_file": ""}, "--hotkey-file: it is empty"),
        ({"wallet": " "}, "--wallet: it is empty"),
        ({"coldkey": ""}, "--coldkey: it is empty"),
        ({"credentials": ""}, "--credentials: it is empty"),
        ({"yes": True, "sign": "here"}, "without --max-price TAO"),
        ({"hotkey": "h"}, "give --wallet NAME too"),
        ({"wallet": "../x"}, "a name, not a path"),
        ({"wallet": "w", "hotkey": ".."}, "a name, not a path"),
        ({"show_mnemonic": True}, "goes with --new-hotkey"),
        ({"mnemonic_fd": 3, "password_fd": 3}, "cannot be the same"),
        ({"password_fd": 1}, "not open for reading"),
        ({"sign": "elsewhere", "plain": True}, "nothing is signed"),
        ({"sign": "here", "coldkey": COLDKEY}, "it is the one of --wallet"),
        ({"mode": "independent", "netuid": "49"}, "cannot go with --mode independent"),
        ({"mode": "independent", "network": "test"}, "it has no chain"),
        ({"mode": "commune", "sign": "here"}, "cannot go with --mode commune"),
        ({"mode": "bittensor", "endpoint": "1.2.3.4:8000"}, "cannot go with --mode bittensor"),
    ],
)
def test_what_cannot_be(given: dict[str, Any], why: str) -> None:
    with pytest.raises(ControlError, match=why) as caught:
        from_arguments(arguments(**given))
    assert caught.value.code == "usage"


@pytest.mark.parametrize(
    ("wish", "has_key", "names"),
    [
        (Wish(), False, ["--mode", "--new-hotkey", "--yes"]),
        (Wish(mode="independent", yes=True), True, []),
        (
            Wish(mode="bittensor", sign="here"),
            True,
            [
                *("--network", "--netuid", "--subnet-name", "--wallet", "--max-price"),
                *("--password-fd", "--yes"),
            ],
        ),
        (Wish(mode="bittensor", dry_run=True), True, ["--network", "--netuid"]),
        (
            Wish(mode="commune", yes=True),
            True,
            ["--network", "--subnet-name", "--endpoint", "--module-name"],
        ),
    ],
)
def test_all_that_is_missing_is_named_at_once(wish: Wish, has_key: bool, names: list[str]) -> None:
    assert [option.split()[0] for option in missing(wish, has_key=has_key)] == names


def test_the_command_for_another_machine() -> None:
    words = told.command(Network("finney"), 49, HOTKEY, "")
    text = told.command_text(words, Network("finney"))
    assert f"btcli tx burned-register --netuid 49 --hotkey {HOTKEY} -w WALLET -n finney" in text
    assert "WALLET stands for" in text
    named = told.command(Network("local"), 7, HOTKEY, "my cold")
    assert "-w 'my cold' -n local" in told.command_text(named, Network("local"))
    assert "WALLET" not in told.command_text(named, Network("local"))


def test_an_endpoint() -> None:
    assert from_arguments(arguments(endpoint="[2001:db8::1]:8000")).endpoint == Endpoint(
        "2001:db8::1", 8000
    )
