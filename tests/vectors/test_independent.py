"""The vectors, checked by the second implementation of docs/proof.md (`independent`)."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from .independent import commitments, compute, keys, memory, messages, sampling, words
from .independent.parameters import Compute, Memory
from .independent.validator import Verdict, judge

HERE = Path(__file__).parent
CHALLENGES = ["challenge_both", "challenge_freivalds", "challenge_memory", "challenge_no_passes"]
COMPUTE = Compute("nine_bit", 8, 16, 32, 3, 3, 4, 5, "recompute")
MEMORY = Memory(6, 3, 12, 7, 2, 5, 3, 2, 3)
Conversation = list[tuple[str, bytes]]


def load(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
    return found


PARTS = load("parts")


def numbers(texts: list[str]) -> list[int]:
    return [int(text, 16) for text in texts]


FIRST, SECOND = numbers(PARTS["words"]["key"])
KEY = (FIRST, SECOND)
EXCHANGED = (SECOND, FIRST)


def conversation_of(name: str) -> Conversation:
    return [(side, bytes.fromhex(data)) for side, data in load(name)["messages"]]


def judged(name: str, conversation: Conversation, seed: int = 0) -> Verdict:
    recorded = load(name)
    step = recorded["seconds_between_prover_messages"]
    return judge(conversation, step, recorded["ceiling"], Random(seed).randrange)


def test_words() -> None:
    given = PARTS["words"]
    n = numbers(given["n"])
    assert [words.scramble(x, SECOND) for x in n] == numbers(given["scramble"])
    assert [words.word(x, KEY) for x in n] == numbers(given["word"])
    assert [words.word(x, (0, 0)) for x in n] == numbers(given["splitmix64"])
    assert words.digest(n[:4], KEY) == int(given["digest_of_first_four"], 16)


def test_keys() -> None:
    given = PARTS["keys"]
    nonce, sweep_seed, hotkey = (
        bytes.fromhex(given[name]) for name in ("nonce", "sweep_seed", "hotkey")
    )
    slot = given["slot"]
    b = keys.matrix_b(sweep_seed, "nine_bit", 16, 32)
    assert b.hex() == given["H(B)"]
    assert words.key_of(b) == tuple(numbers(given["b_key"]))
    chain = keys.chain(nonce, sweep_seed, hotkey, slot, COMPUTE.packed)
    assert chain.hex() == given["chain"]
    round_0 = keys.compute_round(chain, 0, b"")
    assert round_0.hex() == given["round_0"]
    link = keys.link([b"\7" * 32], 0)
    assert link.hex() == given["link_0_of_a_root_of_32_bytes_07"]
    assert keys.compute_round(chain, 2, link).hex() == given["round_2_after_that"]
    row_digests = words.key_of(keys.row_digests(round_0))
    assert row_digests == tuple(numbers(given["row_digests_of_round_0"]))
    fill = keys.fill(nonce, hotkey, slot, MEMORY.packed)
    assert fill.hex() == given["fill"]
    assert words.key_of(keys.walk(fill, nonce)) == tuple(numbers(given["walk_with_the_same_nonce"]))
    unit_1 = words.key_of(keys.unit(fill, nonce, 1, b""))
    assert unit_1 == tuple(numbers(given["unit_1_with_the_same_nonce"]))
    sample = keys.sample(sweep_seed, [b"\7" * 32])
    assert sample.hex() == given["sample_with_the_sweep_seed_after_a_root_of_32_bytes_07"]


def test_packed() -> None:
    assert PARTS["packed"] == {"compute": COMPUTE.packed.hex(), "memory": MEMORY.packed.hex()}


@pytest.mark.parametrize("operand", ["nine_bit", "int8"])
def test_products(operand: str) -> None:
    given = PARTS["products"][operand]
    parameters = Compute(operand, 8, 16, 16, 1, 1, 1, 1, "recompute")
    product = compute.Product(parameters, EXCHANGED)
    assert [product.row_of_a(row, KEY) for row in (0, 7)] == given["a_rows_0_and_7"]
    assert product.b[3] == given["b_column_3"]
    rows = [product.row(row, KEY) for row in (0, 7)]
    assert rows == given["c"]
    assert [compute.leaf(row, KEY) for row in rows] == numbers(
        given["leaves_under_the_key_in_words"]
    )
    check = compute.Freivalds(product, Random(1).randrange)
    assert check.holds(7, KEY, rows[1])
    for place in range(16):
        wrong = list(rows[1])
        wrong[place] += 1
        assert not check.holds(7, KEY, wrong)


@pytest.mark.parametrize("given", PARTS["commitments"])
def test_commitments(given: dict[str, Any]) -> None:
    leaves, group = numbers(given["leaves"]), given["group"]
    last = len(leaves) // group - 1
    assert commitments.root(leaves, group).hex() == given["root"]
    path = commitments.path(leaves, group, last)
    assert [neighbour.hex() for neighbour in path] == given["path_of_last_block"]
    for block in range(last + 1):
        path = commitments.path(leaves, group, block)
        assert len(path) == commitments.path_length(last + 1)
        opened = commitments.block_bytes(leaves[block * group : (block + 1) * group])
        assert commitments.climb(opened, block, path).hex() == given["root"]


def test_memory() -> None:
    given = PARTS["memory"]
    cost, lines, steps = given["cost"], given["lines"], given["steps"]
    assert memory.line(0, KEY, cost) == numbers(given["first_line"])
    assert memory.memory_word(8 * lines - 1, KEY, cost) == int(given["last_word"], 16)
    ends = [memory.walk_end(i, EXCHANGED, steps, lines, KEY, cost) for i in range(4)]
    assert ends == numbers(given["first_walks_end"])
    found = [memory.block_digest(block, EXCHANGED, KEY, cost) for block in range(6)]
    assert found == numbers(given["block_digests_under_the_walk_key"])


def test_samples() -> None:
    given = PARTS["samples"]
    secret = bytes.fromhex(given["secret"])
    assert sampling.draw(secret, "row", 3, 1000) == given["draw_row_3_below_1000"]
    assert [list(pair) for pair in sampling.rows(secret, COMPUTE)] == given["rows"]
    assert sampling.walkers(secret, MEMORY) == given["walkers"]
    assert [list(pair) for pair in sampling.blocks(secret, MEMORY)] == given["blocks"]


@pytest.mark.parametrize("name", CHALLENGES)
@pytest.mark.parametrize("seed", range(3))
def test_challenge_is_accepted_and_proves_its_figures(name: str, seed: int) -> None:
    verdict = judged(name, conversation_of(name), seed)
    assert verdict.reason is None, verdict.detail
    for field, value in load(name)["proven"].items():
        found = getattr(verdict.proven, field)
        assert found == (value if value is None else pytest.approx(value, rel=1e-12, abs=0))


def changed(name: str, rnd: Random) -> list[tuple[int, int, int]]:
    """Message, place and bits to flip: each byte of what is short, a sample of what is long."""
    found = []
    for index, (side, data) in enumerate(conversation_of(name)):
        if side == "P":
            places = (
                range(len(data)) if len(data) < 8 else [0, 1, 2, *rnd.sample(range(len(data)), 9)]
            )
            found += [(index, place, 1 << rnd.randrange(8)) for place in places]
            found += [(index, place, rnd.randrange(1, 256)) for place in places]
    return found


@pytest.mark.parametrize("name", CHALLENGES)
def test_no_byte_of_the_prover_can_be_another(name: str) -> None:
    honest = conversation_of(name)
    for index, place, bits in changed(name, Random(7)):
        side, data = honest[index]
        other = data[:place] + bytes([data[place] ^ bits]) + data[place + 1 :]
        verdict = judged(name, [*honest[:index], (side, other), *honest[index + 1 :]])
        assert verdict.reason is not None, (index, place, bits)


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_conversation_cut_short(name: str) -> None:
    whole = conversation_of(name)
    sample = next(i for i, (_, data) in enumerate(whole) if data[:2] == b"\x92\4")
    for length, (side, _) in enumerate(whole):
        if side == "P":
            reason = "ended" if length < sample else "no_openings"
            assert judged(name, whole[:length]).reason == reason


@pytest.mark.parametrize("name", CHALLENGES)
def test_nothing_twice_and_nothing_in_another_order(name: str) -> None:
    whole = conversation_of(name)
    for index, (side, _) in enumerate(whole):
        if side == "P":
            twice = [*whole[: index + 1], whole[index], *whole[index + 1 :]]
            assert judged(name, twice).reason == "out_of_turn"
            if whole[index - 1][0] == "P":
                swapped = [*whole[: index - 1], whole[index], whole[index - 1], *whole[index + 1 :]]
                assert judged(name, swapped).reason in {"out_of_turn", "malformed"}


def test_faster_than_its_class() -> None:
    recorded = load("challenge_both")
    conversation = conversation_of("challenge_both")
    for name in ("tensor_ops", "memory_bps", "mix_ops"):
        ceiling = {**recorded["ceiling"], name: recorded["proven"][name] * 0.99}
        assert judge(conversation, 0.125, ceiling).reason == "too_fast"


def test_a_word_that_is_true_or_false_is_no_number() -> None:
    for data in (b"\x92\x11\xc2", b"\x92\x11\xc3", b"\x91\xc2", b"\x92\x11\xca\0\0\0\0"):
        with pytest.raises(messages.Rejected, match="malformed"):
            messages.unpack(data)
