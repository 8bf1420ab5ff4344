"""The choice between two families does not swing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polarisd.api.network import CONFIGURED, INTERFACE, Public
from polarisd.api.reading import NOT_KNOWN, Reading, Unknown
from polarisd.net.endpoint import Choice, Chosen, choose
from tests.unit.net_support import NOW, PUBLIC, PUBLIC6

V4, V6 = f"{PUBLIC}:8000", f"[{PUBLIC6}]:8000"
GONE = Unknown(NOT_KNOWN, "no link")


def public(address: str, since_at: float = NOW - 1000, source: str = INTERFACE) -> Public:
    return Public(address=address, source=source, since_at=since_at)


def chosen(
    v4: Reading[Public], v6: Reading[Public], now: float = NOW, before: Choice | None = None
) -> Chosen:
    return choose(
        {"ipv4": v4, "ipv6": v6},
        prefer="ipv4",
        port=8000,
        hold_s=60.0,
        now=now,
        before=before or Choice(),
    )


def test_the_preferred_family_if_it_is_there() -> None:
    assert chosen(public(PUBLIC), public(PUBLIC6)) == Chosen(V4, Choice("ipv4"))


def test_what_the_owner_configured_counts_whatever_the_family() -> None:
    assert chosen(public(PUBLIC), public(PUBLIC6, source=CONFIGURED)).endpoint == V6


def test_the_other_family_comes_after_a_while_and_is_left_after_a_while() -> None:
    lost = chosen(GONE, public(PUBLIC6), before=Choice("ipv4"))
    assert isinstance(lost.endpoint, Unknown)
    assert "IPv6 is published instead" in lost.endpoint.detail
    assert lost.again_at == NOW + 60
    other = chosen(GONE, public(PUBLIC6), NOW + 60, lost.choice)
    assert other.endpoint == V6
    back = chosen(public(PUBLIC, NOW + 70), public(PUBLIC6), NOW + 70, other.choice)
    assert (back.endpoint, back.again_at) == (V6, NOW + 130)
    assert chosen(public(PUBLIC, NOW + 70), public(PUBLIC6), NOW + 130, back.choice).endpoint == V4


def test_a_preferred_address_that_comes_back_is_not_waited_for_if_there_is_no_other() -> None:
    before = Choice("ipv6", NOW - 100)
    assert chosen(public(PUBLIC, NOW), GONE, before=before).endpoint == V4


def test_where_there_is_none_the_reason_is_that_of_the_preferred_family() -> None:
    assert chosen(GONE, Unknown(NOT_KNOWN, "another")).endpoint == GONE


@given(st.lists(st.tuples(st.integers(1, 59), st.booleans(), st.booleans()), max_size=60))
def test_short_gaps_never_change_the_family(steps: list[tuple[int, bool, bool]]) -> None:
    """As long as neither family is away, or back, for as long as `hold_s`, only one is chosen."""
    now, choice, seen = NOW, Choice("ipv4"), set()
    for wait_s, has_v4, has_v6 in steps:
        for there in (has_v4, True):  # the gap, and its end
            v4 = public(PUBLIC, now) if there else GONE
            v6 = public(PUBLIC6) if has_v6 else GONE
            result = chosen(v4, v6, now, choice)
            choice = result.choice
            if isinstance(result.endpoint, str):
                seen.add(result.endpoint)
            now += wait_s
    assert seen <= {V4}
