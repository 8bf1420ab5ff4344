"""Clients that send nonsense, too much, or nothing: each is told, nobody else notices.

What takes long to notice (deadlines) is tested with a clock that jumps, in
tests/unit/test_session.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from time import monotonic

import msgpack
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.daemon.client import Ended, RawClient, Refused
from tests.daemon.process import Polarisd

MAX_FRAME_BYTES = 1 << 20


@pytest.fixture
def bystander(healthy: Polarisd) -> Iterator[RawClient]:
    """Another client's session, which must go on whatever a test does."""
    with healthy.client() as client:
        client.call("snapshot")
        yield client
        client.call("snapshot")


def request(method: str, params: object) -> bytes:
    return bytes(msgpack.packb([0, 1, method, params]))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\xc1", "bad_frame"),
        (b"GET / HTTP/1.1\r\n\r\n", "bad_frame"),
        (b'{"method": "snapshot"}\n', "bad_frame"),
        (msgpack.packb({"method": "snapshot"}), "bad_frame"),
        (msgpack.packb([]), "bad_frame"),
        (msgpack.packb([0, -1, "snapshot", {}]), "bad_frame"),
        (msgpack.packb([0, 1 << 32, "snapshot", {}]), "bad_frame"),
        (msgpack.packb([0, 1, "snapshot", []]), "bad_frame"),
        (msgpack.packb([0, 1, b"snapshot", {}]), "bad_frame"),
        (msgpack.packb([0, 1, "snapshot", {}, 1]), "bad_frame"),
        (msgpack.packb([1, 1, None, {}]), "bad_frame"),
        (msgpack.packb([3, "snapshot", {}]), "bad_frame"),
        (msgpack.packb([0, 1, "snapshot", {1: 2}]), "bad_frame"),
        (b"\x94\x00\x01\xa2\xff\xfe\x80", "bad_frame"),
        (b"\x91" * 2000, "bad_frame"),
        (b"\xdd\xff\xff\xff\xff", "bad_frame"),
        (b"\xdf\xff\xff\xff\xff", "bad_frame"),
        (b"\xdb\xff\xff\xff\xff" + b"x" * MAX_FRAME_BYTES, "frame_too_large"),
        (b"\xc9\xff\xff\xff\xff\x01", "bad_frame"),
        (request("forget", {"gpu_uuid": "x" * MAX_FRAME_BYTES}), "frame_too_large"),
    ],
)
def test_what_is_no_frame_ends_the_session(
    sent: bytes, code: str, healthy: Polarisd, bystander: RawClient
) -> None:
    with healthy.client() as client:
        with suppress(BrokenPipeError, ConnectionResetError):
            client.send(sent)
        farewell = client.farewell()
    assert farewell["code"] == code
    assert farewell["message"]
    assert farewell["hint"]


def test_a_frame_that_never_ends_is_cut_at_a_mebibyte(
    healthy: Polarisd, bystander: RawClient
) -> None:
    """Items within bounds each, in a frame that goes on."""
    with healthy.client() as client:
        item = msgpack.packb("x" * 60_000)
        client.send(b"\x94\x00\x01\xa8snapshot\xde\x00\xff")
        try:
            for i in range(40):
                client.send(msgpack.packb(f"{i}") + item)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert client.farewell()["code"] == "frame_too_large"


@pytest.mark.parametrize(
    ("method", "params", "code", "said"),
    [
        ("status", {}, "unknown_method", "known methods: hello, snapshot"),
        ("", {}, "unknown_method", "no method ''"),
        ("x" * 5000, {}, "unknown_method", "no method"),
        ("snapshot", {"gpu": 1}, "invalid_params", "gpu"),
        ("watch", {"interval_s": 0}, "invalid_params", "from 0.05 to 3600"),
        ("watch", {"interval_s": "1"}, "invalid_params", "interval_s"),
        ("watch", {"interval_s": float("nan")}, "invalid_params", "interval_s"),
        ("watch", {"interval_s": 1 << 63}, "invalid_params", "interval_s"),
        ("watch", {"events": 1}, "invalid_params", "events"),
        ("unwatch", {}, "invalid_params", "watch"),
        ("unwatch", {"watch": 7}, "not_found", "no watch 7"),
        ("unwatch", {"watch": True}, "invalid_params", "watch"),
        ("history", {"seconds": -1}, "invalid_params", "seconds"),
        ("burst", {"interval_s": 0.001, "seconds": 9999}, "invalid_params", "seconds"),
        ("forget", {"gpu_uuid": "../../etc/passwd"}, "invalid_params", "gpu_uuid"),
        ("forget", {"gpu_uuid": "GPU-" + "0" * 30}, "not_found", "no GPU"),
        ("hello", {"client": "c" * 65}, "invalid_params", "protocol_major"),
        ("snapshot", {b"\xff": 1}, "invalid_params", ""),
        ("snapshot", {"a": [[[{}]]], "b": None}, "invalid_params", "a"),
    ],
)
def test_a_refused_request_leaves_its_session_as_it_was(
    method: str, params: dict[object, object], code: str, said: str, healthy: Polarisd
) -> None:
    with healthy.client() as client:
        client.send(request(method, params))
        kind, msgid, error, result = client.frame()
        assert (kind, msgid, result) == (1, 1, None)
        assert set(error) == {"code", "message", "hint"}
        assert error["code"] == code
        assert said in error["message"] + error["hint"]
        assert len(error["message"] + error["hint"]) < 1000
        assert client.snapshot()["gpus"]


