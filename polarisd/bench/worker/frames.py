"""Frames of the worker: MessagePack maps, one after another, bounded.  I/O on descriptors only.

For main and the jobs, which are handed a Reader and a Writer.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from polarisd.api import wire
from polarisd.api.errors import ControlError

MAX_FRAME_BYTES = wire.MAX_FRAME_BYTES

# No map that the daemon sends has more; a message of the proof is one string of bytes.
_MAX_ITEMS = 64
_READ_BYTES = 1 << 16


class EndOfInput(Exception):
    """The daemon will send no more: this process is not wanted any longer."""


class BadFrame(Exception):
    """The text says what is wrong with what was received.  Nothing after it can be read."""


class Reader:
    """Takes one map after the other off a descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._decoder = wire.Decoder(max_items=_MAX_ITEMS, max_bytes=MAX_FRAME_BYTES)

    def read(self) -> dict[str, Any]:
        """Wait for the next frame.  Raises EndOfInput, BadFrame."""
        try:
            for frame in self._decoder:
                return _checked(frame)
            while data := os.read(self._fd, _READ_BYTES):
                self._decoder.feed(data)
                for frame in self._decoder:
                    return _checked(frame)
        except ControlError as error:
            raise BadFrame(error.message) from None
        except OSError as error:
            raise EndOfInput from error
        raise EndOfInput


def _checked(frame: object) -> dict[str, Any]:
    if not isinstance(frame, dict) or not all(isinstance(key, str) for key in frame):
        raise BadFrame(f"a frame is no map of names: {frame!r:.80}")
    return frame


class Writer:
    """Puts whole frames on a descriptor; any thread may."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._writing = threading.Lock()

    def send(self, frame: Mapping[str, object]) -> None:
        """Returns when all of it is written.  Raises EndOfInput if the daemon is gone."""
        data = wire.pack(frame)
        if len(data) > MAX_FRAME_BYTES:
            raise ValueError(f"a frame of {len(data)} bytes is longer than {MAX_FRAME_BYTES}")
        with self._writing:
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._fd, view) :]
            except OSError as error:
                raise EndOfInput from error
