"""The JSON-RPC methods that answer from the chain, without subscriptions.

A table from name to function of node and parameters.  Errors have a Substrate node's codes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from tests.devnode import apis
from tests.devnode.blocks import Block, StateDiscarded
from tests.devnode.codec import TRANSACTION_VERSION
from tests.devnode.ledger import Ledger
from tests.devnode.node import Node
from tests.devnode.scale import hexed, unhexed
from tests.devnode.state import Values

Answer = Callable[[Node, list[Any]], Any]
METADATA_15 = (15).to_bytes(4, "little")
MOST_KEYS = 1000
STATE_ERROR, METHOD_NOT_FOUND, INVALID_PARAMS = 4003, -32601, -32602
log = logging.getLogger("devnode")


class RpcError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


def answer(node: Node, method: str, params: list[Any]) -> Any:
    """The result; RpcError, or the pool's Invalid, otherwise."""
    handler = METHODS.get(method)
    if handler is None:
        raise RpcError(METHOD_NOT_FOUND, "Method not found")
    try:
        return handler(node, params)
    except StateDiscarded as discarded:
        raise RpcError(
            STATE_ERROR, f"Client error: UnknownBlock: State already discarded for {discarded}"
        ) from None
    except apis.NotHere as missing:
        raise RpcError(
            STATE_ERROR, f"Client error: Execution failed: {missing} is not part of the devnode"
        ) from None
    except (ValueError, TypeError, IndexError, KeyError) as error:
        log.warning("in %s%r", method, params, exc_info=True)
        raise RpcError(INVALID_PARAMS, f"Invalid params: {error!r}") from error


def block_at(node: Node, params: list[Any], index: int) -> Block:
    """The block whose hash is that parameter; the best one if it is left out."""
    hash_ = params[index] if len(params) > index else None
    if hash_ is None:
        return node.blocks.best
    found = node.blocks.by_hash(unhexed(hash_))
    if found is None:
        raise RpcError(STATE_ERROR, f"Client error: UnknownBlock: Header was not found: {hash_}")
    return found


def values_at(node: Node, params: list[Any], index: int) -> Values:
    return node.blocks.state_of(block_at(node, params, index)).values


def _maybe_block(node: Node, params: list[Any]) -> Block | None:
    if not params or params[0] is None:
        return node.blocks.best
    return node.blocks.by_hash(unhexed(params[0]))


def _hash(node: Node, params: list[Any]) -> Any:
    wanted = params[0] if params else None
    if wanted is None:
        return hexed(node.blocks.best.hash)
    if isinstance(wanted, list):
        return [_hash(node, [number]) for number in wanted]
    number = int(wanted, 16) if isinstance(wanted, str) else int(wanted)
    found = node.blocks.at(number)
    return hexed(found.hash) if found else None


def _header(node: Node, params: list[Any]) -> Any:
    found = _maybe_block(node, params)
    return found.header if found else None


def _block(node: Node, params: list[Any]) -> Any:
    found = _maybe_block(node, params)
    if found is None:
        return None
    extrinsics = [hexed(raw) for raw in found.extrinsics]
    return {"block": {"header": found.header, "extrinsics": extrinsics}, "justifications": None}


def _version(node: Node, params: list[Any]) -> Any:
    return {
        "specName": "node-subtensor",
        "implName": "node-subtensor",
        "authoringVersion": 1,
        "specVersion": block_at(node, params, 0).spec_version,
        "implVersion": 1,
        "apis": [],
        "transactionVersion": TRANSACTION_VERSION,
        "stateVersion": 1,
        "systemVersion": 1,
    }


def _storage(node: Node, params: list[Any]) -> Any:
    value = values_at(node, params, 1).get(unhexed(params[0]))
    return None if value is None else hexed(value)


def _keys_paged(node: Node, params: list[Any]) -> Any:
    prefix, count = unhexed(params[0] or "0x"), min(params[1], MOST_KEYS)
    after = unhexed(params[2]) if len(params) > 2 and params[2] else b""
    found = sorted(
        key for key in values_at(node, params, 3) if key.startswith(prefix) and key > after
    )
    return [hexed(key) for key in found[:count]]


def _query_at(node: Node, params: list[Any]) -> Any:
    at = block_at(node, params, 1)
    values = node.blocks.state_of(at).values
    changes = []
    for key in params[0]:
        value = values.get(unhexed(key))
        changes.append([key, None if value is None else hexed(value)])
    return [{"block": hexed(at.hash), "changes": changes}]


def _call(node: Node, params: list[Any]) -> Any:
    name, args = params[0], unhexed(params[1] or "0x")
    at = block_at(node, params, 2)
    if name == "Metadata_metadata_at_version":
        return node.blocks.codec_of(at).opaque_metadata if args == METADATA_15 else "0x00"
    state = node.blocks.state_of(at)
    return hexed(apis.call(Ledger(state, at.number), name, args))


def _submit(node: Node, params: list[Any]) -> Any:
    return node.submit(unhexed(params[0])).hash


def _health(node: Node, params: list[Any]) -> Any:
    return {"peers": 0, "isSyncing": False, "shouldHavePeers": False}


METHODS: dict[str, Answer] = {
    "system_chain": lambda node, p: "Polaris devnode",
    "system_name": lambda node, p: "devnode",
    "system_version": lambda node, p: "1.0.0",
    "system_health": _health,
    "system_properties": lambda node, p: {
        "ss58Format": 42,
        "tokenDecimals": 9,
        "tokenSymbol": "TAO",
    },
    "rpc_methods": lambda node, p: {"methods": sorted(METHODS)},
    "chain_getBlockHash": _hash,
    "chain_getHead": _hash,
    "chain_getFinalizedHead": lambda node, p: hexed(node.blocks.finalized.hash),
    "chain_getHeader": _header,
    "chain_getBlock": _block,
    "state_getRuntimeVersion": _version,
    "chain_getRuntimeVersion": _version,
    "state_getStorage": _storage,
    "state_getStorageAt": _storage,
    "state_getKeysPaged": _keys_paged,
    "state_queryStorageAt": _query_at,
    "state_call": _call,
    "account_nextIndex": lambda node, p: node.next_index(p[0]),
    "system_accountNextIndex": lambda node, p: node.next_index(p[0]),
    "author_submitExtrinsic": _submit,
    "author_pendingExtrinsics": lambda node, p: [hexed(found.raw) for found in node.pool],
}
