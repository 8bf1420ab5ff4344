"""Which node is turned to next: one that rests is left alone, and mutes no other."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain.backoff import ASKED_AWAY, AT_ONCE, Pace
from polarisd.chain.failures import CATALOGUE, fail
from polarisd.chain.rota import Rota

PACE = Pace()
AWAY = fail("node_rate_limited", retry_after_s=600.0)
LOST = fail("unreachable")


def rota(*names: str) -> Rota:
    return Rota(names, PACE)


def test_one_that_is_alone_is_waited_for() -> None:
    one = rota("a")
    assert one.after(AWAY, was_good=True, chance=0.0, now=0.0) == 600.0
    assert one.endpoint == "a"


def test_one_that_asks_to_be_left_alone_mutes_no_other() -> None:
    two = rota("a", "b")
    assert two.after(AWAY, was_good=True, chance=0.0, now=0.0) <= 1.0
    assert two.endpoint == "b"
    # and is not turned to when the other fails, before it has rested
    assert two.after(LOST, was_good=True, chance=0.0, now=300.0) <= 1.0
    assert two.endpoint == "b"
    assert two.after(LOST, was_good=True, chance=0.0, now=601.0) <= 1.0
    assert two.endpoint == "a"


def test_where_all_rest_the_first_to_have_rested_is_waited_for() -> None:
    two = rota("a", "b")
    two.after(AWAY, was_good=True, chance=0.0, now=0.0)
    longer = fail("node_rate_limited", retry_after_s=3600.0)
    assert two.after(longer, was_good=False, chance=0.0, now=10.0) == 590.0
    assert two.endpoint == "a"


def test_who_keeps_asking_is_asked_less_often_though_others_work() -> None:
    two, now, waits = rota("a", "b"), 0.0, []
    for _ in range(6):
        two.after(fail("node_rate_limited"), was_good=False, chance=0.0, now=now)
        begun = now
        while two.endpoint == "b":
            now += 1.0
            two.after(LOST, was_good=True, chance=0.0, now=now)
        waits.append(now - begun)
    assert waits == sorted(waits)
    assert waits[0] >= 59.0 and waits[-1] >= 1800.0


def test_others_take_turns() -> None:
    three, seen = rota("a", "b", "c"), []
    for second in range(6):
        seen.append(three.endpoint)
        three.after(LOST, was_good=False, chance=0.0, now=float(second))
    assert seen == ["a", "b", "c", "a", "b", "c"]


def test_nothing_is_wrong_with_a_node_whose_chain_was_upgraded() -> None:
    two = rota("a", "b")
    assert two.after(fail("runtime_changed"), was_good=True, chance=0.0, now=0.0) == 0.0
    assert two.endpoint == "a"


@given(
    st.lists(st.tuples(st.sampled_from(sorted(CATALOGUE)), st.booleans()), max_size=40),
    st.integers(1, 4),
)
def test_nobody_is_turned_to_before_it_has_rested(ends: list[tuple[str, bool]], count: int) -> None:
    names = tuple("abcd"[:count])
    some, now = rota(*names), 0.0
    rests = dict.fromkeys(names, 0.0)
    for code, was_good in ends:
        at = some.endpoint
        assert now >= rests[at]
        if code in ASKED_AWAY:
            rests[at] = now + 600.0
        why = fail(code, retry_after_s=600.0 if code in ASKED_AWAY else None)
        wait = some.after(why, was_good=was_good, chance=0.0, now=now)
        assert wait >= 0.5 * PACE.first_s or code in AT_ONCE
        now += wait
