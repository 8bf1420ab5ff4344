"""Cut work into batches of bounded size.

For the verifiers in `rows` and `marks`, whose peak of memory it bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator


def batches(
    numbers: Iterable[int], size: Callable[[int], int], at_most: int
) -> Iterator[list[int]]:
    """In order; only what is too large on its own makes a batch larger than `at_most`."""
    batch: list[int] = []
    total = 0
    for number in numbers:
        if batch and total + size(number) > at_most:
            yield batch
            batch, total = [], 0
        batch.append(number)
        total += size(number)
    if batch:
        yield batch
