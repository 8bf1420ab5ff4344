"""The MEV shield, with real cryptography: ML-KEM-768, then XChaCha20-Poly1305.

Simplified: one key for the whole life of the chain, where the real one has a new one in each
block; so nothing shielded is ever too late.
"""

from __future__ import annotations

import hashlib

from Crypto.Cipher import ChaCha20_Poly1305
from kyber_py.ml_kem import ML_KEM_768

KEY_HASH_BYTES, LENGTH_BYTES, NONCE_BYTES, TAG_BYTES = 16, 2, 24, 16


class Shield:
    """The key pair of a chain, from its seed."""

    def __init__(self, seed: str) -> None:
        self.public_key, self._secret = ML_KEM_768.key_derive(
            hashlib.sha512(b"shield" + seed.encode()).digest()
        )

    def open(self, ciphertext: bytes) -> bytes | None:
        """The signed extrinsic inside, or None if it cannot be opened."""
        rest = ciphertext[KEY_HASH_BYTES:]
        length = int.from_bytes(rest[:LENGTH_BYTES], "little")
        encapsulated = rest[LENGTH_BYTES : LENGTH_BYTES + length]
        sealed = rest[LENGTH_BYTES + length :]
        try:
            key = ML_KEM_768.decaps(self._secret, encapsulated)
            cipher = ChaCha20_Poly1305.new(key=key, nonce=sealed[:NONCE_BYTES])
            return bytes(
                cipher.decrypt_and_verify(sealed[NONCE_BYTES:-TAG_BYTES], sealed[-TAG_BYTES:])
            )
        except ValueError:
            return None
