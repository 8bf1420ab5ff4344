"""When to publish this machine's endpoint: a plain decision, made at every look at the chain.

The rule of the chain (its `serve_axon`): a hotkey may publish again when
`serving_rate_limit` blocks have gone by since it last did.  So what is published is
worth a thought: only what differs, only what is known, and not again and again what
the chain refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Union

from polarisd.api.reading import Reading, Unknown
from polarisd.chain.outcomes import Failed, Landed, Submission
from polarisd.chain.values import Axon, Endpoint

# After a refusal that time cures, and after one that somebody has to cure.
_FIRST_PAUSE_BLOCKS = 2
_MOST_PAUSE_BLOCKS = 50
_DOUBLINGS = 6
# What a run of this daemon that was killed has sent is in a block by then.
_SETTLING_BLOCKS = 2
# A chain that went back further than this has begun anew: what was tried on it is gone.
_REORGANISED_BLOCKS = 8


@dataclass(frozen=True, slots=True)
class Publish:
    """Send a transaction that publishes this endpoint."""

    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Leave:
    """Send nothing; `why` is empty when all is as it should be."""

    why: str = ""


Decision = Union[Publish, Leave]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """How publishing `endpoint` has gone so far, the last time at `at_block`; nothing is tried
    before `not_before_block`."""

    endpoint: Endpoint | None = None
    failures: int = 0
    at_block: int = 0
    not_before_block: int = 0
    why: str = ""


def decide(
    *,
    wanted: Reading[Endpoint],
    uid: int | None,
    axon: Axon | None,
    block: int,
    limit_blocks: int,
    attempts: Attempts,
    first_block: int = 0,
) -> Decision:
    """What to do at `block`, of which `uid` and `axon` were read; `first_block` is the first
    that this daemon has seen."""
    if uid is None:
        return Leave("the hotkey has no UID on this subnet")
    if isinstance(wanted, Unknown):
        why = f": {wanted.detail}" if wanted.detail else ""
        return Leave(f"it is not known under which address the world finds this machine{why}")
    if axon is not None and axon.endpoint == wanted:
        return Leave()
    if first_block <= block < first_block + _SETTLING_BLOCKS:
        return Leave("polarisd has just started, and what it sent before may still land")
    if attempts.endpoint == wanted and _is_early(attempts, block):
        return Leave(f"{attempts.why}; tried again at block {attempts.not_before_block}")
    # It lands in the next block at the earliest.
    if axon is not None and axon.block and block + 1 - axon.block < limit_blocks:
        free = axon.block + limit_blocks
        return Leave(
            f"the subnet lets a hotkey publish every {limit_blocks} blocks: {wanted} is "
            f"published at block {free}"
        )
    return Publish(wanted)


def _is_early(attempts: Attempts, block: int) -> bool:
    return attempts.at_block - _REORGANISED_BLOCKS <= block < attempts.not_before_block


def after(attempts: Attempts, endpoint: Endpoint, submission: Submission, block: int) -> Attempts:
    """What to remember of a try that ended at `block`.  That it landed is not believed but
    seen: the next look at the chain decides."""
    if isinstance(submission, Landed):
        return Attempts(
            endpoint=endpoint,
            at_block=block,
            not_before_block=block + _FIRST_PAUSE_BLOCKS,
            why="it is in a block, and does not show in the chain's state yet",
        )
    known = attempts if attempts.endpoint == endpoint else Attempts(endpoint=endpoint)
    failures = known.failures + 1
    why = submission if isinstance(submission, Failed) else submission.why
    pause = _FIRST_PAUSE_BLOCKS << min(failures - 1, _DOUBLINGS)
    if isinstance(submission, Failed) and not submission.passing:
        pause = _MOST_PAUSE_BLOCKS
    pause = min(pause, _MOST_PAUSE_BLOCKS)
    return replace(
        known,
        failures=failures,
        at_block=block,
        not_before_block=block + pause,
        why=f"the last try failed ({why.text})",
    )
