"""No request is taken twice, and memory is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polarisd.http.auth import Caller
from polarisd.http.nonces import Nonces
from tests.unit.http_support import NOW_NS, code

S = 10**9


def nonces(most_signers: int = 4, most_of_signer: int = 3, started_ns: int = 0) -> Nonces:
    return Nonces(started_ns=started_ns, most_signers=most_signers, most_of_signer=most_of_signer)


def take(store: Nonces, name: str, nonce_ns: int, now_ns: int = NOW_NS) -> str:
    return code(store.take(Caller(hotkey=name, nonce_ns=nonce_ns), now_ns))


def has(store: Nonces, name: str, nonce_ns: int, now_ns: int) -> bool:
    return store.has_taken(Caller(hotkey=name, nonce_ns=nonce_ns), now_ns)


def test_a_nonce_is_taken_once() -> None:
    store = nonces()
    assert take(store, "a", NOW_NS) == "ok"
    assert has(store, "a", NOW_NS, NOW_NS)
    assert take(store, "a", NOW_NS) == "replayed"
    assert take(store, "b", NOW_NS) == "ok"


def test_one_signer_fills_only_its_own_room() -> None:
    store = nonces()
    assert [take(store, "a", NOW_NS + i) for i in range(5)] == ["ok"] * 3 + ["rate_limited"] * 2
    assert take(store, "b", NOW_NS) == "ok"
    later = NOW_NS + 11 * S
    assert take(store, "a", later, later) == "ok"
    assert len(store) == 1


def test_too_many_signers_are_refused_and_none_is_forgotten() -> None:
    store = nonces()
    assert [take(store, str(i), NOW_NS) for i in range(6)] == ["ok"] * 4 + ["busy"] * 2
    assert [take(store, str(i), NOW_NS) for i in range(4)] == ["replayed"] * 4
    later = NOW_NS + 11 * S
    assert take(store, "5", later, later) == "ok"


def test_signers_that_do_not_come_back_are_let_go() -> None:
    store = nonces(most_signers=1000)
    assert {take(store, f"{i}", NOW_NS + j) for i in range(300) for j in range(3)} == {"ok"}
    later = NOW_NS + 60 * S
    for number in range(5):
        assert take(store, "new", later + number * 12 * S, later + number * 12 * S) == "ok"
    assert len(store) == 1


def test_nothing_from_before_the_start_is_taken() -> None:
    store = nonces(started_ns=NOW_NS)
    assert take(store, "a", NOW_NS - 1) == "stale"
    assert take(store, "a", NOW_NS) == "ok"


def test_a_clock_set_back_makes_no_old_request_fresh() -> None:
    store = nonces()
    assert take(store, "a", NOW_NS) == "ok"
    later = NOW_NS + 60 * S
    assert take(store, "a", later, later) == "ok"  # the first one is let go
    assert take(store, "a", NOW_NS, NOW_NS + S) == "stale"


def test_a_clock_that_was_ahead_at_the_start_and_is_set_right() -> None:
    """By two hours, or by less than the window."""
    for ahead_s in (7200, 5):
        store = nonces(started_ns=NOW_NS + ahead_s * S)
        assert take(store, "a", NOW_NS + 1, NOW_NS + 1) == "ok"
        assert take(store, "a", NOW_NS + 1, NOW_NS + 2) == "replayed"
        assert take(store, "a", NOW_NS - 1, NOW_NS + 2) == "stale"


def test_a_clock_that_was_ahead_for_a_while_does_not_close_the_face_later() -> None:
    store = nonces()
    assert take(store, "a", NOW_NS, NOW_NS) == "ok"
    ahead = NOW_NS + 7200 * S
    assert take(store, "wrong too", ahead, ahead) == "ok"
    right = NOW_NS + 60 * S
    assert take(store, "a", right, right) == "ok"
    assert take(store, "wrong too", right, right) == "ok"
    # and two hours later only what was taken then is not taken again
    assert take(store, "wrong too", ahead, ahead) == "stale"
    assert has(store, "wrong too", ahead, ahead)
    assert take(store, "a", ahead + 1, ahead + 1) == "ok"


def test_a_small_step_back_refuses_nobody_and_forgets_nothing() -> None:
    store = nonces()
    assert take(store, "a", NOW_NS, NOW_NS) == "ok"
    back = NOW_NS - 3 * S
    assert take(store, "a", back, back) == "ok"
    assert take(store, "a", NOW_NS, back) == "replayed"


def test_eras_are_bounded() -> None:
    store = nonces()
    eras = [NOW_NS - number**2 * 3600 * S for number in range(60)]
    assert {take(store, "a", era, era) for era in eras} == {"ok"}
    assert {take(store, "a", era, era) for era in eras[:-1]} == {"stale"}


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.integers(-10, 2), st.integers(0, 3)),
        max_size=120,
    )
)
def test_whatever_comes_nothing_is_taken_twice_and_room_is_bounded(
    steps: list[tuple[str, int, int]],
) -> None:
    store = nonces()
    taken: set[tuple[str, int]] = set()
    now_ns = NOW_NS
    for name, off_s, passed_s in steps:
        now_ns += passed_s * S
        nonce_ns = now_ns + off_s * S
        outcome = take(store, name, nonce_ns, now_ns)
        if (name, nonce_ns) in taken:
            assert outcome != "ok"
        if outcome == "ok":
            taken.add((name, nonce_ns))
        fresh = {(n, v) for n, v in taken if v >= now_ns - 10 * S}
        assert all(has(store, n, v, now_ns) for n, v in fresh)
        assert len(store) <= 4 * 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from("ab"),
            st.integers(-10, 2),
            st.one_of(st.integers(0, 3), st.sampled_from([-3600, -60, -11, -10, -5, 60, 3600])),
        ),
        max_size=120,
    )
)
def test_however_the_clock_is_set_nothing_is_taken_twice(
    steps: list[tuple[str, int, int]],
) -> None:
    store = nonces(most_of_signer=50)
    taken: set[tuple[str, int]] = set()
    now_ns = NOW_NS
    for name, off_s, passed_s in steps:
        now_ns += passed_s * S
        nonce_ns = now_ns + off_s * S
        outcome = take(store, name, nonce_ns, now_ns)
        assert outcome != "ok" or (name, nonce_ns) not in taken
        if outcome == "ok":
            taken.add((name, nonce_ns))
