"""`polarisctl benchmark`, run as a user runs it, against a scripted daemon."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from polarisd.api import errors
from polarisd.api.errors import ControlError
from polarisd.api.reading import Unknown
from tests.unit import ctl_samples as world
from tests.unit.benchmark_peer import Benchmarks, benchmarking
from tests.unit.benchmark_samples import figure, figures, on_the_processor, run
from tests.unit.ctl_support import Peer, ctl
from tests.unit.ctl_support import run as on

Daemon = Callable[..., AbstractContextManager[Benchmarks]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


def asked(peer: Peer, method: str) -> list[dict[str, object]]:
    return [params for name, params in peer.asked if name == method]


class TestMeasuring:
    def test_all_gpus(self, path: Path) -> None:
        with benchmarking(path, [run(7), run(8, gpu_uuid=world.uuid_of(1))]) as peer:
            code, out, err = on(peer, "benchmark")
        assert (code, err) == (0, "")
        assert asked(peer, "benchmark") == [
            {"gpus": [], "quick": False, "backend": "", "tests": []}
        ]
        assert out.index("GPU 0: NVIDIA H100 80GB HBM3  benchmark 7") < out.index(
            "GPU 1: NVIDIA H100 80GB HBM3  benchmark 8"
        )
        assert out.count("self-reported") == 2

    def test_off_a_terminal_each_test_has_a_line(self, path: Path) -> None:
        with benchmarking(path, [run(7)]) as peer:
            out = on(peer, "benchmark")[1]
        lines = out.splitlines()
        assert lines[:3] == [
            "GPU 0: benchmark 7 begins",
            "GPU 0: gemm_bf16: 770.6 TFLOP/s",
            "GPU 0: gemm_fp16: 752.1 TFLOP/s",
        ]
        assert lines[12:14] == [
            "GPU 0: proof_compute: not measured: not supported: not in this version",
            "GPU 0: completed",
        ]

    @pytest.mark.parametrize(
        "word", ["1", world.uuid_of(1), "GPU-00000001"], ids=["index", "uuid", "beginning"]
    )
    def test_what_is_named_is_measured(self, path: Path, word: str) -> None:
        with benchmarking(path, [run(7, gpu_uuid=world.uuid_of(1))]) as peer:
            words = ("--gpu", word, "1", "--quick", "--test", "gemm_int8", "h2d_pinned")
            assert on(peer, "benchmark", *words)[0] == 0
        assert asked(peer, "benchmark") == [
            {
                "gpus": [world.uuid_of(1)],
                "quick": True,
                "backend": "",
                "tests": ["gemm_int8", "h2d_pinned"],
            }
        ]

    def test_a_gpu_that_does_not_exist(self, path: Path) -> None:
        with benchmarking(path, []) as peer:
            code, _, err = on(peer, "benchmark", "--gpu", "9")
        assert code == 1
        assert "cannot find a GPU 9" in err
        assert asked(peer, "benchmark") == []

    @pytest.mark.parametrize("backend", ["host", "numpy"])
    def test_a_processor_is_labelled(self, path: Path, backend: str) -> None:
        with benchmarking(path, [on_the_processor(backend=backend)]) as peer:
            code, out, _ = on(peer, "benchmark", "--backend", backend)
        assert code == 0
        assert asked(peer, "benchmark")[0]["backend"] == backend
        assert "processor: AMD EPYC 9654" in out
        assert "*** measured on the processor with" in out

    def test_those_passed_over_are_named(self, path: Path) -> None:
        skipped = [{"gpu_uuid": world.uuid_of(3), "why": "it is in use by python3 (4711)"}]
        with benchmarking(path, [run(7)], skipped=skipped) as peer:
            code, _, err = on(peer, "benchmark")
            assert (code, err) == (
                0,
                "polarisctl: not measured: GPU 3: it is in use by python3 (4711)\n",
            )
        path.unlink()
        with benchmarking(path, [run(7)], skipped=skipped) as peer:
            assert json.loads(on(peer, "benchmark", "--json")[1])["skipped"] == skipped

    def test_trends_are_those_of_this_gpu(self, path: Path) -> None:
        recorded = [run(6, figures=figures(1.2)), run(5, gpu_uuid=world.uuid_of(1))]
        with benchmarking(path, [run(7)], recorded=recorded) as peer:
            out = on(peer, "benchmark")[1]
        assert "down 17 %, 1 run" in out
        assert "fell by 17 %: cause not visible\n" in out

    def test_json(self, path: Path) -> None:
        with benchmarking(path, [run(7)], recorded=[run(6)]) as peer:
            code, out, err = on(peer, "benchmark", "--json")
        assert (code, err) == (0, "")
        answer = json.loads(out)
        assert answer["runs"] == [run(7)]
        first = answer["assessments"][0]
        assert first["share_of_good"] == pytest.approx(0.97, abs=0.001)
        assert (first["run"], first["test"]) == (7, "gemm_bf16")
        assert first["trend"] == {"direction": "steady", "change": 0.0, "runs": 1, "why": ""}
        assert answer["assessments"][-1]["trend"] is None


class TestWhatGoesWrong:
    def test_no_daemon(self, path: Path) -> None:
        code, _, err = ctl("benchmark", POLARIS_SOCKET=str(path))
        assert code == 3
        assert "sudo systemctl start polarisd" in err

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (ControlError(errors.REFUSED, "no CuPy here", "sudo polarisctl gpu-setup"), 4),
            (ControlError(errors.REFUSED, "GPU 1 is in use by x (7)", "end it"), 4),
            (ControlError(errors.NOT_PERMITTED, "only an admin may", "use sudo"), 4),
            (ControlError(errors.UNKNOWN_METHOD, "no method benchmark", "upgrade"), 1),
        ],
        ids=lambda value: str(value)[:12],
    )
    def test_what_the_daemon_refuses(self, path: Path, error: ControlError, code: int) -> None:
        with benchmarking(path, []) as peer:
            peer.answers["benchmark"] = error
            found, out, err = on(peer, "benchmark", "--json")
        assert (found, json.loads(out)) == (code, {"error": error.to_wire()})
        assert err == f"polarisctl: {error.message}\n  {error.hint}\n"

    def test_one_failed_and_the_other_did_not(self, path: Path) -> None:
        told = {"problem": "the driver lost it", "remedy": "see: polarisctl status"}
        broken = run(8, gpu_uuid=world.uuid_of(1), outcome="failed", figures=(), **told)
        with benchmarking(path, [run(7), broken]) as peer:
            code, out, _ = on(peer, "benchmark")
        assert code == 1
        assert "GPU 0: completed\n" in out
        assert out.endswith("failed: the driver lost it\n→ see: polarisctl status\n")

    @pytest.mark.parametrize("outcome", ["cancelled", "deadline", "failed", "of tomorrow"])
    def test_another_outcome_is_no_success(self, path: Path, outcome: str) -> None:
        with benchmarking(path, [run(7, outcome=outcome)]) as peer:
            assert on(peer, "benchmark")[0] == 1

    @pytest.mark.parametrize(("reason", "code"), [("error", 1), ("not_supported", 0)])
    def test_a_test_that_failed_is_a_failure(self, path: Path, reason: str, code: int) -> None:
        made = (figure(), figure("memory_copy", value=Unknown(reason, "why")))
        with benchmarking(path, [run(7, figures=made)]) as peer:
            assert on(peer, "benchmark")[0] == code

    def test_a_figure_below_half_is_unhealthy(self, path: Path) -> None:
        with benchmarking(path, [run(7, figures=figures(0.45))]) as peer:
            code, out, _ = on(peer, "benchmark")
        assert code == 5
        assert "bad: 44 % of what a good H100 80GB HBM3 reaches in gemm_bf16" in out

    @pytest.mark.parametrize(
        "words",
        [
            "--history --cancel",
            "--history --quick",
            "--cancel --test gemm_bf16",
            "--gpu 0 --backend numpy",
            "--test gemm_fp64",
            "--backend cpu",
            "--history 0",
            "--history many",
        ],
    )
    def test_a_command_line_that_makes_no_sense(self, path: Path, words: str) -> None:
        with benchmarking(path, []) as peer:
            assert on(peer, "benchmark", *words.split())[0] == 2
        assert peer.asked == []


class TestCancelling:
    def test_all(self, path: Path) -> None:
        with benchmarking(path, []) as peer:
            peer.answers["benchmark_cancel"] = {"cancelled": [7, 8]}
            code, out, _ = on(peer, "benchmark", "--cancel")
            assert (code, out) == (0, "cancelled: benchmark 7\ncancelled: benchmark 8\n")
            assert json.loads(on(peer, "benchmark", "--cancel", "--json")[1]) == {
                "cancelled": [7, 8]
            }
            peer.answers["benchmark_cancel"] = {"cancelled": []}
            assert "no benchmark to cancel" in on(peer, "benchmark", "--cancel")[1]
        assert asked(peer, "benchmark_cancel") == [{}, {}, {}]

    def test_those_of_one_gpu(self, path: Path) -> None:
        runs = [run(9, outcome=""), run(8), run(7, outcome="")]
        with benchmarking(path, []) as peer:
            peer.answers["benchmarks"] = {"runs": runs}
            peer.answers["benchmark_cancel"] = _cancel_but(7)
            out = on(peer, "benchmark", "--cancel", "--gpu", "0")[1]
        assert out == "cancelled: benchmark 9\n"
        assert asked(peer, "benchmark_cancel") == [{"run": 9}, {"run": 7}]


def _cancel_but(ended: int) -> Callable[[dict[str, Any]], object]:
    def cancel(params: dict[str, Any]) -> object:
        if params["run"] == ended:
            return ControlError(errors.NOT_FOUND, "it has ended")
        return {"cancelled": [params["run"]]}

    return cancel


class TestHistory:
    RUNS = tuple(run(number) for number in (5, 6, 7))

    def test_earlier_runs_a_line_each(self, path: Path) -> None:
        with benchmarking(path, [], recorded=[*self.RUNS, on_the_processor(3)]) as peer:
            code, out, _ = on(peer, "benchmark", "--history", "2")
        assert code == 0
        assert asked(peer, "benchmark") == []
        numbers = [line.split()[0] for line in out.splitlines() if line[:3].strip().isdecimal()]
        assert numbers == ["7", "6", "3"]
        assert "says nothing of a GPU" in out

    def test_the_latest_in_full(self, path: Path) -> None:
        with benchmarking(path, [], recorded=self.RUNS) as peer:
            out = on(peer, "benchmark", "--history", "1", "--gpu", "0")[1]
        assert out.startswith("GPU 0: NVIDIA H100 80GB HBM3  benchmark 7, ")
        assert "steady, 2 runs" in out
        assert asked(peer, "benchmarks") == [{"gpu_uuid": world.uuid_of(0), "limit": 30}]

    def test_json(self, path: Path) -> None:
        with benchmarking(path, [], recorded=self.RUNS) as peer:
            answer = json.loads(on(peer, "benchmark", "--history", "--json")[1])
        assert [one["run"] for one in answer["runs"]] == [7, 6, 5]
        trends = [one["trend"] for one in answer["assessments"] if one["test"] == "gemm_bf16"]
        assert [found and found["runs"] for found in trends] == [2, 1, None]

    def test_of_one_backend(self, path: Path) -> None:
        with benchmarking(path, [], recorded=[*self.RUNS, on_the_processor(3)]) as peer:
            out = on(peer, "benchmark", "--history", "--backend", "numpy")[1]
        assert "GPU 0" not in out
        assert "  3  " in out

    def test_none_yet(self, path: Path) -> None:
        with benchmarking(path, []) as peer:
            code, out, _ = on(peer, "benchmark", "--history")
            assert (code, out) == (
                0,
                "there are no benchmarks yet; run one: sudo polarisctl benchmark\n",
            )

    def test_what_is_missing_is_said(self, path: Path) -> None:
        with benchmarking(path, []) as peer:
            peer.answers["benchmarks"] = {"runs": [run()], "left_out": 4, "problem": "disk full"}
            err = on(peer, "benchmark", "--history", "--gpu", "0")[2]
        assert err.splitlines() == [
            "polarisctl: disk full",
            "polarisctl: 4 older benchmarks do not fit into an answer of the daemon",
        ]

    def test_a_gpu_that_is_gone_still_has_one(self, path: Path) -> None:
        gone = "GPU-ffffffff-1234-5678-9abc-def012345678"
        with benchmarking(path, [], recorded=[run(gpu_uuid=gone)]) as peer:
            out = on(peer, "benchmark", "--history", "--gpu", gone)[1]
        assert out.startswith(f"{gone}: NVIDIA H100")
