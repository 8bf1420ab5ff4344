"""The lock: the exact wheels of the GPU stack for each Python.  `make lock` writes it.

Read by gpu-setup and by the build of the package polaris-gpu.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("lock.json")


@dataclass(frozen=True, slots=True)
class Wheel:
    """One file of the index; `entries` and `unpacked_bytes` are what is in it."""

    filename: str
    project: str
    version: str
    sha256: str
    size_bytes: int
    entries: int
    unpacked_bytes: int


@dataclass(frozen=True, slots=True)
class Lock:
    """`pythons` has the wheels of each Python tag, such as cp311."""

    index_url: str
    driver_min: str
    pythons: dict[str, tuple[Wheel, ...]]


def load(path: Path = PATH) -> Lock:
    return parse(json.loads(path.read_text()))


def parse(document: dict[str, Any]) -> Lock:
    """Error handling: a lock is part of the program; one that is wrong raises."""
    wheels = {
        filename: Wheel(filename=filename, **fields)
        for filename, fields in document["wheels"].items()
    }
    return Lock(
        index_url=str(document["index_url"]),
        driver_min=str(document["driver_min"]),
        pythons={
            tag: tuple(wheels[name] for name in names) for tag, names in document["pythons"].items()
        },
    )
