"""What is refused and warned of before anything is paid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.registration import judge
from polarisctl.registration.judge import Payer, Ruling
from polarisctl.registration.networks import Network
from polarisctl.registration.progress import AWAITED, KEPT, SENT, Progress
from polarisctl.registration.wish import Wish
from tests.unit.register_support import (
    COLDKEY,
    GENESIS,
    HOTKEY,
    IDENTITY,
    OTHER,
    TERMS,
    WISH,
    subnet,
)

FINNEY_GENESIS = "0x2f0555cc76fc2840a25a6ea3b9637146806f1f44b090c175ffde2a7e5ab36c03"


def codes(rulings: list[Ruling]) -> list[str]:
    assert all(ruling.text and ruling.remedy for ruling in rulings)
    return [ruling.code for ruling in rulings]


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert judge.of_subnet(WISH, subnet()) == []
    assert judge.refusals(WISH, subnet()) == []
    assert judge.warnings(WISH, subnet()) == []
    assert judge.payer_refusals(subnet(), Payer(coldkey=COLDKEY, balance_rao=10**9)) == []


class TestChain:
    def test_a_node_of_another_chain_is_refused_and_named(self) -> None:
        ruling = judge.wrong_chain(
            Network("test"), replace(IDENTITY, genesis_hash=FINNEY_GENESIS), ""
        )
        assert ruling is not None and ruling.code == "wrong_chain"
        assert "that of finney" in ruling.text

    def test_a_chain_that_was_made_anew_is_refused(self) -> None:
        ruling = judge.wrong_chain(Network("local"), IDENTITY, "0x" + "2" * 64)
        assert ruling is not None and GENESIS in ruling.text

    @pytest.mark.parametrize("pinned", ["", GENESIS])
    def test_the_one_that_was_confirmed_is_taken(self, pinned: str) -> None:
        assert judge.wrong_chain(Network("local"), IDENTITY, pinned) is None


class TestClock:
    @pytest.mark.parametrize("age_s", [-5.0, 0.0, 12.0, 40.0, None])
    def test_right(self, age_s: float | None) -> None:
        assert judge.clock(subnet(block_age_s=age_s)) is None

    @pytest.mark.parametrize(("age_s", "said"), [(-30.0, "30 s behind"), (90.0, "90 s ahead")])
    def test_wrong(self, age_s: float, said: str) -> None:
        ruling = judge.clock(subnet(block_age_s=age_s))
        assert ruling is not None and said in ruling.text
        assert "timedatectl" in ruling.remedy
        assert "clock_off" in codes(judge.refusals(WISH, subnet(block_age_s=age_s)))


class TestSubnet:
    def test_there_is_none(self) -> None:
        assert codes(judge.of_subnet(WISH, _without())) == ["no_such_subnet"]

    def test_it_calls_itself_otherwise_than_was_said(self) -> None:
        foreign = subnet(terms={"name": "Nepher Robotics"})
        wish = replace(WISH, subnet_name="Polaris")
        assert codes(judge.of_subnet(wish, foreign)) == ["foreign_subnet"]
        assert judge.of_subnet(replace(WISH, subnet_name="Nepher Robotics"), foreign) == []

    def test_a_foreign_name_is_warned_of(self) -> None:
        (said,) = judge.warnings(WISH, subnet(terms={"name": "Nepher\x1b[31m"}))
        assert "calls itself 'Nepher" in said and "\x1b" not in said
        (said,) = judge.warnings(WISH, subnet(terms={"name": ""}))
        assert "has no name" in said

    def test_with_yes_the_name_has_to_be_given(self) -> None:
        (ruling,) = judge.refusals(replace(WISH, yes=True), subnet(terms={"name": "A's"}))
        assert ruling.code == "name_not_confirmed"
        assert "--subnet-name 'A'\"'\"'s'" in ruling.remedy
        assert judge.refusals(replace(WISH, yes=True, subnet_name="Polaris"), subnet()) == []

    def test_a_full_one_is_told_of(self) -> None:
        (said,) = judge.warnings(WISH, subnet(terms={"num_uids": 256}))
        assert "All 256 slots are taken" in said

    @pytest.mark.parametrize(
        ("terms", "wish", "code"),
        [
            ({"registration_open": False}, WISH, "registration_closed"),
            ({"price_rao": 2}, replace(WISH, max_price_rao=1), "price_too_high"),
        ],
    )
    def test_what_the_subnet_says(self, terms: dict[str, Any], wish: Wish, code: str) -> None:
        assert codes(judge.refusals(wish, subnet(terms=terms))) == [code]

    @given(st.integers(0, 10**12), st.none() | st.integers(0, 10**12))
    def test_no_more_is_paid_than_was_allowed(self, price: int, most: int | None) -> None:
        refused = judge.refusals(
            replace(WISH, max_price_rao=most), subnet(terms={"price_rao": price})
        )
        assert bool(refused) == (most is not None and price > most)


class TestPayer:
    def test_too_little(self) -> None:
        payer = Payer(coldkey=COLDKEY, balance_rao=TERMS.price_rao, fee_rao=5)
        (ruling,) = judge.payer_refusals(subnet(), payer)
        assert ruling.code == "no_funds"
        assert "τ0.000000005 more" in ruling.remedy

    def test_the_hotkey_is_somebody_else_s(self) -> None:
        payer = Payer(coldkey=COLDKEY, balance_rao=10**9)
        assert codes(judge.payer_refusals(subnet(owner=OTHER), payer)) == ["owned_by_another"]
        assert judge.payer_refusals(subnet(owner=COLDKEY), payer) == []

    def test_a_coldkey_is_not_to_be_the_hotkey(self) -> None:
        payer = Payer(coldkey=HOTKEY, balance_rao=10**9)
        assert codes(judge.payer_refusals(subnet(), payer)) == ["hotkey_is_coldkey"]

    def test_funds_on_the_hotkey_are_warned_of(self) -> None:
        (said,) = judge.warnings(WISH, subnet(hotkey_balance_rao=10**9))
        assert "if it is a coldkey, stop here" in said

    def test_who_is_not_known_is_not_judged(self) -> None:
        assert judge.payer_refusals(subnet(owner=OTHER), Payer()) == []


class TestUnfinished:
    sent = Progress(
        stage=SENT, mode="bittensor", hotkey=HOTKEY, network="local", netuid=49, sent_block=1
    )

    def test_the_same_one_goes_on(self) -> None:
        assert judge.unfinished(self.sent, Network("local"), 49, HOTKEY) == []

    @pytest.mark.parametrize(
        ("network", "netuid", "hotkey"),
        [("finney", 49, HOTKEY), ("local", 7, HOTKEY), ("local", 49, OTHER)],
    )
    def test_another_one_waits(self, network: str, netuid: int, hotkey: str) -> None:
        rulings = judge.unfinished(self.sent, Network(network), netuid, hotkey)
        assert codes(rulings) == ["unfinished"]

    @pytest.mark.parametrize("stage", [KEPT, AWAITED])
    def test_what_was_not_sent_is_no_obstacle(self, stage: str) -> None:
        assert judge.unfinished(replace(self.sent, stage=stage), Network("x"), 1, OTHER) == []
        assert judge.unfinished(None, Network("x"), 1, OTHER) == []


def test_an_unencrypted_way_is_warned_of() -> None:
    (said,) = judge.warnings(replace(WISH, network=Network("ws://10.0.0.1:1")), subnet())
    assert "not encrypted" in said


def _without() -> judge.Subnet:
    return replace(subnet(), terms=None)
