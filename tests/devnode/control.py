"""What tests ask of the node: methods over a socket of their own, which no fault touches.

One line of JSON each way: {"method", "params": {...}}, then {"result"} or {"error": text}.
`tests.devnode.client` is the other end.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.devnode import hyper
from tests.devnode.genesis import set_name
from tests.devnode.keys import address, pair
from tests.devnode.ledger import SUBTENSOR, Ledger
from tests.devnode.node import Node
from tests.devnode.pallets import registration, serving
from tests.devnode.saving import save
from tests.devnode.scale import blake2, hexed
from tests.devnode.server import Endpoint


class Control:
    """`pace` starts and stops the making of blocks."""

    def __init__(self, node: Node, endpoint: Endpoint, pace: Callable[[bool], None]) -> None:
        self._node = node
        self._endpoint = endpoint
        self._pace = pace
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 24)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            try:
                reply = {"result": self.call(request["method"], request["params"])}
            except (ValueError, KeyError, TypeError) as error:
                reply = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(reply, default=_plain).encode() + b"\n")
            await writer.drain()
        writer.close()

    def call(self, method: str, params: dict[str, Any]) -> Any:
        handler = getattr(self, f"do_{method}", None)
        if handler is None:
            raise ValueError(f"there is no method {method}")
        return handler(**params)

    # the chain

    def do_mine(self, n: int) -> int:
        for _ in range(n):
            self._node.mine()
        return self._node.number

    def do_reorg(self, depth: int, transactions: str, longer_by: int) -> int:
        self._node.reorg(depth, transactions, longer_by)
        return self._node.number

    def do_upgrade(self, spec_version: int | None, epoch_consensus: bool) -> int:
        return self._node.upgrade(spec_version, epoch_consensus)

    def do_pace(self, running: bool) -> None:
        self._pace(running)

    def do_time_offset(self, seconds: float) -> None:
        self._node.time_offset_s = seconds

    def do_state(self) -> dict[str, Any]:
        node, blocks = self._node, self._node.blocks
        return {
            "number": node.number,
            "hash": hexed(blocks.best.hash),
            "finalized": blocks.finalized.number,
            "genesis_hash": hexed(blocks.genesis.hash),
            "spec_version": blocks.best.spec_version,
            "connections": len(self._endpoint.connections),
            "pool": [found.hash for found in node.pool],
            "faults": node.faults.shown(node.number),
            "calls": dict(node.calls),
        }

    def do_clear_calls(self) -> None:
        self._node.calls.clear()

    def do_extrinsics(self) -> list[dict[str, Any]]:
        return self._node.landed()

    def do_submissions(self) -> list[dict[str, Any]]:
        landed = {found["hash"]: found["block"] for found in self._node.landed()}
        return [
            {
                "signer": "",
                "method": "",
                "nonce": -1,
                **tried,
                "landed_in": landed.get(tried["hash"]),
            }
            for tried in self._node.submissions
        ]

    # faults

    def do_fault(self, name: str, **options: Any) -> int:
        return self._node.faults.add(name, block=self._node.number, **options)

    def do_clear_faults(self, id: int | None) -> None:  # noqa: A002
        self._node.faults.clear(id)

    def do_drop(self, code: int | None) -> None:
        self._endpoint.drop(code)

    # what is on the chain, changed in the best block's state

    def do_get(self, pallet: str, item: str, keys: list[Any]) -> Any:
        return self._ledger().state.get(pallet, item, *keys)

    def do_set(self, pallet: str, item: str, keys: list[Any], value: Any) -> None:
        state = self._ledger().state
        if value is None:
            state.kill(pallet, item, *keys)
        else:
            state.put(pallet, item, *keys, value=value)

    def do_fund(self, who: str, rao: int) -> None:
        self._ledger().set_account(address(who), free=rao)

    def do_balance(self, who: str) -> int:
        return self._ledger().free(address(who))

    def do_register(
        self, netuid: int, hotkey: str, coldkey: str, stake_rao: int, permit: bool | None
    ) -> int:
        ledger, hot = self._ledger(), address(hotkey)
        uid = ledger.uid(netuid, hot)
        if uid is None:
            uid = registration.take_slot(ledger, netuid, hot, address(coldkey))
        if stake_rao:
            ledger.put("TotalHotkeyAlpha", hot, netuid, value=stake_rao)
        if permit is not None:
            ledger.state.put_at(
                SUBTENSOR, "ValidatorPermit", netuid, index=uid, value=permit, zero=False
            )
        return uid

    def do_deregister(self, netuid: int, hotkey: str) -> None:
        """The slot goes to a newcomer, as an eviction leaves it."""
        ledger = self._ledger()
        uid = ledger.uid(netuid, address(hotkey))
        if uid is None:
            raise ValueError(f"{hotkey} has no uid on {netuid}")
        registration.evict(ledger, netuid, uid)
        newcomer = address(f"//newcomer/{ledger.block}/{uid}")
        registration.settle(ledger, netuid, uid, newcomer, address("//Ferdie"))

    def do_serve(self, netuid: int, hotkey: str, ip: int, ip_type: int, port: int) -> None:
        ledger = self._ledger()
        values = dict.fromkeys(serving.FIELDS, 0)
        axon = {**values, "version": 1, "protocol": 4, "ip": ip, "ip_type": ip_type, "port": port}
        ledger.put("Axons", netuid, address(hotkey), value={**axon, "block": ledger.block - 1})

    def do_hyper(self, netuid: int, wanted: dict[str, Any]) -> dict[str, Any]:
        ledger = self._ledger()
        hyper.change(ledger, netuid, wanted)
        return hyper.values(ledger.state, netuid)

    def do_name(self, netuid: int, name: str) -> None:
        set_name(self._ledger(), netuid, name)

    def do_submit(self, signer: str, pallet: str, function: str, args: dict[str, Any]) -> str:
        """Sign as somebody, and put it into the pool."""
        node, key = self._node, pair(signer)
        call = node.codec.call(pallet, function, args)
        genesis = node.blocks.genesis.hash
        nonce = node.pool.next_index(key.ss58_address)
        payload = node.codec.payload(
            call, era="00", nonce=nonce, tip=0, genesis=genesis, era_block=genesis
        )
        raw = node.codec.signed_extrinsic(
            call,
            public_key=bytes(key.public_key),
            signature=bytes(key.sign(payload)),
            nonce=nonce,
        )
        node.pool.add(node.pool.check(raw))
        self._endpoint.after_submit()
        return hexed(blake2(raw))

    def _ledger(self) -> Ledger:
        """Of the best block itself; `block` is the next one, as for a call that would be in it."""
        blocks = self._node.blocks
        return Ledger(blocks.state_of(blocks.best), blocks.best.number + 1)

    def do_save(self, path: str) -> None:
        save(self._node, Path(path))


def _plain(value: Any) -> Any:
    """What JSON has no word for."""
    if isinstance(value, (bytes, bytearray)):
        return hexed(bytes(value))
    raise TypeError(f"{type(value).__name__} is not for JSON")
