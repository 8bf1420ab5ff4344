"""The storage of the chain at one block: bytes to bytes, as a node has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.devnode.codec import Codec

Values = dict[bytes, bytes]


class State:
    """Changes in place; `values` is copied where a block is kept."""

    def __init__(self, codec: Codec, values: Values) -> None:
        self.codec = codec
        self.values = values

    def get(self, pallet: str, item: str, *keys: Any) -> Any:
        """Decoded; what the runtime says is the default where nothing is stored."""
        return self.codec.decode_item(
            pallet, item, self.values.get(self.codec.key(pallet, item, keys))
        )

    def stored(self, pallet: str, item: str, *keys: Any) -> bool:
        return self.codec.key(pallet, item, keys) in self.values

    def put(self, pallet: str, item: str, *keys: Any, value: Any) -> None:
        self.values[self.codec.key(pallet, item, keys)] = self.codec.encode_item(
            pallet, item, value
        )

    def kill(self, pallet: str, item: str, *keys: Any) -> None:
        self.values.pop(self.codec.key(pallet, item, keys), None)

    def keys_under(self, prefix: bytes) -> Iterator[bytes]:
        return (key for key in self.values if key.startswith(prefix))

    def put_at(self, pallet: str, item: str, *keys: Any, index: int, value: Any, zero: Any) -> None:
        """One element of a vector, which grows by `zero` as far as needed."""
        vector = list(self.get(pallet, item, *keys))
        vector += [zero] * (index + 1 - len(vector))
        vector[index] = value
        self.put(pallet, item, *keys, value=vector)

    def get_at(self, pallet: str, item: str, *keys: Any, index: int, zero: Any) -> Any:
        vector = self.get(pallet, item, *keys)
        return vector[index] if index < len(vector) else zero
