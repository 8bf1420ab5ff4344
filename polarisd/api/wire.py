"""MessagePack-RPC frames: encoding, decoding and their limits.  No I/O.

The protocol is MessagePack-RPC as published: request `[0, msgid, method,
params]`, reply `[1, msgid, error, result]`, notification `[2, method, params]`.
Both polarisd's control server and polarisctl use this module.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgpack import Packer, Unpacker, packb
from msgpack.exceptions import BufferFull, UnpackException

from polarisd.api import errors

PROTOCOL_MAJOR = 1
PROTOCOL_MINOR = 2
MAX_FRAME_BYTES = 1 << 20

REQUEST = 0
REPLY = 1
NOTIFICATION = 2

# A request decoded takes up to sixty times its bytes (empty maps do), and a client
# that does not read its reply keeps it there: 64 KiB bounds that to 4 MiB a session.
MAX_REQUEST_BYTES = 1 << 16

# msgpack allocates a list of the length that an array header *names*, before any
# element has come, and headers nest up to 1024 deep.  256 bounds what one session
# can make the daemon allocate to about 2 MiB; no request needs longer arrays.
REQUEST_MAX_ITEMS = 256
# The daemon is trusted by its client and sends long columns of history.
REPLY_MAX_ITEMS = 1 << 16


class Decoder:
    """Turns a byte stream into MessagePack values, one per complete frame.

    Errors: `feed` and iteration raise ControlError (bad_frame or
    frame_too_large), after which the stream cannot be resynchronised and the
    decoder must be dropped.
    """

    def __init__(
        self, max_items: int = REQUEST_MAX_ITEMS, max_bytes: int = MAX_FRAME_BYTES
    ) -> None:
        self._max_bytes = max_bytes
        self._fed_bytes = 0
        self._taken_bytes = 0
        self._unpacker = Unpacker(
            max_buffer_size=max_bytes,
            max_array_len=max_items,
            max_map_len=max_items,
            max_ext_len=0,
            strict_map_key=True,
        )

    @property
    def partial_bytes(self) -> int:
        """Bytes of a frame that has begun but not ended."""
        return self._fed_bytes - self._taken_bytes

    def feed(self, data: bytes) -> None:
        try:
            self._unpacker.feed(data)
        except BufferFull:
            raise _too_large(self._max_bytes) from None
        self._fed_bytes += len(data)

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        try:
            value: object = next(self._unpacker)
        except StopIteration:
            # msgpack bounds what waits in its buffer, but not a frame whose parts
            # it has taken out of there already.
            if self.partial_bytes > self._max_bytes:
                raise _too_large(self._max_bytes) from None
            raise
        except (ValueError, UnpackException) as problem:
            raise errors.ControlError(
                errors.BAD_FRAME,
                f"cannot decode a frame: {str(problem) or type(problem).__name__}",
                "send MessagePack-RPC: [0, msgid, method, params]",
            ) from None
        end = self._unpacker.tell()
        if end - self._taken_bytes > self._max_bytes:
            raise _too_large(self._max_bytes)
        self._taken_bytes = end
        return value


def _too_large(max_bytes: int) -> errors.ControlError:
    return errors.ControlError(
        errors.FRAME_TOO_LARGE,
        f"a frame is larger than {max_bytes} bytes",
        "send smaller requests",
    )


def parse_request(frame: object) -> tuple[int | None, str, dict[str, object]]:
    """`(msgid, method, params)` of a request, or of a notification (msgid None)."""
    match frame:
        case [0, int(msgid), str(method), dict(params)] if _is_msgid(msgid):
            return msgid, method, params
        case [2, str(method), dict(params)]:
            return None, method, params
    raise errors.ControlError(
        errors.BAD_FRAME,
        "a frame is neither a request nor a notification",
        "send [0, msgid, method, params] with params a map",
    )


def _is_msgid(number: int) -> bool:
    return type(number) is int and 0 <= number < 1 << 32


def request(msgid: int, method: str, params: dict[str, object]) -> bytes:
    return pack([REQUEST, msgid, method, params])


def reply(msgid: int, result: object) -> bytes:
    return pack([REPLY, msgid, None, result])


def reply_packed(msgid: int, packed_result: bytes) -> bytes:
    """A reply around a result that was packed before, and perhaps shared."""
    packer = Packer(autoreset=False)
    packer.pack_array_header(4)
    packer.pack(REPLY)
    packer.pack(msgid)
    packer.pack(None)
    return bytes(packer.bytes()) + packed_result


def error_reply(msgid: int, error: errors.ControlError) -> bytes:
    return pack([REPLY, msgid, error.to_wire(), None])


def notification(method: str, params: dict[str, object]) -> bytes:
    return pack([NOTIFICATION, method, params])


def stream_item(method: str, watch: int, packed_item: bytes) -> bytes:
    """`[2, method, {"watch": n, "item": ...}]` around an item packed once for all."""
    packer = Packer(autoreset=False)
    packer.pack_array_header(3)
    packer.pack(NOTIFICATION)
    packer.pack(method)
    packer.pack_map_header(2)
    packer.pack("watch")
    packer.pack(watch)
    packer.pack("item")
    return bytes(packer.bytes()) + packed_item


def pack(value: object) -> bytes:
    try:
        return bytes(packb(value))
    except UnicodeEncodeError:
        # A path or a hostname that is not UTF-8, as Python holds it.
        return bytes(packb(value, unicode_errors="backslashreplace"))
