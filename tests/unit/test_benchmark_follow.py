"""Following benchmarks: over lost connections, daemons that restart, and silence."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from polarisctl.benchmark import bars, follow
from polarisctl.benchmark.bars import Entry
from polarisctl.benchmark.display import Lines
from polarisctl.benchmark.follow import Follower
from polarisctl.context import Context
from polarisctl.failures import FAILED, NOT_RUNNING, Unreachable
from polarisd.api import errors, wire
from polarisd.api.errors import ControlError
from tests.unit.benchmark_peer import Benchmarks, benchmarking
from tests.unit.benchmark_samples import figures, run
from tests.unit.ctl_samples import uuid_of


class World:
    """A follower of benchmark 7 with its context, a clock that only we move, and what it said."""

    def __init__(self, path: Path, ticks: Iterator[float] | None = None) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.waits: list[float] = []
        self.at = 0.0
        self.entry = Entry(7, uuid_of(0), "GPU 0")
        self.context = Context(
            socket_path=str(path), stdout=self.out, stderr=self.err, environ={}, deadline_s=5.0
        )
        steady: Callable[[], float] = (lambda: self.at) if ticks is None else ticks.__next__
        self.follower = Follower(
            self.context, [self.entry], Lines(self.context), wait=self.wait, steady=steady
        )

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def closing(code: str) -> bytes:
    error = ControlError(code, f"it is {code}", "wait")
    return wire.notification("closing", {**error.to_wire()})


class TestLostConnections:
    @pytest.mark.parametrize(
        ("parting", "said"),
        [
            (b"", "cannot (read from|write to) polarisd: [^;]*"),
            (closing(errors.STOPPING), "it is stopping"),
            (closing(errors.TOO_SLOW), "it is too_slow"),
        ],
        ids=["none", "stopping", "too slow"],
    )
    def test_it_goes_on_where_it_was(self, path: Path, parting: bytes, said: str) -> None:
        world = World(path)
        with benchmarking(path, [run(7)]) as peer:
            peer.cuts = [parting, parting]
            world.follower.run()
        assert world.entry.outcome == "completed"
        told = world.err.getvalue()
        assert re.fullmatch(f"(polarisctl: {said}; trying to reach it again\n){{2}}", told), told
        assert world.waits == [follow.FIRST_WAIT_S] * 2
        lines = world.out.getvalue().splitlines()
        assert len(lines) == len(set(lines)) == 14

    def test_while_it_is_away_the_waits_grow_and_end(self, path: Path) -> None:
        world = World(path)
        with pytest.raises(Unreachable) as caught:
            world.follower.run()
        assert caught.value.code == NOT_RUNNING
        assert "systemctl start polarisd" in caught.value.hint
        assert caught.value.hint.endswith("polarisctl benchmark --history")
        assert world.waits[:6] == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0]
        assert follow.RECONNECT_DEADLINE_S <= sum(world.waits) < 70
        assert world.err.getvalue().count("trying to reach it again") == 1

    def test_what_was_refused_is_not_tried_again(self, path: Path) -> None:
        world = World(path)
        with benchmarking(path, [run(7)]) as peer:
            peer.answers["watch"] = ControlError(errors.INTERNAL, "a bug")
            with pytest.raises(ControlError) as caught:
                world.follower.run()
        assert (caught.value.message, world.waits) == ("a bug", [])

    def test_a_deadline_ends_it(self, path: Path) -> None:
        world = World(path, ticks=map(float, count()))
        with benchmarking(path, [run(7)]):
            world.follower.run(deadline_s=4.0)
        assert world.entry.state == bars.RUNNING


class TestARestart:
    """Nothing survives it: the workers end with their daemon."""

    def restarted(self, peer: Benchmarks, outcome: str) -> None:
        """From its second session on it is another daemon."""
        peer.cuts = [b""]
        kept = {**run(7), "figures": run(7)["figures"][:1], "outcome": outcome}
        kept["problem"] = "the daemon ended while it ran" if outcome else ""

        def watch(params: dict[str, object]) -> object:
            if not peer.cuts:
                peer.started_at = 60.0
                peer.answers["benchmarks"] = {"runs": [kept]}
            return {"watch": 3}

        peer.answers["watch"] = watch

    @pytest.mark.parametrize("outcome", ["failed", ""])
    def test_what_ran_has_failed(self, path: Path, outcome: str) -> None:
        world = World(path)
        with benchmarking(path, [run(7)]) as peer:
            self.restarted(peer, outcome)
            world.follower.run()
        assert world.entry.outcome == "failed"
        assert world.entry.result is not None
        said = "the daemon ended while it ran" if outcome else "was started anew while it ran"
        assert said in str(world.entry.result["problem"])
        assert world.entry.result["figures"] == run(7)["figures"][:1]


class TestSilence:
    def test_one_that_nobody_knows_is_given_up(self, path: Path) -> None:
        world = World(path, ticks=map(float, count(step=2)))
        with benchmarking(path, []):
            world.follower.run()
        assert world.entry.outcome == "failed"
        assert world.entry.result is not None
        assert "does not know of it any more" in str(world.entry.result["problem"])

    @pytest.mark.parametrize("code", [errors.NOT_FOUND, errors.INTERNAL])
    def test_not_found_is_an_answer_and_others_are_errors(self, path: Path, code: str) -> None:
        world = World(path, ticks=map(float, count(step=2)))
        with benchmarking(path, []) as peer:
            peer.answers["benchmarks"] = ControlError(code, "so it is")
            if code == errors.NOT_FOUND:
                world.follower.run()
                assert world.entry.outcome == "failed"
            else:
                with pytest.raises(ControlError, match="so it is"):
                    world.follower.run()

    def test_one_that_waits_while_others_run_is_waited_for(self, path: Path) -> None:
        world = World(path, ticks=map(float, count(step=40)))
        runs = [run(6, gpu_uuid=uuid_of(1)), run(7, figures=figures()[:2])]
        with benchmarking(path, runs):
            world.follower.run()
        assert world.entry.outcome == "completed"

    def test_that_it_waits_for_others_is_said_once(self, path: Path) -> None:
        world = World(path)
        runs = [run(6, gpu_uuid=uuid_of(1)), run(7, figures=figures()[:2])]
        with benchmarking(path, runs):
            world.follower.run()
        assert world.out.getvalue().splitlines()[:3] == [
            "GPU 0: benchmark 7 waits for others",
            "GPU 0: benchmark 7 begins",
            "GPU 0: gemm_bf16: 770.6 TFLOP/s",
        ]

    def test_ones_own_are_no_others(self, path: Path) -> None:
        world = World(path)
        world.entry.run = 6
        world.follower = Follower(
            world.context,
            [world.entry, Entry(7, uuid_of(1), "GPU 1")],
            Lines(world.context),
            wait=world.wait,
            steady=lambda: world.at,
        )
        with benchmarking(path, [run(6), run(7, gpu_uuid=uuid_of(1))]):
            world.follower.run()
        assert "GPU 1: completed" in world.out.getvalue()
        assert "waits" not in world.out.getvalue()

    def test_one_that_does_not_move_is_not_waited_for(self, path: Path) -> None:
        world = World(path, ticks=map(float, count(step=40)))
        with benchmarking(path, [run(7)]) as peer:
            peer.moves = False
            with pytest.raises(ControlError) as caught:
                world.follower.run()
        assert caught.value.code == FAILED
        assert "nothing has moved for 15 min" in caught.value.message

    def test_an_event_has_it_asked_for_at_once(self, path: Path) -> None:
        """The clock stands still: without the event it would be asked for once."""
        world = World(path)
        with benchmarking(path, [run(7)]) as peer:
            answers: Iterator[object] = iter([{"runs": []}])
            peer.answers["benchmarks"] = lambda params: next(answers, {"runs": [run(7)]})
            peer.step = 1 << 20
            peer.events = [{"kind": "benchmark_ended", "gpu_uuid": uuid_of(0)}]
            world.follower.run()
        assert world.entry.outcome == "completed"
