"""What is read of the chain, as functions of a connection.  On the asyncio side, for `actor`.

Duck-typed over the SDK's `RpcSubstrate`.  What does not have the shape that it must have
raises, and becomes `garbage` one level up.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from polarisd.chain import shapes
from polarisd.chain.failures import plain
from polarisd.chain.probe import Abilities
from polarisd.chain.sdk import Connection
from polarisd.chain.shapes import (
    MOST_BLOCKS,
    MOST_MS,
    MOST_NEURONS,
    MOST_RAO,
    MOST_U8,
    MOST_U16,
    MOST_U32,
    address,
    truth,
    whole,
)
from polarisd.chain.values import (
    Axon,
    Endpoint,
    Head,
    Identity,
    Neuron,
    Subnet,
    Terms,
    parse_endpoint,
)

SUBTENSOR = "SubtensorModule"
# who owns what nobody owns: the address of 32 zero bytes
NOBODY = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM"


async def identity(c: Connection) -> Identity:
    return Identity(
        genesis_hash=shapes.block_hash(await c.substrate.raw.genesis_hash()),
        spec_version=await spec_version(c),
        chain_name=plain(str(await c.substrate.raw.rpc_request("system_chain"))),
        block_time_s=shapes.block_time_s(await c.substrate.block_time()),
    )


async def abilities(c: Connection) -> Abilities:
    metadata = await c.substrate.raw.metadata_ir()
    return Abilities(
        storage=frozenset((p.name, item.name) for p in metadata.pallets for item in p.storage),
        calls=frozenset((p.name, call.name) for p in metadata.pallets for call in p.calls),
        runtime_calls=frozenset((a.name, m) for a in metadata.runtime_apis for m in a.methods),
    )


async def spec_version(c: Connection) -> int:
    """Asked of the node each time, unlike the SDK's own, which is up to 12 s old."""
    version = await c.substrate.raw.rpc_request("state_getRuntimeVersion")
    return whole(version["specVersion"], MOST_U32)


async def follow(c: Connection, put: Callable[[Head], None]) -> None:
    """Until the connection is lost."""
    async for block in c.substrate.blocks():
        header = block["header"]
        put(_head(header["number"], header["parentHash"]))


async def head(c: Connection, finalized: bool) -> Head:
    params = []
    if finalized:
        params = [await c.substrate.raw.get_chain_finalised_head()]
    header = await c.substrate.raw.rpc_request("chain_getHeader", params)
    return _head(int(header["number"], 16), header["parentHash"])


def _head(number: Any, parent: Any) -> Head:
    return Head(number=whole(number, MOST_BLOCKS), parent_hash=shapes.block_hash(parent))


async def uid(c: Connection, netuid: int, hotkey: str, finalized: bool) -> int | None:
    at = await c.substrate.raw.get_chain_finalised_head() if finalized else None
    found = await c.substrate.query(SUBTENSOR, "Uids", [netuid, hotkey], block_hash=at)
    return None if found is None else whole(found, MOST_U16)


async def axon(c: Connection, netuid: int, hotkey: str) -> Axon | None:
    found = await c.substrate.query(SUBTENSOR, "Axons", [netuid, hotkey])
    return None if found is None else as_axon(found)


async def balance_rao(c: Connection, ss58: str) -> int:
    account = await c.substrate.query("System", "Account", [ss58])
    return whole(account["data"]["free"], MOST_RAO)


async def owner(c: Connection, hotkey: str) -> str | None:
    found = address(await c.substrate.query(SUBTENSOR, "Owner", [hotkey]))
    return None if found == NOBODY else found


async def block_at(c: Connection) -> float:
    return whole(await c.substrate.query("Timestamp", "Now", []), MOST_MS) / 1000


async def subnet(c: Connection, netuid: int) -> Subnet | None:
    graph = await _metagraph(c, netuid)
    return None if graph is None else as_subnet(graph)


async def terms(c: Connection, netuid: int) -> Terms | None:
    graph = await _metagraph(c, netuid)
    return None if graph is None else as_terms(graph)


