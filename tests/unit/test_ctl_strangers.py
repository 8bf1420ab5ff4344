"""polarisctl against what is not polarisd, or not well: never a traceback, never a pass."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from time import monotonic
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisctl.answers import fault_of
from polarisctl.client import Client
from polarisctl.failures import NO_ANSWER, Unreachable
from polarisctl.json_text import json_text
from polarisd.api import wire
from polarisd.api.gpu import Driver
from polarisd.api.reading import Unknown
from tests.unit import ctl_samples as world
from tests.unit.ctl_support import HELLO, ctl, daemon, raw_daemon, requests, run

VERBS = (
    *(["status"], ["status", "--json"], ["gpus"], ["gpus", "--json"], ["gpus", "0"]),
    *(["gpus", "--forget", "0"], ["gpus", "--forget", world.uuid_of(0)], ["start"], ["stop"]),
    *(["config", "show"], ["config", "show", "--json"], ["config", "reload"]),
    *(["monitor", "--once"], ["monitor", "--json"]),
)
METHODS = ("snapshot", "forget", "start", "stop", "config", "reload", "history")


def nested(depth: int) -> list[Any]:
    deep: list[Any] = []
    for _ in range(depth):
        deep = [deep]
    return deep


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize(
    "junk",
    [5, [1, 2], "yes", {}, {"faults": "abc"}, {b"bytes": 1}, True, 1.5],
    ids=repr,
)
def test_junk_is_no_answer(tmp_path: Path, junk: object, words: list[str]) -> None:
    with daemon(tmp_path / "s", **dict.fromkeys(METHODS, junk)) as peer:
        code, out, err = run(peer, *words)
    assert code == 1
    assert "that is not polarisd, or another version of it" in err
    assert not out or json.loads(out)["error"]["code"] == "bad_frame"


@pytest.mark.parametrize("words", [["status"], ["status", "--json"], ["gpus", "--json"]])
def test_nil_is_no_answer(tmp_path: Path, words: list[str]) -> None:
    with daemon(tmp_path / "s", snapshot=lambda _: None) as peer:
        code, _, err = run(peer, *words)
    assert (code, "that is not polarisd" in err) == (1, True)


@pytest.mark.parametrize("key", ["daemon", "driver", "host", "gpus", "faults"])
def test_each_part_of_a_snapshot_is_missed(key: str) -> None:
    whole = world.snapshot()
    assert fault_of("snapshot", whole) == ""
    assert key in fault_of("snapshot", {k: v for k, v in whole.items() if k != key})
    assert key in fault_of("snapshot", {**whole, key: 5})
    if key in ("gpus", "faults"):
        assert key in fault_of("snapshot", {**whole, key: ["abc"]})


@given(
    st.sampled_from(METHODS),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.binary(), inner),
    ),
)
def test_any_value_is_judged_and_printed(method: str, value: object) -> None:
    assert isinstance(fault_of(method, value), str)
    json.loads(json_text(value), parse_constant=pytest.fail)


def test_what_json_cannot_say(tmp_path: Path) -> None:
    strange = world.snapshot()
    nan, inf = float("nan"), float("inf")
    strange["host"].update(
        {"cpu_percent": nan, "load_1m": -inf, b"key": b"a\xff", "ext": msgpack.ExtType(5, b"")}
    )
    with daemon(tmp_path / "s", snapshot=strange) as peer:
        code, out, err = run(peer, "status", "--json")
    assert (code, err) == (0, "")
    host = json.loads(out, parse_constant=pytest.fail)["host"]
    assert (host["cpu_percent"], host["load_1m"]) == (None, None)
    assert (host["key"], host["ext"]) == ("a\\xff", [5, ""])


@pytest.mark.parametrize(
    "words", [["status", "--json"], ["gpus", "--json"], ["monitor", "--json"], ["config", "show"]]
)
def test_a_thousand_lists_in_each_other(tmp_path: Path, words: list[str]) -> None:
    whole = {**world.snapshot(gpus=()), "driver": {"state": "ok", "deep": nested(1000)}}
    config = {"path": "/c", "values": {"node": {"role": nested(1000)}}}
    with daemon(tmp_path / "s", snapshot=whole, config=config) as peer:
        code, _, err = run(peer, *words)
    assert code == 1
    assert "it nests too deep" in err


@pytest.mark.parametrize("noise", [wire.notification("news", {}), wire.reply(99, {})])
def test_a_peer_that_sends_without_end_is_not_waited_for(tmp_path: Path, noise: bytes) -> None:
    def talk(session: socket.socket) -> None:
        hello, _ = requests(session, 2)
        session.sendall(wire.reply(hello, HELLO))
        until = monotonic() + 2  # far behind the deadline, yet the test must end
        try:
            while monotonic() < until:
                session.sendall(noise * 20_000)  # faster than any client reads it
        except OSError:
            return  # the client has left

    began = monotonic()
    with (
        raw_daemon(tmp_path / "s", talk),
        Client(str(tmp_path / "s"), deadline_s=0.2) as client,
        pytest.raises(Unreachable) as caught,
    ):
        client.call("snapshot")
    assert caught.value.code == NO_ANSWER
    assert monotonic() - began < 1.8  # and not when the peer had enough


class TestHealth:
    def status(self, tmp_path: Path, **changes: Any) -> tuple[int, str]:
        with daemon(tmp_path / "s", snapshot=world.snapshot(**changes)) as peer:
            code, out, err = run(peer, "status")
            assert run(peer, "status", "--json")[0] == code
        assert err == ""
        return code, next(line for line in out.splitlines() if line.startswith("health"))

    @pytest.mark.parametrize(
        ("state", "says"),
        [
            ("starting", "not known yet: the driver has not answered"),
            ("failed", "not ok: the driver is failed"),
        ],
    )
    def test_a_driver_that_has_not_answered(self, tmp_path: Path, state: str, says: str) -> None:
        unread = Unknown("not_read_yet")
        driver = Driver(
            state=state,
            detail="",
            driver_version=unread,
            nvml_version=unread,
            cuda_version=unread,
        )
        assert self.status(tmp_path, driver=driver, gpus=()) == (5, f"health    {says}")

    @pytest.mark.parametrize("state", ["starting", "absent", "failed"])
    def test_a_validator_is_well_without_gpus_and_driver(self, tmp_path: Path, state: str) -> None:
        shown = world.snapshot(gpus=())
        shown["daemon"]["role"] = "validator"
        shown["driver"] = {"state": state, "detail": "cannot load libnvidia-ml.so.1"}
        with daemon(tmp_path / "s", snapshot=shown) as peer:
            code, out, _ = run(peer, "status")
            assert run(peer, "status", "--json")[0] == code
        assert code == 0
        assert "health    ok, no faults" in out
        assert f"driver    {state}, a validator needs none" in out
        assert "no GPUs, and a validator needs none" in out

    @pytest.mark.parametrize(
        ("state", "codes", "code", "says"),
        [
            ("ok", (), 0, "ok, no faults"),
            ("ok", ("withheld_by_owner",), 0, "ok, no faults"),
            ("ok", ("benchmark_running",), 0, "ok, no faults"),
            ("ok", ("xid", "benchmark_running"), 5, "not ok: GPU 1 is withheld (xid)"),
            ("silent", ("gpu_silent",), 5, "not ok: GPU 1 is withheld (gpu_silent)"),
            ("ok", ("xid", "withheld_by_owner"), 5, "not ok: GPU 1 is withheld (xid)"),
            ("silent", ("withheld_by_owner",), 5, "not ok: GPU 1 is silent"),
        ],
    )
    def test_a_gpu_that_is_not_offered(
        self, tmp_path: Path, state: str, codes: tuple[str, ...], code: int, says: str
    ) -> None:
        gpus = (world.gpu(0), world.gpu(1, state=state, withheld_by=codes))
        assert self.status(tmp_path, gpus=gpus) == (code, f"health    {says}")

    def test_a_warning_does_not_hide_it(self, tmp_path: Path) -> None:
        gpus = (world.gpu(0, state="silent", withheld_by=("gpu_silent",)),)
        code, line = self.status(tmp_path, gpus=gpus, faults=(world.fault(severity="warning"),))
        assert code == 5
        assert line.endswith("not ok: GPU 0 is withheld (gpu_silent), 1 warning")


def test_no_daemon_is_still_told_apart(tmp_path: Path) -> None:
    assert ctl("status", "--socket", str(tmp_path / "none"))[0] == 3