def test_a_protocol_of_another_major_version(healthy: Polarisd) -> None:
    greeting = {"client": "polarisctl", "version": "9.0", "protocol_minor": 0}
    with healthy.client() as client:
        hello = client.call("hello", protocol_major=1, **greeting)
        assert set(hello) == {"version", "protocol_major", "protocol_minor", "pid", "access"}
        assert hello["pid"] == healthy.pid
        with pytest.raises(Refused, match="upgrade polarisd") as refused:
            client.call("hello", protocol_major=2, **greeting)
        assert refused.value.code == "protocol_mismatch"
        with pytest.raises(Refused, match="upgrade polarisctl"):
            client.call("hello", protocol_major=0, **greeting)


def test_a_neighbouring_minor_version_is_welcome(healthy: Polarisd) -> None:
    with healthy.client() as client:
        hello = client.call("hello", client="c", version="9", protocol_major=1, protocol_minor=99)
    assert hello["protocol_minor"] < 99


def test_one_that_never_reads_costs_others_nothing(healthy: Polarisd, bystander: RawClient) -> None:
    """Its requests wait in its own socket; the daemon holds one answer for it."""
    memory = psutil.Process(healthy.pid).memory_info().rss
    with healthy.client() as deaf:
        deaf.call("watch", interval_s=0.05)
        flood = request("snapshot", {}) * 1000
        sent = 0
        for _ in range(100):
            try:
                sent += deaf.send_some(flood)
            except BlockingIOError:
                break
        else:
            pytest.fail("the daemon read all of it")
        begun = monotonic()
        for _ in range(20):
            bystander.call("snapshot")
        assert monotonic() - begun < 2
        assert psutil.Process(healthy.pid).memory_info().rss - memory < 8 << 20


def test_many_who_ask_for_history_without_end(healthy: Polarisd) -> None:
    """Requests that want no reply, and such as want one: others are served meanwhile."""
    unanswered = msgpack.packb([2, "history", {}]) * 340
    asked = request("history", {"seconds": 3600}) * 250
    with ExitStack() as stack:
        crowd = [stack.enter_context(healthy.client()) for _ in range(16)]
        for client in crowd:
            client.send((unanswered + asked) * 2)
        with healthy.client() as bystander:
            begun = monotonic()
            for _ in range(5):
                bystander.call("snapshot")
            assert monotonic() - begun < 3


frames = st.one_of(
    st.binary(max_size=200),
    st.lists(st.binary(max_size=50), max_size=5).map(b"".join),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text()
        | st.binary(max_size=20),
        lambda children: (
            st.lists(children, max_size=5)
            | st.dictionaries(st.text(max_size=8) | st.binary(max_size=8), children, max_size=5)
        ),
        max_leaves=20,
    ).map(msgpack.packb),
    st.builds(
        lambda kind, msgid, method, params: msgpack.packb([kind, msgid, method, params]),
        st.sampled_from([0, 1, 2, 3]),
        st.integers(0, 2**32),
        st.sampled_from(["hello", "snapshot", "watch", "unwatch", "history", "config", "forget"])
        | st.text(max_size=8),
        st.dictionaries(
            st.sampled_from(["interval_s", "events", "watch", "seconds", "gpu_uuid", "client"])
            | st.text(max_size=5)
            | st.binary(max_size=5),
            st.none()
            | st.booleans()
            | st.integers(-9, 2**64 - 1)
            | st.floats()
            | st.text()
            | st.binary(max_size=9)
            | st.lists(st.integers(0, 9), max_size=3),
            max_size=4,
        ),
    ),
)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=st.lists(frames, min_size=1, max_size=4))
def test_any_bytes_at_all(sent: list[bytes], healthy: Polarisd, bystander: RawClient) -> None:
    """Every frame that comes back is one of the protocol; the bystander goes on."""
    with healthy.client() as client:
        try:
            client.send(b"".join(sent))
            client.end_sending()
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass
        try:
            while True:
                match client.frame():
                    case [1, int(), None, dict()] | [2, str(), dict()]:
                        pass
                    case [1, int(), {"code": str(code), "message": str(), "hint": str()}, None]:
                        assert code != "internal"
                    case frame:
                        pytest.fail(f"not a frame of the protocol: {frame!r}")
        except (Ended, ConnectionResetError):
            pass
    bystander.call("config")
