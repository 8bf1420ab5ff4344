"""The pure parts of the proofs: trees, keys, samples, memory, soundness."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polarisd.proof import keys, memory, soundness, tree
from polarisd.proof.parameters import ComputeParameters, MemoryParameters
from polarisd.proof.sample import sampled_blocks, sampled_rows, sampled_walkers
from polarisd.proof.words import Key, words_at
from tests.unit import proof_oracle, proof_support

MASK = (1 << 64) - 1
u64 = st.integers(0, MASK)
some_keys = st.builds(Key, u64, u64)


# Trees.


@given(st.integers(1, 40), st.sampled_from((1, 2, 5)), st.data())
def test_every_block_leads_to_the_root_and_no_other_does(
    blocks: int, group: int, data: st.DataObject
) -> None:
    leaves = words_at(np.arange(blocks * group, dtype=np.uint64), Key(1, 1))
    levels = tree.levels_of(leaves, group)
    number = data.draw(st.integers(0, blocks - 1))
    block = leaves[number * group : (number + 1) * group].tobytes()
    path = tree.path(levels, number)
    assert len(path) == tree.depth(blocks)
    assert tree.root_from(block, number, path) == tree.root(levels)
    other = data.draw(st.integers(0, (1 << len(path)) - 1).filter(lambda n: n != number))
    if path:
        assert tree.root_from(block, other, path) != tree.root(levels)
    spoilt = bytearray(block)
    spoilt[data.draw(st.integers(0, len(block) - 1))] ^= 1
    assert tree.root_from(bytes(spoilt), number, path) != tree.root(levels)


@pytest.mark.parametrize("count", [0, 7])
def test_leaves_must_fill_their_blocks(count: int) -> None:
    with pytest.raises(ValueError, match="fill"):
        tree.levels_of(np.zeros(count, np.uint64), 2)


# Keys.


@given(st.lists(st.binary(max_size=8), max_size=4), st.lists(st.binary(max_size=8), max_size=4))
def test_keys_of_different_parts_differ(one: list[bytes], two: list[bytes]) -> None:
    assert (keys.derive(b"T", *one) == keys.derive(b"T", *two)) == (one == two)


@given(st.integers(1, 1 << 28), st.integers(0, 100))
def test_draws_are_in_their_range(below: int, number: int) -> None:
    assert 0 <= keys.draw(b"secret", b"row", number, below) < below


# Samples.


@given(proof_support.compute_parameters(), st.binary(min_size=32, max_size=32))
def test_rows_are_sampled_in_every_round(parameters: ComputeParameters, secret: bytes) -> None:
    samples = sampled_rows(secret, parameters)
    assert len(samples) == parameters.samples
    assert {round_ for round_, _ in samples} == set(range(parameters.rounds))
    assert all(0 <= row < parameters.rows for _, row in samples)


@given(proof_support.memory_parameters(), st.binary(min_size=32, max_size=32))
def test_walkers_and_blocks_are_sampled_within_bounds(
    parameters: MemoryParameters, secret: bytes
) -> None:
    assert all(0 <= w < parameters.walkers for w in sampled_walkers(secret, parameters))
    blocks = sampled_blocks(secret, parameters)
    assert len(blocks) == (parameters.unit_samples if parameters.units else 0)
    assert all(0 <= u < parameters.units for u, _ in blocks)
    assert all(0 <= b < parameters.segment_blocks for _, b in blocks)
    assert [u for u, _ in blocks] == sorted(u for u, _ in blocks)


# Memory.


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=5), some_keys, st.integers(1, 9))
def test_filled_words_are_the_formula(counters: list[int], key: Key, cost: int) -> None:
    wanted = [proof_oracle.filled(key, n, cost) for n in counters]
    assert memory.filled(np.array(counters, np.uint64), key, cost).tolist() == wanted


@settings(max_examples=20)
@given(some_keys, some_keys, st.integers(1, 6))
def test_a_walk_is_the_formula(fill: Key, key: Key, steps: int) -> None:
    lines = 64
    words = memory.filled(np.arange(8 * lines, dtype=np.uint64).reshape(1, -1), fill, 1).reshape(-1)
    wanted = proof_oracle.walked(words.tolist(), lines, 3, steps, key)
    ends = memory.walk(
        lambda n: words.reshape(-1, 8)[n], np.array([3], np.uint64), lines, steps, key
    )
    assert ends.tolist() == [wanted]


# Soundness.


@pytest.mark.parametrize(
    ("skipped", "samples"), [(0.5, 40), (0.25, 97), (0.2, 125), (0.1, 264), (0.05, 541)]
)
def test_samples_for_one_in_2_to_the_40(skipped: float, samples: int) -> None:
    assert soundness.samples_for(skipped, -40) == samples
    assert soundness.skipped_log2(skipped, samples, "recompute") <= -40 + 1e-5
    assert soundness.skipped_log2(skipped, samples - 1, "recompute") > -40
    assert soundness.skippable(samples, -40) <= skipped + 1e-9


def test_the_chance_never_falls_below_that_of_a_guessed_leaf() -> None:
    assert soundness.skipped_log2(1.0, 48, "recompute") == pytest.approx(-64 + math.log2(48))
    assert soundness.skipped_log2(1.0, 48, "freivalds") == pytest.approx(
        math.log2(48 * (2**-64 + 2**-61.99))
    )
    assert soundness.skipped_log2(0.0, 48, "recompute") == 0.0


@given(st.floats(0.001, 0.999), st.floats(-80, -1))
def test_enough_samples_are_enough(skipped: float, chance_log2: float) -> None:
    samples = soundness.samples_for(skipped, chance_log2)
    assert samples * math.log2(1 - skipped) <= chance_log2 + 1e-9


@pytest.mark.parametrize(("skipped", "chance"), [(0.0, -40), (1.0, -40), (0.5, 0.0)])
def test_what_has_no_number_of_samples(skipped: float, chance: float) -> None:
    with pytest.raises(ValueError, match="share"):
        soundness.samples_for(skipped, chance)
