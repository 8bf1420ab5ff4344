"""When enough others agree on where this machine is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polarisd.net.evidence import (
    Agreed,
    Disagreement,
    Nobody,
    TooFew,
    Witness,
    agreement,
    fresh,
    heard,
    of_validators,
)
from polarisd.net.kinds import Ip, parse
from tests.unit.net_support import NOW, OTHER, PUBLIC, ips, witness, witnesses

X, Y = parse(PUBLIC), parse(OTHER)


@given(st.integers(2, 20), st.lists(ips, max_size=19), st.none() | ips)
def test_liars_are_outvoted(honest: int, lies: list[Ip], incumbent: Ip | None) -> None:
    """However they lie, and whatever was believed before, if they are fewer than those who don't
    and nobody but the honest ever agreed on the incumbent."""
    lies = lies[: honest - 1]
    said = [witness(f"honest {n}", PUBLIC) for n in range(honest)]
    said += [Witness(origin=f"liar {n}", ip=ip, at=NOW, since_at=NOW) for n, ip in enumerate(lies)]
    assert agreement(said, needed=2, incumbent=incumbent) == Agreed(X)


@given(witnesses)
def test_nobody_is_believed_whom_nobody_names(said: tuple[Witness, ...]) -> None:
    found = agreement(said, needed=2, incumbent=None)
    if isinstance(found, Agreed):
        voices = [w for w in said if w.ip == found.ip]
        assert len(voices) >= 2
        assert 2 * len(voices) > len(said)


def test_one_does_not_unseat_what_two_agreed_on() -> None:
    said = [witness("alice", PUBLIC), witness("bob", OTHER)]
    assert agreement(said, needed=2, incumbent=X) == Agreed(X)
    assert agreement(said, needed=2, incumbent=Y) == Agreed(Y)
    assert isinstance(agreement(said, needed=2, incumbent=None), Disagreement)
    assert agreement(said[:1], needed=2, incumbent=X) == Agreed(X)
    assert agreement(said[1:], needed=2, incumbent=X) == TooFew(Y, ("bob",), 2)
    assert agreement([], needed=2, incumbent=X) == Nobody()


def lone(now: float, *, recent: int = 1, alone_from: float = 0.0) -> object:
    said = (witness("alice", PUBLIC, at=now, since_at=NOW),)
    return of_validators(
        said, recent=recent, incumbent=None, alone_from=alone_from, alone_s=60.0, now=now
    )


def test_a_lone_validator_is_believed_when_others_could_have_spoken() -> None:
    assert lone(NOW) == TooFew(X, ("alice",), 1, NOW + 60)
    assert isinstance(lone(NOW + 59.9), TooFew)
    assert lone(NOW + 60) == Agreed(X)
    assert lone(NOW + 60, alone_from=NOW + 30) == TooFew(X, ("alice",), 1, NOW + 90)


def test_where_two_have_spoken_of_late_one_alone_is_not_believed() -> None:
    assert lone(NOW + 600, recent=2) == TooFew(X, ("alice",), 2)


def test_old_words_and_words_from_the_future_do_not_count() -> None:
    said = [witness(str(s), PUBLIC, at=NOW + s) for s in (-300, -299, 0, 5, 6, 3600)]
    counted = fresh(said, now=NOW, fresh_s=300.0)
    assert [w.origin for w in counted] == ["-299", "0", "5"]


def test_only_the_newest_word_of_each_counts_and_says_since_when() -> None:
    said: tuple[Witness, ...] = ()
    for ip, at in ((X, 1.0), (X, 2.0), (Y, 3.0), (parse("2a01::1"), 3.5), (Y, 4.0)):
        said = heard(said, origin="alice", ip=ip, at=at, most=10)
    assert [(str(w.ip), w.since_at, w.at) for w in said] == [
        ("2a01::1", 3.5, 3.5),
        (OTHER, 3.0, 4.0),
    ]


@given(st.lists(st.tuples(st.integers(0, 50), ips, st.integers(0, 100)), max_size=200))
def test_they_are_never_more_than_so_many(words: list[tuple[int, Ip, int]]) -> None:
    said: tuple[Witness, ...] = ()
    for origin, ip, at in words:
        said = heard(said, origin=str(origin), ip=ip, at=float(at), most=8)
        assert len(said) <= 8
        assert len({(w.origin, w.ip.version) for w in said}) == len(said)
        assert all(w.since_at <= w.at for w in said)
