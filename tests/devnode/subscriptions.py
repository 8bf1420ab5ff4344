"""What a connection has subscribed to: heads, final heads, and what becomes of transactions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from tests.devnode.blocks import Block
from tests.devnode.node import Node

FINAL = "chain_finalizedHead"
HEADS = {
    "chain_subscribeNewHeads": "chain_newHead",
    "chain_subscribeNewHead": "chain_newHead",
    "chain_subscribeAllHeads": "chain_allHead",
    "chain_subscribeFinalizedHeads": FINAL,
}
WATCH, WATCH_UPDATE = "author_submitAndWatchExtrinsic", "author_extrinsicUpdate"
ENDED = ("finalized", "usurped", "invalid", "dropped")

Send = Callable[[dict[str, Any]], None]
_ids = itertools.count(1)


class Subscriptions:
    """Of one connection; `send` takes a message for it."""

    def __init__(self, node: Node, send: Send) -> None:
        self._node = node
        self._send = send
        self._heads: dict[str, str] = {}  # id -> the name of its notifications
        self._watched: dict[str, str] = {}  # id -> hash of the transaction
        node.on_head.append(self._new_head)
        node.on_final.append(self._new_final)
        node.on_status.append(self._status)

    def close(self) -> None:
        self._node.on_head.remove(self._new_head)
        self._node.on_final.remove(self._new_final)
        self._node.on_status.remove(self._status)

    def subscribe_heads(self, method: str) -> str:
        id_ = _new_id()
        self._heads[id_] = HEADS[method]
        return id_

    def watch(self, hash_: str) -> str:
        id_ = _new_id()
        self._watched[id_] = hash_
        return id_

    def unsubscribe(self, id_: str) -> bool:
        gone = (self._heads.pop(id_, None), self._watched.pop(id_, None))
        return gone != (None, None)

    def started(self, id_: str) -> None:
        """What a subscription says first, behind the reply that has its id."""
        if id_ in self._watched and not self._muted("mute_watch"):
            hash_ = self._watched[id_]
            waiting = next((found for found in self._node.pool if found.hash == hash_), None)
            ready = waiting is None or self._node.pool.is_ready(waiting)
            self._notify(id_, WATCH_UPDATE, "ready" if ready else "future")
        if id_ in self._heads and not self._muted("mute_heads"):
            blocks, name = self._node.blocks, self._heads[id_]
            present = blocks.finalized if name == FINAL else blocks.best
            self._notify(id_, name, present.header)

    def _new_head(self, block: Block) -> None:
        self._heads_of(block, final=False)

    def _new_final(self, block: Block) -> None:
        self._heads_of(block, final=True)

    def _heads_of(self, block: Block, *, final: bool) -> None:
        wanted = [(id_, name) for id_, name in self._heads.items() if (name == FINAL) is final]
        if wanted and not self._muted("mute_heads"):
            for id_, name in wanted:
                self._notify(id_, name, block.header)

    def _status(self, hash_: str, status: Any) -> None:
        for id_ in [id_ for id_, watched in self._watched.items() if watched == hash_]:
            if self._muted("mute_watch"):
                continue
            self._notify(id_, WATCH_UPDATE, status)
            if (status if isinstance(status, str) else next(iter(status))) in ENDED:
                del self._watched[id_]

    def _muted(self, fault: str) -> bool:
        return self._node.faults.take(fault, block=self._node.number) is not None

    def _notify(self, id_: str, name: str, result: Any) -> None:
        params = {"subscription": id_, "result": result}
        self._send({"jsonrpc": "2.0", "method": name, "params": params})


def _new_id() -> str:
    return f"sub{next(_ids)}"
