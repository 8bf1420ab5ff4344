"""Two heartbeats under one number are a proof that anybody can check; nothing else is."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from polarisd.heartbeat.equivocation import contradict, proves_equivocation
from tests.unit.heartbeat_support import FACTS, GENESIS, OTHER, beat, forged, origin

LIE = replace(FACTS, slots_free=0)
ONE, ANOTHER = beat(), beat(facts=LIE)


def test_two_documents_with_one_number_are_a_proof() -> None:
    assert proves_equivocation(ONE.envelope, ANOTHER.envelope)
    assert proves_equivocation(ANOTHER.envelope, ONE.envelope)


def test_the_same_document_signed_twice_is_none() -> None:
    again = beat()
    assert again.signature != ONE.signature  # sr25519 signs with a random number
    assert not proves_equivocation(ONE.envelope, again.envelope)


def test_another_number_hotkey_network_or_subnet_is_none() -> None:
    others = (
        beat(8, facts=LIE),
        beat(facts=LIE, of=origin(OTHER)),
        beat(facts=LIE, of=origin(network=GENESIS)),
        beat(facts=LIE, of=origin(netuid=1)),
    )
    for other in others:
        assert not contradict(ONE, other)
        assert not proves_equivocation(ONE.envelope, other.envelope)


def test_what_its_hotkey_has_not_signed_is_none() -> None:
    invented = forged(ONE, offering=False)
    assert contradict(ONE, invented)
    assert not proves_equivocation(ONE.envelope, invented.envelope)
    assert not proves_equivocation(invented.envelope, ONE.envelope)


@given(
    st.none() | st.text() | st.dictionaries(st.sampled_from(["document", "signature"]), st.text())
)
def test_nonsense_proves_nothing(nonsense: object) -> None:
    assert not proves_equivocation(ONE.envelope, nonsense)
    assert not proves_equivocation(nonsense, ONE.envelope)
