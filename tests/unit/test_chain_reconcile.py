"""What became of a transaction, against a model of the chain that decides it by itself."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain.failures import fail
from polarisd.chain.outcomes import Landed
from polarisd.chain.reconcile import Decided, Lost, Sighting, Ticket, Undecided, decide

TICKET = Ticket(
    subject=("serve", 49),
    signer="5F",
    nonce=7,
    hash="0xaa",
    born_block=100,
    born_hash="0xcc",
    expires_block=132,
)
LANDED = Landed(block=104, block_hash="0xbb", extrinsic="104-0002", fee_rao=124_414)


def seen(block: int, nonce: int, **more: object) -> Sighting:
    return replace(Sighting(final_block=block, next_nonce=nonce), **more)  # type: ignore[arg-type]


def test_it_landed() -> None:
    assert decide(TICKET, seen(104, 8, end=LANDED)) == Decided(LANDED, was_ours=True)


def test_it_landed_and_failed() -> None:
    why = fail("serving_rate_limited")
    assert decide(TICKET, seen(104, 8, end=why)) == Decided(why, was_ours=True)


def test_it_may_yet_land() -> None:
    assert decide(TICKET, seen(104, 7)) == Undecided()
    assert decide(TICKET, seen(131, 7)) == Undecided()


def test_it_can_no_longer_land() -> None:
    decided = decide(TICKET, seen(132, 7))
    assert isinstance(decided, Decided) and not decided.was_ours
    assert decided.end == fail("lapsed")


def test_on_another_chain_it_can_never_land() -> None:
    """Its blocks are not those that it was signed for, though it were not too late yet."""
    decided = decide(TICKET, seen(3, 0, void=True))
    assert isinstance(decided, Decided) and not decided.was_ours
    assert decided.end == fail("lapsed")
    assert decide(TICKET, seen(104, 8, void=True)) == Decided(fail("displaced"), was_ours=False)


def test_another_took_its_place() -> None:
    assert decide(TICKET, seen(104, 8)) == Decided(fail("displaced"), was_ours=False)


def test_a_shield_that_was_never_opened() -> None:
    shielded = replace(TICKET, shielded=True)
    assert decide(shielded, seen(132, 7)) == Decided(fail("shield_failed"), was_ours=False)


def test_the_node_has_forgotten_that_block() -> None:
    assert decide(TICKET, seen(900, 8, lost=True)) == Lost()


@given(
    nonce=st.integers(0, 3),
    landed_at=st.none() | st.integers(101, 131),
    others_at=st.none() | st.integers(101, 140),
    looks=st.lists(st.integers(90, 160), min_size=1, max_size=20),
)
def test_what_is_decided_is_what_happened_and_stays(
    nonce: int, landed_at: int | None, others_at: int | None, looks: list[int]
) -> None:
    """The chain: whichever of the two with this number is first takes it; ours is void from
    its last block on."""
    ticket = replace(TICKET, nonce=nonce)
    ours = landed_at is not None and (others_at is None or landed_at < others_at)
    used_at = landed_at if ours else others_at
    decisions = []
    for final in sorted(looks):
        used = used_at is not None and used_at <= final
        end = LANDED if used and ours else None
        now = Sighting(final_block=final, next_nonce=nonce + used, end=end)
        decision = decide(ticket, now)
        assert isinstance(decision, Undecided) == (not used and final < ticket.expires_block)
        if isinstance(decision, Decided):
            assert decision.was_ours == (ours and used)
            decisions.append(decision.was_ours)
    assert len(set(decisions)) <= 1
