"""Two heartbeats under one sequence number that say different things: who can be shown it.

Pure.  The proof needs nobody's word: the hotkey itself has signed both.
"""

from __future__ import annotations

from polarisd.heartbeat.document import Signed, is_genuine, parse_envelope


def contradict(a: Signed, b: Signed) -> bool:
    """Whether they would be a proof, if both are genuine."""
    return a.document != b.document and _place(a) == _place(b)


def proves_equivocation(a: object, b: object) -> bool:
    """Whether two envelopes, as read from JSON, prove that their hotkey has equivocated.

    It has if both documents are genuine, of one hotkey, network, netuid and sequence number,
    and not the same bytes.  Anybody can check it; anything malformed proves nothing.
    """
    one, other = parse_envelope(a), parse_envelope(b)
    return (
        isinstance(one, Signed)
        and isinstance(other, Signed)
        and contradict(one, other)
        and is_genuine(one)
        and is_genuine(other)
    )


def _place(signed: Signed) -> tuple[str, str, int, int]:
    said = signed.heartbeat
    return (said.hotkey, said.network, said.netuid, said.sequence)
