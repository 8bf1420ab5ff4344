"""A miner's heartbeat, made of what its machine says of itself.  Pure but for the signature.

For `sender`.  The bytes are made once for all validators: two that differ under one sequence
number are a proof of equivocation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from polarisd.heartbeat.document import (
    MAX_CODES,
    MAX_FAULTS,
    MAX_GPUS,
    Gpu,
    Health,
    Heartbeat,
    Signed,
    Slots,
    canonical,
    parse_document,
    signed_bytes,
)
from polarisd.keys import Hotkey

_UUID = re.compile(r"[A-Za-z0-9-]{1,48}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who speaks, and on which subnet.  `network` is the genesis hash, or "independent"."""

    hotkey: Hotkey
    network: str
    netuid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the daemon knows of its machine.  `endpoint` is None while it is unknown.

    GPUs come with the codes of what withholds them; the worst first, for a few must do.
    """

    endpoint: str | None
    ssh_first: int
    ssh_last: int
    gpus: tuple[Gpu, ...]
    slots_total: int
    slots_free: int
    offering: bool
    version: str
    healthy: bool
    faults: tuple[str, ...]


def make(origin: Origin, facts: Facts, sequence: int, sent_at: float) -> Signed:
    """ValueError if the facts are such that no validator could take them: a bug of ours."""
    heartbeat = Heartbeat(
        heartbeat=1,
        hotkey=origin.hotkey.ss58,
        network=origin.network,
        netuid=origin.netuid,
        sequence=sequence,
        sent_at_ms=int(sent_at * 1e3),
        endpoint=facts.endpoint,
        ssh_ports=(facts.ssh_first, facts.ssh_last),
        gpus=tuple(_fitting(facts.gpus)),
        slots=Slots(total=facts.slots_total, free=facts.slots_free),
        offering=facts.offering,
        version=facts.version,
        health=Health(ok=facts.healthy, faults=_few(facts.faults, MAX_FAULTS)),
    )
    document = canonical(asdict(heartbeat))
    read = parse_document(document)
    if read != heartbeat:
        raise ValueError(f"cannot make a heartbeat: {read}")
    signature = origin.hotkey.sign(signed_bytes(document))
    return Signed(heartbeat, document, f"0x{signature.hex()}")


def _fitting(gpus: Iterable[Gpu]) -> list[Gpu]:
    """Each once, by UUID.  What a driver calls a UUID need not look like one."""
    by_uuid = {gpu.uuid: gpu for gpu in gpus if _UUID.fullmatch(gpu.uuid)}
    ordered = [by_uuid[uuid] for uuid in sorted(by_uuid)][:MAX_GPUS]
    return [Gpu(uuid=gpu.uuid, withheld_by=_few(gpu.withheld_by, MAX_CODES)) for gpu in ordered]


def _few(codes: Iterable[str], limit: int) -> tuple[str, ...]:
    """The first of them, each once."""
    return tuple(dict.fromkeys(codes))[:limit]
