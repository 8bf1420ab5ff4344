"""Accounts by name: `//Alice` and every other secret URI, or an address as it is."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import bittensor_core

from tests.devnode.codec import SS58_FORMAT

NOBODY: str = bittensor_core.ss58_encode(bytes(32), SS58_FORMAT)
ROOT = "root"  # the origin that sudo dispatches with; no account


@lru_cache(maxsize=4096)
def pair(uri: str) -> Any:
    """The sr25519 key pair of a secret URI."""
    return bittensor_core.Keypair.create_from_uri(uri)


def address(who: str) -> str:
    """ValueError if it is neither a secret URI that begins with // nor an address."""
    if who.startswith("//"):
        found: str = pair(who).ss58_address
        return found
    bittensor_core.ss58_decode(who)
    return who


def of_public_key(key: bytes) -> str:
    found: str = bittensor_core.ss58_encode(key, SS58_FORMAT)
    return found


def verified(payload: bytes, signature: bytes, who: str, scheme: str) -> bool:
    """Whether `who` signed that."""
    schemes = {"Sr25519": bittensor_core.CRYPTO_SR25519, "Ed25519": bittensor_core.CRYPTO_ED25519}
    try:
        return bool(bittensor_core.verify(payload, signature, who, schemes[scheme]))
    except (KeyError, ValueError):
        return False
