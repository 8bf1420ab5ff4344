"""Hotkeys, facts and heartbeats for tests, and a clock that stands until it is moved."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from polarisd.heartbeat.document import INDEPENDENT, Gpu, Signed, canonical, signed_bytes
from polarisd.heartbeat.making import Facts, Origin, make
from polarisd.keys import Hotkey, from_seed

NOW = 1_800_000_000.0
GENESIS = "0x" + "ab" * 32


def hotkey(number: int) -> Hotkey:
    return from_seed(number.to_bytes(32, "big"))


MINER, OTHER = hotkey(1), hotkey(2)

FACTS = Facts(
    endpoint="203.0.113.7:8000",
    ssh_first=11000,
    ssh_last=11002,
    gpus=(
        Gpu(uuid="GPU-1", withheld_by=()),
        Gpu(uuid="GPU-2", withheld_by=("gpu_lost", "xid_error")),
    ),
    slots_total=3,
    slots_free=2,
    offering=True,
    version="0.3.0",
    healthy=True,
    faults=("disk_low",),
)


@dataclass
class Clock:
    """Seconds since 1970, as they are told to it."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


def origin(key: Hotkey = MINER, network: str = INDEPENDENT, netuid: int = 0) -> Origin:
    return Origin(hotkey=key, network=network, netuid=netuid)


def beat(
    sequence: int = 7, at: float = NOW, facts: Facts = FACTS, of: Origin | None = None
) -> Signed:
    return make(of or origin(), facts, sequence, at)


def body_of(signed: Signed) -> bytes:
    return json.dumps(signed.envelope).encode()


def forged(signed: Signed, **changes: object) -> Signed:
    """The same document with other values, under the old signature."""
    document = canonical({**json.loads(signed.document), **changes})
    return replace(signed, document=document)


def resigned(document: str, key: Hotkey = MINER) -> dict[str, str]:
    """An envelope that is genuine whatever the document is."""
    return {"document": document, "signature": "0x" + key.sign(signed_bytes(document)).hex()}
