"""Where the real metadata comes from: a recording that bittensor's source distribution ships.

`packaging/fetch-devnode` puts it here.  Besides the metadata it holds vectors (storage keys,
calls, payloads, extrinsics, a block), by which test_codec.py checks ours.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / ".cache" / "devnode" / "golden.json"
SHA256 = "a74c2f7fd7d9c40ba8111170bf74dddfad57a040d181b3532acb2a9ce2ef2f11"


class Missing(Exception):
    """The recording is not there, or is not the right one."""


@lru_cache(maxsize=1)
def load() -> dict[str, Any]:
    """All of the recording."""
    try:
        content = FILE.read_bytes()
    except OSError as error:
        raise Missing(
            f"cannot read {FILE}: {error.strerror}; run packaging/fetch-devnode"
        ) from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise Missing(f"cannot use {FILE}: it is another file; run packaging/fetch-devnode")
    recording: dict[str, Any] = json.loads(content)
    return recording


def metadata() -> bytes:
    """Of spec 461, version 15, as `frame-metadata` encodes it, without the Option around it."""
    encoded = bytes.fromhex(load()["metadata"]["v15_hex"][2:])
    # an Option, and the length of what it holds as a compact of four bytes
    return encoded[5:]
