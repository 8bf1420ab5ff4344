"""`polarisctl benchmark` on a terminal: bars that go away again, and Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import pytest

from polarisd.api import errors
from polarisd.api.errors import ControlError
from tests.terminal.tty import Tty
from tests.unit.benchmark_peer import Benchmarks, benchmarking
from tests.unit.benchmark_samples import run
from tests.unit.ctl_samples import uuid_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def on_a_terminal(path: Path, *more: str, columns: int = 80, rows: int = 24, **env: str) -> Tty:
    words = ("--socket", str(path), "benchmark", *more)
    return Tty(*words, columns=columns, rows=rows, environ=env)


def stays_at(peer: Benchmarks, step: int) -> None:
    peer.step, peer.moves = step, False


def assert_as_before(tty: Tty) -> None:
    """Lines wrap again, and there is no bar left."""
    assert tty.raw.rindex(b"\x1b[?7h") > tty.raw.rindex(b"\x1b[?7l")
    assert "░" not in tty.text()


def test_a_bar_for_each_gpu_then_the_tables(path: Path) -> None:
    runs = [run(7), run(8, gpu_uuid=uuid_of(1))]
    with benchmarking(path, runs) as peer, on_a_terminal(path, columns=118, rows=60) as tty:
        stays_at(peer, 6)
        shown = tty.until_shown("50 %  memory_read", "GPU 1  waiting for its turn")
        assert "GPU 0  ██" in shown
        peer.moves = True
        assert tty.wait() == 0
        shown = tty.text()
        assert shown.count("97 % of what a good H100") == 2
        assert "waiting" not in shown
        assert shown.startswith("GPU 0: NVIDIA H100 80GB HBM3  benchmark 7")
        assert_as_before(tty)


def test_without_colours_there_are_none(path: Path) -> None:
    with benchmarking(path, [run(7)]), on_a_terminal(path, NO_COLOR="1") as tty:
        assert tty.wait() == 0
        assert b"\x1b[3" not in tty.raw
        assert b"\x1b[1;3" not in tty.raw


def test_a_terminal_that_cannot_draw_gets_lines(path: Path) -> None:
    with benchmarking(path, [run(7)]), on_a_terminal(path, rows=60, TERM="dumb") as tty:
        assert tty.wait() == 0
        assert "GPU 0: gemm_bf16: 770.6 TFLOP/s" in tty.text()
        assert b"\x1b" not in tty.raw


def test_a_terminal_made_narrower_keeps_a_line_a_bar(path: Path) -> None:
    with benchmarking(path, [run(7)]) as peer, on_a_terminal(path) as tty:
        stays_at(peer, 6)
        tty.until_shown("memory_read")
        tty.resize(30, 10)
        tty.until(lambda shown: "…" in shown and shown.count("GPU 0") == 1)


def test_control_c_cancels_and_shows_what_there_is(path: Path) -> None:
    kept = run(7)
    with benchmarking(path, [kept]) as peer, on_a_terminal(path, rows=40) as tty:

        def cancel(params: dict[str, object]) -> object:
            kept.update(outcome="cancelled", figures=kept["figures"][:2])
            peer.step = 1 << 20
            return {"cancelled": [params["run"]]}

        peer.answers["benchmark_cancel"] = cancel
        stays_at(peer, 2)
        tty.until_shown("gemm_int8")
        tty.press("\x03")
        assert tty.wait() == 130
        shown = tty.text()
        assert "polarisctl: interrupted, so cancelled: benchmark 7\n" in shown.replace("  ", "")
        assert "\ncancelled " in shown
        assert "gemm_fp16  752.1 TFLOP/s" in shown
        assert ("benchmark_cancel", {"run": 7}) in peer.asked
        assert_as_before(tty)


def test_control_c_that_cannot_cancel_says_so(path: Path) -> None:
    with benchmarking(path, [run(7)]) as peer, on_a_terminal(path) as tty:
        peer.answers["benchmark_cancel"] = ControlError(errors.INTERNAL, "a bug", "report it")
        stays_at(peer, 2)
        tty.until_shown("gemm_int8")
        tty.press("\x03")
        assert tty.wait() == 1
        shown = " ".join(tty.text().split())
        assert "cannot cancel the benchmark, which may go on: a bug" in shown
        assert "sudo polarisctl benchmark --cancel" in shown
        assert_as_before(tty)


def test_control_c_before_it_is_known_what_begins(path: Path) -> None:
    with benchmarking(path, [run(7)]) as peer:
        peer.silent_at = "benchmark"
        with on_a_terminal(path) as tty:
            tty.until(lambda shown: "benchmark" in dict(peer.asked), "the request")
            tty.press("\x03")
            assert tty.wait() == 130
            assert "sudo polarisctl benchmark --cancel" in " ".join(tty.text().split())


def test_a_second_control_c_ends_it_at_once(path: Path) -> None:
    with benchmarking(path, [run(7)]) as peer, on_a_terminal(path) as tty:
        peer.answers["benchmark_cancel"] = {"cancelled": [7]}
        stays_at(peer, 2)
        tty.until_shown("gemm_int8")
        tty.press("\x03")
        tty.until_shown("interrupted, so cancelled")
        tty.press("\x03")
        assert tty.wait() == 130
        assert_as_before(tty)
