"""Everything that a public endpoint is known to do to its users, each to be done to a devnode.

They block, some for a second, and are to be called in a thread.  Each passes by itself, or
with `node.clear_faults()`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

from tests.devnode.client import DevNode

Trouble = Callable[[DevNode, Random], object]

GARBAGE = ("not_json", "not_object", "wrong_type", "wrong_scale", "truncated")
REFUSALS = ("banned", "full", "priority", "stale", "bad_signature")
METHODS = ("*", "state_*", "chain_*", "author_*", "chain_get*", "state_getRuntimeVersion")


def _for_s(random: Random) -> float:
    return random.uniform(0.1, 0.8)


def _refuse(node: DevNode, random: Random) -> None:
    node.fault("refuse", count=random.randint(1, 4))
    node.drop()


def _handshake(node: DevNode, random: Random) -> None:
    status = random.choice((403, 429, 429, 500, 503))
    node.fault(
        "handshake",
        status=status,
        retry_after=random.choice((None, "0.3", "1")) if status in (403, 429) else None,
        seconds=_for_s(random),
    )
    node.drop()


def _policy(node: DevNode, random: Random) -> None:
    node.fault(
        "error",
        method=random.choice(METHODS),
        code=random.choice((-32004, -32005)),
        message="rate limit exceeded",
        data=random.choice(({"retry_after": "0.3"}, {"policy": "p"}, None)),
        count=random.randint(1, 3),
    )


def _errors(node: DevNode, random: Random) -> None:
    node.fault(
        "error",
        method=random.choice(METHODS),
        code=random.choice((-32603, -32000, -32601)),
        message="it went wrong",
        data=None,
        seconds=_for_s(random),
    )


def _slow(node: DevNode, random: Random) -> None:
    delay_s = random.choice((0.05, 0.2, 0.7, 1.5))
    node.fault("slow", method=random.choice(METHODS), delay_s=delay_s, seconds=_for_s(random))


def _silent(node: DevNode, random: Random) -> None:
    node.fault("silent", method=random.choice(METHODS), seconds=_for_s(random))


def _garbage(node: DevNode, random: Random) -> None:
    how = random.choice(GARBAGE)
    node.fault("garbage", method=random.choice(METHODS), how=how, seconds=_for_s(random))


def _stands_still(node: DevNode, random: Random) -> None:
    node.pause()
    time.sleep(_for_s(random))
    node.resume()


def _reorganised(node: DevNode, random: Random) -> None:
    free = max(node.number() - node.finalized(), 0)
    if free:
        depth = random.randint(1, free)
        node.reorg(depth, transactions=random.choice(("pool", "lost")))


def _restarted(node: DevNode, random: Random) -> None:
    node.restart(down_s=random.uniform(0.0, 0.5))


def _killed(node: DevNode, random: Random) -> None:
    node.kill()
    time.sleep(random.uniform(0.0, 0.3))
    node.start()


def _impostor(node: DevNode, random: Random) -> None:
    """A node of another chain in the place of ours."""
    node.stop()
    options = node.options
    with DevNode(port=node.port, seed="impostor", interval_s=options.interval_s) as other:
        time.sleep(random.uniform(0.2, 0.6))
        assert other.genesis_hash != node.genesis_hash
        assert other.submissions() == [], "something was sent to another chain"
    node.start()


def _upgraded(node: DevNode, random: Random) -> None:
    # upwards, and never one that a reorganisation has undone before
    version = 1000 + 10 * node.number() + random.randrange(10)
    node.upgrade(version, epoch_consensus=random.random() < 0.5)


def _times(name: str) -> Trouble:
    return lambda node, random: node.fault(name, count=random.randint(1, 2))


def _while(name: str) -> Trouble:
    return lambda node, random: node.fault(name, seconds=_for_s(random))


def _rejects(reason: str) -> Trouble:
    return lambda node, random: node.fault("reject", reason=reason, count=random.randint(1, 2))


def _drops(code: int | None) -> Trouble:
    return lambda node, _: node.drop(code=code)


def _nonce(node: DevNode, random: Random) -> None:
    node.fault("nonce", by=random.choice((-2, -1, 1, 5)), seconds=_for_s(random))


TROUBLES: dict[str, Trouble] = {
    "dropped": _drops(None),
    "closed in order": _drops(1000),
    "closed for cause": _drops(1008),
    "refused for a while": _refuse,
    "handshake refused": _handshake,
    "asked away by an answer": _policy,
    "errors": _errors,
    "slow": _slow,
    "silent": _silent,
    "garbage": _garbage,
    "heads muted": _while("mute_heads"),
    "watch muted": _while("mute_watch"),
    "stands still": _stands_still,
    "reorganised": _reorganised,
    "restarted": _restarted,
    "killed": _killed,
    "impostor": _impostor,
    "upgraded": _upgraded,
    "wrong nonce": _nonce,
    "transaction lost": _times("lose"),
    "submission dropped before": _times("drop_before"),
    "submission dropped after": _times("drop_after"),
    **{f"pool says {reason}": _rejects(reason) for reason in REFUSALS},
}
