"""One version of the runtime: its metadata, and the SCALE that follows from it.

All coding is done by bittensor_core, the Rust core that the SDK uses too; this gives it
names, types and defaults.  The only module here that imports it, besides keys.py.
"""

from __future__ import annotations

import json
from functools import cached_property, lru_cache
from typing import Any

import bittensor_core

from tests.devnode.scale import blake2, blob, hexed

SS58_FORMAT = 42
TRANSACTION_VERSION = 1


class Codec:
    """Never changes; a runtime upgrade brings another."""

    def __init__(self, metadata: bytes, spec_version: int) -> None:
        self.metadata = metadata
        self.spec_version = spec_version
        self._runtime = bittensor_core.Runtime(
            metadata, spec_version, TRANSACTION_VERSION, SS58_FORMAT
        )
        self.entry = lru_cache(maxsize=None)(self._runtime.storage_entry)

    # metadata ---------------------------------------------------------------------------------

    @cached_property
    def opaque_metadata(self) -> str:
        """As `Metadata_metadata_at_version` returns it."""
        return hexed(b"\x01" + blob(self.metadata))

    @cached_property
    def types(self) -> dict[int, Any]:
        registry = json.loads(self._runtime.registry_json())
        return {entry["id"]: entry["type"] for entry in registry["types"]}

    @cached_property
    def apis(self) -> dict[str, Any]:
        apis: dict[str, Any] = self._runtime.runtime_api_map()
        return apis

    @cached_property
    def errors(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(pallet, name) -> the two numbers that stand for it in an event."""
        return {
            (pallet["name"], error["name"]): (pallet["index"], error["index"])
            for pallet in self._runtime.metadata_ir()["pallets"]
            for error in pallet["errors"] or []
        }

    def constant(self, pallet: str, name: str) -> Any:
        return self._runtime.constant(pallet, name)

    # storage ----------------------------------------------------------------------------------

    def has(self, pallet: str, item: str) -> bool:
        try:
            self.entry(pallet, item)
        except (KeyError, ValueError):
            return False
        return True

    def key(self, pallet: str, item: str, keys: tuple[Any, ...]) -> bytes:
        """KeyError if this runtime has no such item.  Fewer keys give the prefix of a map."""
        self.entry(pallet, item)
        return bytes(self._runtime.storage_key(pallet, item, list(keys)))

    def encode_item(self, pallet: str, item: str, value: Any) -> bytes:
        return self.encode(self.entry(pallet, item).value_type, value)

    def decode_item(self, pallet: str, item: str, raw: bytes | None) -> Any:
        """The default, or None if it has none, where nothing is stored."""
        entry = self.entry(pallet, item)
        if raw is None:
            if entry.modifier != "Default":
                return None
            raw = bytes(entry.default_bytes)
        return self._runtime.decode(entry.value_type, raw)

    # values -----------------------------------------------------------------------------------

    def encode(self, type_name: str, value: Any) -> bytes:
        return bytes(self._runtime.encode(type_name, value))

    def decode(self, type_name: str, raw: bytes) -> Any:
        return self._runtime.decode(type_name, raw)

    def zero(self, type_name: str | int) -> Any:
        """A value of any type, as `encode` takes it: zeros, empties, None."""
        number = int(type_name.split("::")[1]) if isinstance(type_name, str) else type_name
        described = self.types[number]
        kind, body = next(iter(described["def"].items()))
        path = (described.get("path") or [""])[-1]
        if path == "AccountId32":
            return bittensor_core.ss58_encode(bytes(32), SS58_FORMAT)
        if kind == "composite":
            return self._zero_fields(body.get("fields", []))
        if kind == "variant":
            if path == "Option":
                return None
            first = min(body["variants"], key=lambda variant: variant["index"])
            fields = first.get("fields", [])
            return {first["name"]: self._zero_fields(fields)} if fields else first["name"]
        if kind == "array":
            return [self.zero(body["type"])] * body["len"]
        if kind == "tuple":
            return [self.zero(part) for part in body]
        if kind == "sequence":
            return []
        return {"bool": False, "str": ""}.get(body, 0) if kind == "primitive" else 0

    def _zero_fields(self, fields: list[Any]) -> Any:
        if not fields:
            return {}
        if fields[0].get("name") is not None:
            return {field["name"]: self.zero(field["type"]) for field in fields}
        return self.zero(fields[0]["type"]) if len(fields) == 1 else [
            self.zero(field["type"]) for field in fields
        ]  # fmt: skip

    # runtime APIs -----------------------------------------------------------------------------

    def api_output(self, api: str, method: str) -> str:
        name: str = self.apis[api][method]["output"]
        return name

    def inside_option(self, type_name: str) -> int:
        """The type of what an Option holds."""
        described = self.types[int(type_name.split("::")[1])]
        number: int = described["params"][0]["type"]
        return number

    # transactions -----------------------------------------------------------------------------

    def call(self, pallet: str, function: str, args: dict[str, Any]) -> bytes:
        return bytes(self._runtime.compose_call(pallet, function, args))

    def bare_extrinsic(self, call: bytes) -> bytes:
        """An inherent: what the block's author puts in, which nobody signs."""
        return blob(b"\x05" + call)

    def decode_extrinsic(self, raw: bytes) -> dict[str, Any]:
        decoded: dict[str, Any] = self._runtime.decode_extrinsic(raw)
        return decoded

    def payload(
        self,
        call: bytes,
        *,
        era: Any,
        nonce: int,
        tip: int,
        genesis: bytes,
        era_block: bytes,
    ) -> bytes:
        """What is signed: the payload, or its hash if it is long."""
        payload = bytes(
            self._runtime.signature_payload(
                call,
                era=era,
                nonce=nonce,
                tip=tip,
                tip_asset_id=None,
                genesis_hash=genesis,
                era_block_hash=era_block,
            )
        )
        return payload if len(payload) <= 256 else blake2(payload)

    def signed_extrinsic(
        self, call: bytes, *, public_key: bytes, signature: bytes, nonce: int
    ) -> bytes:
        """An immortal one, signed with sr25519."""
        raw, _hash = self._runtime.encode_signed_extrinsic(
            call,
            public_key=public_key,
            signature=signature,
            signature_version=bittensor_core.CRYPTO_SR25519,
            era="00",
            nonce=nonce,
            tip=0,
            tip_asset_id=None,
        )
        return bytes(raw)