async def _metagraph(c: Connection, netuid: int) -> dict[str, Any] | None:
    found = await c.substrate.runtime_call("SubnetInfoRuntimeApi", "get_metagraph", [netuid])
    if found is not None and whole(found["netuid"], MOST_U16) != netuid:
        raise ValueError(f"asked for subnet {netuid}, got {found['netuid']}")
    return None if found is None else dict(found)


def as_axon(raw: dict[str, Any]) -> Axon:
    ip, kind = whole(raw["ip"], (1 << 256) - 1), whole(raw["ip_type"], MOST_U8)
    return Axon(
        endpoint=_endpoint(ip, kind, whole(raw["port"], MOST_U16)),
        block=whole(raw["block"], MOST_BLOCKS),
        version=whole(raw["version"], MOST_U32),
        protocol=whole(raw["protocol"], MOST_U8),
    )


def _endpoint(ip: int, ip_type: int, port: int) -> Endpoint | None:
    """Of anybody's making: what is no endpoint is none, and harms nobody else's."""
    if ip == 0 or port == 0 or ip_type not in (4, 6) or ip >= 1 << (32 if ip_type == 4 else 128):
        return None
    # through bytes, for 4 bytes make an IPv4 address and 16 an IPv6, however small
    found = ip_address(ip.to_bytes(4 if ip_type == 4 else 16, "big"))
    return parse_endpoint(str(Endpoint(str(found), port)))


def as_subnet(graph: dict[str, Any]) -> Subnet:
    columns = (
        "hotkeys", "coldkeys", "axons", "active", "validator_permit", "block_at_registration",
        "last_update", "incentives", "emission", "total_stake",
    )  # fmt: skip
    count = whole(graph["num_uids"], MOST_NEURONS)
    rows = list(zip(*(graph[name][: count + 1] for name in columns), strict=True))
    neurons = tuple(_neuron(number, *row) for number, row in enumerate(rows))
    if len(neurons) != count or len({neuron.hotkey for neuron in neurons}) != count:
        raise ValueError(f"{count} neurons are said to be there, each with a hotkey of its own")
    return Subnet(
        netuid=whole(graph["netuid"], MOST_U16),
        name=shapes.name(graph["name"]),
        block=whole(graph["block"], MOST_BLOCKS),
        tempo=whole(graph["tempo"], MOST_U16),
        max_uids=whole(graph["max_uids"], MOST_U16),
        neurons=neurons,
    )


def _neuron(
    number: int,
    hotkey: Any,
    coldkey: Any,
    axon: Any,
    active: Any,
    permit: Any,
    registered: Any,
    update: Any,
    incentive: Any,
    emission: Any,
    stake: Any,
) -> Neuron:
    return Neuron(
        uid=number,
        hotkey=address(hotkey),
        coldkey=address(coldkey),
        axon=as_axon(axon),
        active=truth(active),
        validator_permit=truth(permit),
        registered_block=whole(registered, MOST_BLOCKS),
        last_update_block=whole(update, MOST_BLOCKS),
        incentive=whole(incentive, MOST_U16) / MOST_U16,
        emission_rao=whole(emission, MOST_RAO),
        stake_rao=whole(stake, MOST_RAO),
    )


def as_terms(graph: dict[str, Any]) -> Terms:
    return Terms(
        netuid=whole(graph["netuid"], MOST_U16),
        name=shapes.name(graph["name"]),
        block=whole(graph["block"], MOST_BLOCKS),
        registration_open=truth(graph["registration_allowed"]),
        price_rao=whole(graph["burn"], MOST_RAO),
        num_uids=whole(graph["num_uids"], MOST_NEURONS),
        max_uids=whole(graph["max_uids"], MOST_U16),
        immunity_blocks=whole(graph["immunity_period"], MOST_U16),
        serving_limit_blocks=shapes.limit_blocks(graph["serving_rate_limit"]),
        weights_limit_blocks=shapes.limit_blocks(graph["weights_rate_limit"]),
        commit_reveal=truth(graph["commit_reveal_weights_enabled"]),
        owner_coldkey=address(graph["owner_coldkey"]),
    )
