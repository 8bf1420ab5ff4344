"""`polarisctl benchmark` and the real polarisd with its workers, over a fake driver and CuPy."""

from __future__ import annotations

from pathlib import Path

from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd
from tests.fakes.cupy import script
from tests.fakes.nvml.fake import FakeNvml
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.terminal.tty import Tty

FEW = ("--quick", "--test", "memory_copy")


def with_cupy(polarisd: PolarisdFactory, nvml: FakeNvml) -> Polarisd:
    made = polarisd(nvml, start=False)
    hexadecimal = nvml.uuid(0).removeprefix("GPU-").replace("-", "")
    made.environ = script.environ(made.environ, uuid=hexadecimal, name="NVIDIA H100 80GB HBM3")
    return made.start()


def benchmark(daemon: Polarisd, *words: str) -> Tty:
    socket: Path = daemon.socket_path
    return Tty("--socket", str(socket), "benchmark", *words, columns=120, rows=50)


def test_a_gpu_far_slower_than_its_model_is_bad_and_its_history_is_kept(
    polarisd: PolarisdFactory, fake_nvml: FakeNvmlFactory
) -> None:
    """What computes here is a processor behind a fake of CuPy."""
    daemon = with_cupy(polarisd, fake_nvml("h100", count=2))
    with benchmark(daemon, "--gpu", "0", *FEW) as tty:
        assert tty.wait() == 5
        shown = tty.text()
        assert shown.startswith("GPU 0: NVIDIA H100 80GB HBM3  benchmark 1, ")
        assert "self-reported" in shown
        assert "– trend of memory_copy: no earlier run to compare with" in shown
        assert "% of what a good H100 80GB HBM3 reaches in memory_copy" in shown
        assert "bad: " in shown
    with benchmark(daemon, "--gpu", "0", *FEW) as tty:
        assert tty.wait() == 5
        assert ", 1 run" in tty.text()
    with benchmark(daemon, "--history", "--gpu", "0") as tty:
        assert tty.wait() == 0
        assert tty.text().count("completed, quick") == 2


def test_control_c_ends_the_worker_and_the_figures_until_then_stay(
    polarisd: PolarisdFactory, fake_nvml: FakeNvmlFactory
) -> None:
    daemon = with_cupy(polarisd, fake_nvml("h100", count=1))
    with benchmark(daemon, "--backend", "numpy", "--test", "memory_copy", "int32_rate") as tty:
        tty.until_shown("int32_rate")
        tty.press("\x03")
        assert tty.wait() == 130
        shown = tty.text()
        assert "interrupted, so cancelled: benchmark 1" in shown
        assert "*** measured on the processor with NumPy: says nothing of a GPU ***" in shown
        assert "memory_copy" in shown
    with benchmark(daemon, "--cancel") as tty:
        assert tty.wait() == 0
        assert "there was no benchmark to cancel" in tty.text()


def test_what_the_daemon_refuses_has_its_remedy(
    polarisd: PolarisdFactory, fake_nvml: FakeNvmlFactory
) -> None:
    daemon = polarisd(fake_nvml("h100", count=1))
    with benchmark(daemon) as tty:
        assert tty.wait() == 4
        assert "sudo polarisctl gpu-setup" in tty.text()
