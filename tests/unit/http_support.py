"""Keys and signed requests for the tests of polarisd.http."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import strategies as st

from polarisd.http.auth import Claim, read
from polarisd.http.refusals import Refusal
from polarisd.keys import from_seed

ALICE = from_seed(b"a" * 32)
BOB = from_seed(b"b" * 32)
CAROL = from_seed(b"c" * 32)
NOW_NS = 1_800_000_000_000_000_000

targets = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40).map(
    lambda text: "/" + text
)
methods = st.sampled_from(["GET", "POST", "PUT", "DELETE"])
nonces = st.integers(1, 10**20 - 1)


def raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they arrive."""
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def claim(headers: Mapping[str, str]) -> Claim:
    read_ = read(raw(headers))
    assert isinstance(read_, Claim), read_
    return read_


def code(outcome: object) -> str:
    return outcome.code if isinstance(outcome, Refusal) else "ok"
