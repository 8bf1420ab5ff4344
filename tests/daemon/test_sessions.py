"""Sessions of clients that know the protocol: their limits, their streams, their ends."""

from __future__ import annotations

import resource
from time import monotonic

import msgpack
import psutil
import pytest

from tests.daemon.client import Ended, Refused
from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd
from tests.fakes.nvml.fixtures import FakeNvmlFactory


def request(method: str, params: object) -> bytes:
    return bytes(msgpack.packb([0, 1, method, params]))


def test_byte_by_byte_and_all_at_once(healthy: Polarisd) -> None:
    """How a stream is cut into packets says nothing."""
    frames = request("config", {}) + msgpack.packb([0, 2, "snapshot", {}])
    with healthy.client() as slow, healthy.client() as fast:
        fast.send(frames * 100)
        for i in range(len(frames)):
            slow.send(frames[i : i + 1])
        for client, count in ((slow, 1), (fast, 100)):
            answers = [client.frame() for _ in range(2 * count)]
            assert [answer[1] for answer in answers] == [1, 2] * count
            assert not any(answer[2] for answer in answers)


def test_a_client_that_leaves_in_the_middle(healthy: Polarisd) -> None:
    frame = request("snapshot", {})
    for sent in (b"", frame[:5], frame, frame * 50, frame + frame[:3]):
        with healthy.client() as client:
            client.send(sent)
    with healthy.client() as client:
        client.call("watch", interval_s=0.05)


def test_a_client_that_only_stops_sending_gets_its_answers(healthy: Polarisd) -> None:
    with healthy.client() as client:
        msgid = client.request("snapshot")
        client.end_sending()
        assert client.reply(msgid)["gpus"]
        with pytest.raises(Ended):
            client.frame()


def test_a_notification_is_not_answered(healthy: Polarisd) -> None:
    with healthy.client() as client:
        client.send(msgpack.packb([2, "no such thing", {}]))
        client.send(msgpack.packb([2, "snapshot", {}]))
        assert client.call("config")["path"] == str(healthy.config_path)


def test_a_file_with_more_problems_than_fit_into_a_frame(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"))
    daemon.config_path.write_text("".join(f"key_{i} = 1\n" for i in range(15_000)))
    with daemon.client() as client:
        with pytest.raises(Refused) as refused:
            client.call("reload")
        assert refused.value.code == "bad_config"
        assert refused.value.error["message"].endswith("and 14950 more")
        assert client.snapshot()["faults"][0]["code"] == "config_not_applied"


def test_so_many_sessions_and_no_more(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    daemon = polarisd(fake_nvml("h100"))
    clients = [daemon.client() for _ in range(64)]
    for client in clients:
        client.call("config")
    for _ in range(3):
        with daemon.client() as one_more:
            farewell = one_more.farewell()
            assert farewell["code"] == "too_many_sessions"
            assert "64 sessions" in farewell["message"]
            assert "max_sessions" in farewell["hint"]
    for client in clients:
        client.call("config")
    clients.pop().close()
    until = monotonic() + 5
    while True:  # the daemon notices a moment later
        with daemon.client() as next_one:
            try:
                next_one.call("config")
                break
            except (Refused, Ended, AssertionError, ConnectionResetError, BrokenPipeError):
                assert monotonic() < until
    for client in clients:
        client.close()
    assert daemon.log().count("refused a client") == 1


def test_more_connections_than_descriptors(
    fake_nvml: FakeNvmlFactory, polarisd: PolarisdFactory
) -> None:
    """max_sessions is higher than what the process may open: it must not end of that."""
    daemon = polarisd(fake_nvml("h100"), {"control": {"max_sessions": 1024}})
    psutil.Process(daemon.pid).rlimit(resource.RLIMIT_NOFILE, (40, 40))
    clients = [daemon.client() for _ in range(60)]
    until = monotonic() + 10
    while "Too many open files" not in daemon.log():
        assert monotonic() < until, "the limit was not reached"
        clients[0].call("config")
    for client in clients[1:]:
        client.close()
    with daemon.client() as client:
        assert client.call("config")
    assert clients[0].call("config")
    clients[0].close()
    daemon.expects_traceback = True  # trio logs each refusal of the kernel so


def test_watches_have_a_limit_and_end(healthy: Polarisd) -> None:
    with healthy.client() as client:
        watches = [client.call("watch", interval_s=3600)["watch"] for _ in range(8)]
        assert len(set(watches)) == 8
        with pytest.raises(Refused) as refused:
            client.call("watch")
        assert refused.value.code == "too_many_watches"
        client.call("unwatch", watch=watches[3])
        with pytest.raises(Refused):
            client.call("unwatch", watch=watches[3])
        assert client.call("watch", interval_s=3600)["watch"] not in watches


@pytest.mark.parametrize("events", [True, False])
def test_a_watch_begins_with_its_reply_and_a_whole_snapshot(
    events: bool, healthy: Polarisd
) -> None:
    with healthy.client() as client:
        msgid = client.request("watch", interval_s=0.05, events=events)
        kind, answered, error, result = client.frame()
        assert (kind, answered, error) == (1, msgid, None)
        method, params = client.note()
        assert method == "snapshot"
        assert params["watch"] == result["watch"]
        version = params["item"]["version"]
        assert len(params["item"]["gpus"]) == 2
        for _ in range(3):
            item = client.note_of("snapshot")["item"]
            assert item["version"] > version
            version = item["version"]
        # What comes before the reply belongs to the watch; after it there is nothing.
        client.call("unwatch", watch=result["watch"])
        client.notes.clear()
        client.call("config")
        assert not client.notes
