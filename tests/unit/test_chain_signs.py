"""Faults between this machine and its chain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.chain import REFUSED, STALLED, STARTING, STATES, UNREACHABLE, Chain, Published
from polarisd.api.network import Network
from polarisd.api.reading import NOT_PUBLISHED, NOT_REGISTERED, Unknown
from polarisd.api.snapshot import Daemon
from polarisd.health.board import Board, Sign, update
from polarisd.health.chain_signs import (
    Confirmed,
    chain_signs,
    hotkey_signs,
    publication_signs,
)
from tests.unit.build import NOW, records, snapshot
from tests.unit.chain_samples import COLDKEY, HOTKEY, PUBLIC, chain, network

UNREAD = Unknown("read_error", "no answer")
NOWHERE = Unknown(NOT_REGISTERED)


def daemon(mode: str = "bittensor", **changes: Any) -> Daemon:
    return replace(snapshot().daemon, mode=mode, **changes)


def holding(signs: Any) -> dict[str, bool | None]:
    return {sign.code: sign.holds for sign in signs}


def of_chain(confirmed: Confirmed | None = None, **changes: Any) -> dict[str, bool | None]:
    return holding(chain_signs(daemon(), chain(**changes), NOW, confirmed))


def fault_text(*signs: Sign) -> str:
    board, _ = update(Board(), signs, 0)
    board, _ = update(board, signs, 10_000)
    (fault,) = board.faults
    return f"{fault.text} → {fault.remedy}"


def test_a_member_that_follows_the_chain_shows_nothing() -> None:
    assert of_chain(Confirmed(subnet_name="Polaris", spec_version=473)) == {}
    assert holding(publication_signs(daemon(), chain(), network())) == {}


@pytest.mark.parametrize("mode", ["independent", "commune"])
def test_another_mode_has_no_chain(mode: str) -> None:
    lost = chain(state=UNREACHABLE, uid=NOWHERE, owner_balance_rao=0)
    assert holding(chain_signs(daemon(mode), lost, NOW)) == {}
    assert holding(publication_signs(daemon(mode), lost, network())) == {}


class TestHotkey:
    @pytest.mark.parametrize(
        ("mode", "code"),
        [("independent", "no_identity"), ("bittensor", "no_hotkey"), ("commune", "no_hotkey")],
    )
    def test_none(self, mode: str, code: str) -> None:
        (sign,) = hotkey_signs(daemon(mode), "", "", "")
        assert (sign.code, sign.holds) == (code, True)
        assert "sudo polarisctl register" in fault_text(sign)

    def test_one_that_cannot_be_used(self) -> None:
        (sign,) = hotkey_signs(daemon(), "", "cannot use the hotkey: {odd}", "put {it} back")
        assert fault_text(sign) == "cannot use the hotkey: {odd} → put {it} back"

    def test_one_that_can(self) -> None:
        assert holding(hotkey_signs(daemon(), HOTKEY, "", "")) == {}

    def test_without_one_nothing_more_is_said_of_the_chain(self) -> None:
        assert holding(chain_signs(daemon(), Chain(), NOW)) == {}
        assert holding(publication_signs(daemon(), Chain(), Network())) == {}


class TestLink:
    @pytest.mark.parametrize(
        ("state", "code"),
        [
            (UNREACHABLE, "chain_unreachable"),
            (STALLED, "chain_stalled"),
            (REFUSED, "chain_refused"),
        ],
    )
    def test_each_state_has_its_fault(self, state: str, code: str) -> None:
        seen = of_chain(state=state, detail="429 {too many}")
        assert seen == {code: True, "chain_unread": None}
        (sign, _) = chain_signs(daemon(), chain(state=state, detail="429 {too many}"), NOW)
        assert "429 {too many}" in fault_text(sign)

    def test_trying_again_ends_none(self) -> None:
        board, _ = update(Board(), chain_signs(daemon(), chain(state=UNREACHABLE), NOW), 0)
        codes = []
        for now, state in ((30, STARTING), (61, UNREACHABLE), (70, STARTING), (80, "following")):
            board, _ = update(board, chain_signs(daemon(), chain(state=state), NOW), now)
            codes.append([fault.code for fault in board.faults])
        assert codes == [[], ["chain_unreachable"], ["chain_unreachable"], []]

    @pytest.mark.parametrize(
        ("read_at", "shown_at"), [(Unknown("not_read_yet"), 120), (NOW, 300), (NOW - 900, 120)]
    )
    def test_blocks_without_a_word_on_us(self, read_at: Any, shown_at: int) -> None:
        """Shown after two minutes where nothing was ever read, or long ago; else after five."""
        board, shown = Board(), []
        for second in range(0, 400, 10):
            seen = chain(read_at=read_at, unread="the node says {no}")
            signs = chain_signs(daemon(), seen, NOW + second)
            board, _ = update(board, signs, second)
            shown += [(second, f"{fault.text}") for fault in board.faults]
        first, text = shown[0]
        assert shown_at <= first <= shown_at + 10
        assert text.endswith("cannot be read: the node says {no}")

    def test_what_is_read_is_not_missed(self) -> None:
        assert of_chain(read_at=NOW - 9000) == {}
        assert of_chain(read_at=Unknown("not_read_yet")) == {}
        assert of_chain(unread="no", read_at=NOW - 179) == {}
        assert of_chain(state=UNREACHABLE, unread="no")["chain_unread"] is None


class TestRegistered:
    def test_no_uid(self) -> None:
        assert of_chain(uid=NOWHERE) == {"not_registered": True}
        (sign,) = chain_signs(daemon(), chain(uid=NOWHERE), NOW)
        said = fault_text(sign)
        assert f"hotkey {HOTKEY} has no UID on netuid 49 of finney" in said
        assert said.endswith("→ sudo polarisctl register")

    def test_a_uid_that_was_not_read_is_neither(self) -> None:
        assert of_chain(uid=UNREAD) == {"not_registered": None}

    def test_it_makes_the_machine_unhealthy(self) -> None:
        board, _ = update(Board(), chain_signs(daemon(), chain(uid=NOWHERE), NOW), 0)
        assert [fault.severity for fault in board.faults] == ["error"]


class TestPublished:
    def seen(self, found: Network | None = None, **changes: Any) -> dict[str, bool | None]:
        return holding(publication_signs(daemon(), chain(**changes), found or network()))

    def test_nothing(self) -> None:
        never = Unknown(NOT_PUBLISHED)
        assert self.seen(published=never) == {"endpoint_not_published": True}
        (sign,) = publication_signs(
            daemon(), chain(published=never, publication="is being published"), network()
        )
        assert "can find it: is being published → " in fault_text(sign)

    def test_another_endpoint(self) -> None:
        old = Published(endpoint="1.2.3.99:8000", block=1)
        assert self.seen(published=old) == {"endpoint_differs": True}
        why = "the subnet lets a hotkey publish every 50 blocks: it is published at block 77"
        (sign,) = publication_signs(daemon(), chain(published=old, publication=why), network())
        said = fault_text(sign)
        assert f"the chain names 1.2.3.99:8000, but this machine is found at {PUBLIC}" in said
        assert f": {why} → " in said

    def test_what_is_true_is_not_known(self) -> None:
        assert self.seen(network(endpoint=UNREAD)) == {"endpoint_differs": None}

    def test_what_the_chain_names_is_not_known(self) -> None:
        both = {"endpoint_not_published": None, "endpoint_differs": None}
        assert self.seen(published=UNREAD) == both
        assert self.seen(uid=UNREAD) == both

    def test_without_a_uid_there_is_nothing_to_publish(self) -> None:
        assert self.seen(uid=NOWHERE, published=Unknown(NOT_PUBLISHED)) == {}

    def test_a_change_of_address_has_two_minutes_to_get_there(self) -> None:
        board = Board()
        moved = list(publication_signs(daemon(), chain(), network(endpoint="1.2.3.5:8000")))
        board, _ = update(board, moved, 0)
        board, _ = update(board, moved, 119)
        assert board.faults == ()
        board, _ = update(board, moved, 120)
        assert [fault.code for fault in board.faults] == ["endpoint_differs"]


@pytest.mark.parametrize(
    ("rao", "holds"), [(0, True), (1_999_999, True), (2_000_000, False), (UNREAD, None)]
)
def test_the_owner_pays_for_what_is_published(rao: Any, holds: bool | None) -> None:
    expected = {} if holds is False else {"owner_funds_low": holds}
    assert of_chain(owner_balance_rao=rao) == expected


def test_whose_money_is_short_and_how_much_there_is() -> None:
    (sign,) = chain_signs(daemon(), chain(owner_balance_rao=1_234_567), NOW)
    assert f"coldkey {COLDKEY} holds 0.001235 TAO" in fault_text(sign)


@pytest.mark.parametrize(
    ("name", "confirmed", "holds"),
    [
        ("Polaris", "Polaris", False),
        ("Nepher {x}", "Polaris", True),
        ("", "Polaris", True),
        ("Nepher", "", False),
        (UNREAD, "Polaris", None),
    ],
)
def test_a_subnet_that_is_another_now(name: Any, confirmed: str, holds: bool | None) -> None:
    expected = {} if holds is False else {"subnet_renamed": holds}
    assert of_chain(Confirmed(subnet_name=confirmed), subnet_name=name) == expected
    if holds:
        (sign,) = chain_signs(
            daemon(), chain(subnet_name=name), NOW, Confirmed(subnet_name=confirmed)
        )
        assert f'netuid 49 is called "{name}" now, and was "Polaris"' in fault_text(sign)


@pytest.mark.parametrize(
    ("before", "after", "holds"),
    [(473, 473, False), (473, 474, True), (474, 473, True), (None, 473, False), (1, UNREAD, False)],
)
def test_a_runtime_that_was_upgraded(before: int | None, after: Any, holds: bool) -> None:
    expected = {"runtime_changed": True} if holds else {}
    assert of_chain(Confirmed(spec_version=before), spec_version=after) == expected


@given(
    records(Chain),
    st.sampled_from(STATES),
    records(Network),
    st.sampled_from(["independent", "bittensor", "commune"]),
    st.builds(Confirmed, subnet_name=st.text(max_size=9), spec_version=st.none() | st.integers()),
)
def test_any_chain_can_be_judged_and_each_fault_said(
    some: Chain, state: str, found: Network, mode: str, confirmed: Confirmed
) -> None:
    some = replace(some, state=state)
    signs = [
        *chain_signs(daemon(mode), some, NOW, confirmed),
        *publication_signs(daemon(mode), some, found),
    ]
    board, _ = update(Board(), signs, 0)
    later, _ = update(board, signs, 3600)
    assert len(later.faults) == len({sign.identity for sign in signs if sign.holds})
