"""Frames between the daemon and a worker, through real pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.bench.worker.frames import MAX_FRAME_BYTES, BadFrame, EndOfInput, Reader, Writer

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False)
    | st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)  # fmt: skip
maps = st.dictionaries(st.text(max_size=8), values, max_size=8)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read_fd, write_fd = os.pipe()
    yield read_fd, write_fd
    for fd in (read_fd, write_fd):
        with suppress(OSError):
            os.close(fd)


def through(data: bytes) -> tuple[list[dict[str, object]], str]:
    """The frames in those bytes, and why there are no more."""
    read_fd, write_fd = os.pipe()

    def write() -> None:
        view = memoryview(data)
        with suppress(BrokenPipeError):
            while view:
                view = view[os.write(write_fd, view) :]
        os.close(write_fd)

    writer = threading.Thread(target=write)
    writer.start()
    reader, frames = Reader(read_fd), []
    try:
        while True:
            frames.append(reader.read())
    except EndOfInput:
        why = "end"
    except BadFrame as error:
        why = str(error)
    os.close(read_fd)
    writer.join()
    return frames, why


@given(st.lists(maps, max_size=5), st.integers(0, 20))
def test_frames_come_whole_and_in_order(frames: list[dict[str, object]], cut: int) -> None:
    data = b"".join(map(msgpack.packb, frames))
    assert through(data) == (frames, "end")
    # Half a frame at the end is none.
    last = msgpack.packb({"half": "a frame"})
    assert through(data + last[: min(cut, len(last) - 1)]) == (frames, "end")


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_map_or_a_bad_frame(data: bytes) -> None:
    frames, why = through(data)
    assert all(isinstance(frame, dict) for frame in frames)
    assert why


def test_a_message_of_the_greatest_length_comes_and_a_longer_one_does_not() -> None:
    overhead = len(msgpack.packb({"message": bytes(1 << 16)})) - (1 << 16)
    greatest = {"message": bytes(MAX_FRAME_BYTES - overhead)}
    assert through(msgpack.packb(greatest)) == ([greatest], "end")
    longer = {"message": bytes(MAX_FRAME_BYTES - overhead + 1)}
    frames, why = through(msgpack.packb(longer))
    assert frames == [] and "larger than" in why


def test_a_writer_writes_what_a_reader_reads(pipe: tuple[int, int]) -> None:
    writer, reader = Writer(pipe[1]), Reader(pipe[0])
    for number in range(3):
        writer.send({"kind": "progress", "share": number / 3})
    assert [reader.read()["share"] for _ in range(3)] == [0, 1 / 3, 2 / 3]


def test_a_writer_without_a_reader_is_at_the_end(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(EndOfInput):
        Writer(pipe[1]).send({})


def test_a_frame_that_is_too_long_is_not_sent(pipe: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="longer than"):
        Writer(pipe[1]).send({"message": bytes(MAX_FRAME_BYTES)})
    os.set_blocking(pipe[0], False)
    with pytest.raises(BlockingIOError):
        os.read(pipe[0], 1)
