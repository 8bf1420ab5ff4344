"""`polarisctl monitor` and the real polarisd, over a fake driver library."""

from tests.daemon.conftest import PolarisdFactory
from tests.daemon.process import Polarisd
from tests.fakes.nvml.fixtures import FakeNvmlFactory
from tests.terminal.tty import Tty


def monitor(daemon: Polarisd, columns: int = 120, rows: int = 40) -> Tty:
    return Tty("--socket", str(daemon.socket_path), "monitor", columns=columns, rows=rows)


def test_it_shows_what_the_driver_says_and_what_happens(
    polarisd: PolarisdFactory, fake_nvml: FakeNvmlFactory
) -> None:
    nvml = fake_nvml("h100", count=8)
    daemon = polarisd(nvml)
    with monitor(daemon) as tty:
        tty.until_shown("8 GPUs", "H100", "util")
        nvml.lose_gpu(3)
        tty.until_shown("LOST", "1 not offerable", "gpu_lost")
        tty.press("3")
        tty.until_shown(nvml.uuid(3), "n/a")
        tty.press("0")
        tty.until_shown(nvml.uuid(0), "pcie")
        tty.press("b")
        tty.until_shown("burst: ten samples a second")
        tty.press("q")
        assert tty.wait() == 0


def test_it_goes_on_when_the_daemon_is_started_anew(
    polarisd: PolarisdFactory, fake_nvml: FakeNvmlFactory
) -> None:
    daemon = polarisd(fake_nvml("rtx4090", count=2))
    with monitor(daemon) as tty:
        tty.until_shown("2 GPUs", "4090")
        assert daemon.stop() == 0
        tty.until_shown("polarisd is not answering since", "4090")
        daemon.start()
        tty.until(lambda text: "4090" in text and "not answering" not in text)
        tty.press("q")
        assert tty.wait() == 0


def test_a_machine_without_a_driver_says_so(
    polarisd: PolarisdFactory, fake_nvml: FakeNvmlFactory
) -> None:
    daemon = polarisd(fake_nvml(count=1), library=False)
    with monitor(daemon) as tty:
        tty.until_shown("no NVIDIA driver answers on this machine", "driver absent")
        tty.press("q")
        assert tty.wait() == 0
