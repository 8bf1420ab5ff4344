"""Faults that follow from what validators say, or that they are silent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.chain import UNREACHABLE, Chain, Validator
from polarisd.api.network import Network
from polarisd.api.reading import NOT_READ_YET, NOT_REGISTERED, Unknown
from polarisd.api.snapshot import Daemon, Fault, Offering
from polarisd.health.board import Board, Sign, update
from polarisd.health.validator_signs import clock_signs, spans, validator_signs
from tests.unit.build import NOW, records, snapshot
from tests.unit.chain_samples import chain, network, ports, validator

NEVER = Unknown(NOT_READ_YET)
OFFERED = Offering(wanted=True, since_at=NOW - 86400)


def daemon(**changes: Any) -> Daemon:
    base = {"mode": "bittensor", "started_at": NOW - 86400, "offering": OFFERED}
    return replace(snapshot().daemon, **{**base, **changes})


def signs(*found: Validator, of: Daemon | None = None, **more: Any) -> list[Sign]:
    asked = (more.get("chain", chain()), more.get("network", network()))
    return list(validator_signs(of or daemon(), *asked, found, NOW, 8000))


def seen(*found: Validator, **more: Any) -> dict[str, bool | None]:
    return {sign.code: sign.holds for sign in signs(*found, **more)}


def the_fault(found: list[Sign]) -> Fault:
    board, _ = update(Board(), found, 0)
    board, _ = update(board, found, 300)
    (fault,) = board.faults
    return fault


def test_validators_that_answer_and_see_all_ports_raise_nothing() -> None:
    assert seen(validator(0), validator(1)) == {}


@pytest.mark.parametrize(
    "of",
    [
        daemon(role="validator"),
        daemon(offering=Offering(wanted=False, since_at=NOW - 9000)),
    ],
)
def test_who_sends_no_heartbeats_waits_for_no_answer(of: Daemon) -> None:
    assert seen(of=of) == {}
    assert seen(validator(replied_at=NEVER, ports=ports(p8000="closed")), of=of) == {}
    assert seen(chain=Chain()) == {}


class TestNone:
    def test_on_a_chain(self) -> None:
        assert seen() == {"no_validators": True}
        assert seen(chain=chain(state=UNREACHABLE)) == {"no_validators": None}
        assert seen(chain=chain(uid=Unknown(NOT_REGISTERED))) == {}
        assert the_fault(signs()).severity == "warning"

    def test_independent(self) -> None:
        assert seen(of=daemon(mode="independent")) == {}


class TestSilent:
    def test_for_five_minutes(self) -> None:
        late = validator(0, replied_at=NOW - 301, state="unreachable", detail="refused {x}")
        assert seen(late, validator(1, replied_at=NEVER))["validators_silent"] is True
        assert "validators_silent" not in seen(late, validator(1, replied_at=NOW - 299))

    def test_a_daemon_that_began_just_now_waits(self) -> None:
        mute = validator(replied_at=NEVER)
        assert "validators_silent" not in seen(mute, of=daemon(started_at=NOW - 10))
        begun = Offering(wanted=True, since_at=NOW - 10)
        assert "validators_silent" not in seen(mute, of=daemon(offering=begun))

    def test_what_became_of_them_is_said(self) -> None:
        late = validator(
            replied_at=NOW - 720, state="unreachable", detail="no route {x}", remedy="look {y}"
        )
        fault = the_fault(signs(late))
        said = "no validator has taken a heartbeat for 12 min (1 known): no route {x}"
        assert fault.text == said
        assert fault.remedy == "look {y}"
        plain = the_fault(signs(validator(replied_at=NEVER, state="waiting")))
        assert plain.text.endswith("they are waiting")
        assert "polarisctl validators" in plain.remedy


class TestPorts:
    shut = ports(p8000="silent", p11001="silent", p11002="silent")

    def test_most_of_those_who_tried_decide(self) -> None:
        bad, good = validator(0, ports=self.shut), validator(1)
        untried = validator(2, ports=ports(p8000="not_tried"))
        assert seen(bad) == {"ports_closed": True}
        assert seen(bad, good) == {}
        assert seen(bad, good, replace(bad, hotkey="x")) == {"ports_closed": True}
        assert seen(bad, good, untried) == {}
        assert seen(bad, replace(good, looked_at=NOW - 901)) == {"ports_closed": True}

    def test_nobody_tried_or_said_so_lately(self) -> None:
        assert seen(validator(ports=())) == {"ports_closed": None}
        old = validator(0, looked_at=NOW - 901, ports=self.shut)
        assert seen(old, validator(1, ports=())) == {"ports_closed": None}

    def test_a_slot_without_a_lease_refuses_as_it_should(self) -> None:
        assert seen(validator(ports=ports(p11000="closed"))) == {}
        assert seen(validator(ports=ports(p8000="closed"))) == {"ports_closed": True}

    @pytest.mark.parametrize(
        ("behind", "says"),
        [
            (True, "on the router in front of this machine, forward TCP 8000, 11001-11002 to it; "),
            (False, "let TCP 8000, 11001-11002 in, at the provider's firewall"),
            (Unknown("not_known"), "behind a router: "),
        ],
    )
    def test_which_and_what_to_do(self, behind: Any, says: str) -> None:
        bad = [validator(n, ports=self.shut) for n in range(2)]
        found = signs(*bad, validator(2), network=network(behind_nat=behind))
        fault = the_fault(found)
        assert fault.text == (
            "2 of 3 validators cannot reach this machine's ports 8000, 11001-11002"
        )
        assert says in fault.remedy
        assert "sudo ufw allow 8000,11001:11002/tcp" in fault.remedy

    def test_spans(self) -> None:
        assert spans([1, 2, 3, 7, 9, 10], "-", ", ") == "1-3, 7, 9-10"
        assert spans([8000], ":", ",") == "8000"


class TestClock:
    def seen(self, *ahead_s: Any, age_s: float = 10) -> list[Sign]:
        said = [validator(clock_ahead_s=s, heard_at=NOW - age_s) for s in ahead_s]
        return list(clock_signs(said, NOW))

    @pytest.mark.parametrize("ahead_s", [(0.0,), (2.0,), (-2.0,), (0.1, 9.0, -0.2)])
    def test_right(self, ahead_s: tuple[float, ...]) -> None:
        assert self.seen(*ahead_s) == []

    @pytest.mark.parametrize(
        ("ahead_s", "says"),
        [
            ((30.0, 30.4, -900.0), "clock is 30.0 s ahead of those of 3 validators"),
            ((-3.0,), "clock is 3.0 s behind that of a validator"),
        ],
    )
    def test_off(self, ahead_s: tuple[float, ...], says: str) -> None:
        assert says in the_fault(self.seen(*ahead_s)).text

    def test_nobody_said(self) -> None:
        assert [sign.holds for sign in self.seen()] == [None]
        assert [sign.holds for sign in self.seen(99.0, age_s=301)] == [None]
        assert [sign.holds for sign in self.seen(NEVER)] == [None]


@given(
    records(Chain),
    records(Network),
    st.lists(records(Validator), max_size=4),
    st.sampled_from(["miner", "validator"]),
)
def test_anything_can_be_judged_and_each_fault_said(
    some: Chain, found: Network, validators: list[Validator], role: str
) -> None:
    made = list(validator_signs(daemon(role=role), some, found, validators, NOW, 8000))
    made += clock_signs(validators, NOW)
    board, _ = update(Board(), made, 0)
    later, _ = update(board, made, 3600)
    assert len(later.faults) == len({sign.identity for sign in made if sign.holds})
