"""Sections 8 to 10: a recorded conversation, judged.

What the prover does wrong is a reason in the verdict. A recording in which the validator itself
departs from the specification is a `ValueError`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from . import keys, messages, proven, sampling
from .commitments import climb, path_length
from .compute import Freivalds, Product, leaf
from .memory import block_digest, walk_end
from .messages import Offer, Opening, Rejected
from .parameters import Compute, Memory
from .proven import Proven, Times
from .recording import Recording
from .words import Key, key_of

PINGS = 5


@dataclass(frozen=True)
class Verdict:
    reason: str | None
    proven: Proven | None = None
    detail: str = ""


def as_bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


class Validator:
    def __init__(self, recording: Recording, below: Callable[[int], int]) -> None:
        self.recording = recording
        self.below = below
        self.nonces: list[bytes] = []
        self.walk_root: list[bytes] = []
        self.unit_roots: list[bytes] = []
        self.round_digests: list[bytes] = []

    def run(self) -> tuple[Offer, Times]:
        offer = messages.parse_offer(self.recording.validator(messages.OFFER))
        self.recording.prover(messages.READY)
        times = Times(shortest_trip=self.pings())
        if offer.memory is not None:
            times.fill, times.walk, times.passes = self.memory_phases(offer, offer.memory)
        if offer.compute is not None:
            times.compute = self.compute_phase(offer, offer.compute)
        seed = as_bytes(self.recording.validator(messages.SAMPLE)[0])
        self.recording.sampled = True
        if len({seed, *self.nonces}) <= len(self.nonces):
            raise ValueError("a nonce is used twice")
        committed = [*self.walk_root, *self.unit_roots, *self.round_digests]
        secret = keys.sample(seed, committed)
        if offer.memory is not None:
            self.open_walkers(secret, offer.memory)
            self.open_blocks(secret, offer.memory)
        if offer.compute is not None:
            self.open_rows(secret, offer, offer.compute)
        self.recording.end()
        return offer, times

    def pings(self) -> float:
        trips = []
        for number in range(PINGS):
            if self.recording.validator(messages.PING) != [number]:
                raise ValueError("pings are not numbered from 0")
            begun = self.recording.now
            self.recording.numbered(messages.PONG, number)
            trips.append(self.recording.now - begun)
        return min(trips)

    def begin(self, phase: str) -> bytes:
        said, nonce = self.recording.validator(messages.BEGIN)
        if said != phase:
            raise ValueError(f"the validator begins {said}, not {phase}")
        self.nonces.append(as_bytes(nonce))
        return self.nonces[-1]

    def memory_phases(self, offer: Offer, memory: Memory) -> tuple[float, float, float | None]:
        recording = self.recording
        begun = recording.now
        nonce = self.begin("fill")
        self.fill = keys.fill(nonce, offer.hotkey, offer.slot, memory.packed)
        recording.prover(messages.FILLED)
        filled = recording.now
        self.walk = keys.walk(self.fill, self.begin("walk"))
        self.walk_root = [as_bytes(recording.prover(messages.WALK_ROOT)[0])]
        walked = recording.now
        self.pass_nonce = self.begin("pass")
        if memory.units == 0:
            return filled - begun, walked - filled, None
        for u in range(memory.units):
            root = recording.numbered(messages.UNIT_ROOT, u)[1]
            self.unit_roots.append(as_bytes(root))
        return filled - begun, walked - filled, recording.now - walked

    def compute_phase(self, offer: Offer, compute: Compute) -> float:
        begun = self.recording.now
        self.chain = keys.chain(
            self.begin("compute"), offer.sweep_seed, offer.hotkey, offer.slot, compute.packed
        )
        for i in range(compute.rounds):
            digest = self.recording.numbered(messages.ROUND_DIGEST, i)[1]
            self.round_digests.append(as_bytes(digest))
        return self.recording.now - begun

    def opening(self, kind: str, number: int, leaves: int, group: int, row: int = 0) -> Opening:
        fields = self.recording.prover(messages.OPENED)
        path = path_length(leaves // group)
        return messages.parse_opening(fields, (kind, number), group=group, path=path, row=row)

    @staticmethod
    def opened_leaf(opened: Opening, index: int, root: bytes) -> int:
        group = len(opened.block) // 8
        if climb(opened.block, index // group, opened.path) != root:
            raise Rejected("wrong_path", f"{opened.kind} {opened.number}")
        place = index % group * 8
        return int.from_bytes(opened.block[place : place + 8], "little")

    def open_walkers(self, secret: bytes, memory: Memory) -> None:
        fill, walk = key_of(self.fill), key_of(self.walk)
        for n, i in enumerate(sampling.walkers(secret, memory)):
            opened = self.opening("walker", n, memory.walkers, memory.group)
            end = self.opened_leaf(opened, i, self.walk_root[0])
            if end != walk_end(i, walk, memory.steps, memory.lines, fill, memory.cost):
                raise Rejected("wrong_walk", f"sample {n}")

    def open_blocks(self, secret: bytes, memory: Memory) -> None:
        for n, (u, block) in enumerate(sampling.blocks(secret, memory)):
            opened = self.opening("block", n, memory.segment_blocks, memory.group)
            found = self.opened_leaf(opened, block, self.unit_roots[u])
            before = keys.link(self.unit_roots, u - 2)
            key = key_of(keys.unit(self.fill, self.pass_nonce, u, before))
            place = u % memory.segments * memory.segment_blocks + block
            if found != block_digest(place, key, key_of(self.fill), memory.cost):
                raise Rejected("wrong_block", f"sample {n}")

    def round_keys(self, i: int) -> tuple[Key, Key]:
        """Of A, and of the row digests."""
        before = keys.link(self.round_digests, i - 2)
        secret = keys.compute_round(self.chain, i, before)
        return key_of(secret), key_of(keys.row_digests(secret))

    def open_rows(self, secret: bytes, offer: Offer, compute: Compute) -> None:
        b = keys.matrix_b(offer.sweep_seed, compute.operand, compute.columns, compute.depth)
        product = Product(compute, key_of(b))
        by_freivalds = compute.check == "freivalds"
        check = Freivalds(product, self.below) if by_freivalds else None
        size = 4 * compute.columns if by_freivalds else 0
        for n, (i, number) in enumerate(sampling.rows(secret, compute)):
            opened = self.opening("row", n, compute.rows, compute.group, size)
            found = self.opened_leaf(opened, number, self.round_digests[i])
            a_key, digest_key = self.round_keys(i)
            if check is None:
                row = product.row(number, a_key)
            else:
                row = entries_sent(opened.row)
                if max(map(abs, row)) > product.bound:
                    raise Rejected("wrong_product", f"an entry of sample {n} is out of bounds")
            if leaf(row, digest_key) != found:
                raise Rejected("wrong_row", f"sample {n}")
            if check is not None and not check.holds(number, a_key, row):
                raise Rejected("wrong_product", f"sample {n}")


def entries_sent(row: bytes) -> list[int]:
    places = range(0, len(row), 4)
    return [int.from_bytes(row[i : i + 4], "little", signed=True) for i in places]


def judge(
    conversation: Sequence[tuple[str, bytes]],
    step: float,
    ceiling: Mapping[str, float],
    below: Callable[[int], int] = secrets.randbelow,
) -> Verdict:
    """`step`: seconds from one message of the prover to the next; `below`: draws Freivalds' r."""
    try:
        offer, times = Validator(Recording(conversation, step), below).run()
        return Verdict(None, proven.figures(offer, times, ceiling))
    except Rejected as rejected:
        return Verdict(rejected.reason, None, str(rejected))
