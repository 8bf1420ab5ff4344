"""Readings of the host, from the real one and from recorded files of /proc."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from polarisd.api.reading import NOT_READ_YET, NOT_SUPPORTED, READ_ERROR, Unknown, known
from polarisd.api.snapshot import Disk
from polarisd.host import HostProbe

MEMINFO = """\
MemTotal:       131841248 kB
MemFree:         4212340 kB
MemAvailable:   98123456 kB
SwapTotal:       8388604 kB
SwapFree:        8000000 kB
HugePages_Total:       0
Active(file):      12345 kB
"""
NET_DEV = """\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets
    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0
  eth0: {rx} 1 0 0 0 0 0 0 {tx} 1 0 0 0 0 0 0
docker0: {rx} 1 0 0 0 0 0 0 {tx} 1 0 0 0 0 0 0
veth1a2b3c: {rx} 1 0 0 0 0 0 0 {tx} 1 0 0 0 0 0 0
"""
CPUINFO = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 143
model name\t: Intel(R) Xeon(R)  Platinum 8480C
"""


class Recorded:
    """A directory in the place of /proc, and a clock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.monotonic = 100.0
        (root / "net").mkdir()
        self.write(user=1000, idle=9000, tx=5_000, rx=70_000)
        (root / "meminfo").write_text(MEMINFO)
        (root / "cpuinfo").write_text(CPUINFO)
        (root / "os-release").write_text('ID=x\nPRETTY_NAME="Recorded \\"1\\""\n')

    def write(self, *, user: int, idle: int, tx: int, rx: int, iowait: int = 0) -> None:
        # All of `guest` is part of `user` as well.
        (self.root / "stat").write_text(f"cpu  {user} 0 0 {idle} {iowait} 0 0 0 {user} 0\n")
        (self.root / "net/dev").write_text(NET_DEV.format(tx=tx, rx=rx))

    def probe(self, *disk_paths: str) -> HostProbe:
        return HostProbe(
            disk_paths,
            clock=lambda: self.monotonic,
            procfs=str(self.root),
            os_release=str(self.root / "os-release"),
        )


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorded:
    # PROCFS_PATH is psutil's own way to be pointed elsewhere.
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    return Recorded(tmp_path)


def test_reads_recorded_files(recorded: Recorded) -> None:
    host = recorded.probe().read(1_800_000_000.0)
    assert host.read_at == 1_800_000_000.0
    assert host.os_name == 'Recorded "1"'
    assert host.cpu_model == "Intel(R) Xeon(R) Platinum 8480C"
    assert host.memory_total_bytes == 131841248 * 1024
    assert host.memory_available_bytes == 98123456 * 1024
    assert host.swap_total_bytes == 8388604 * 1024
    assert host.swap_used_bytes == 388604 * 1024
    assert host.disks == ()


def test_rates_need_two_readings(recorded: Recorded) -> None:
    probe = recorded.probe()
    first = probe.read(0.0)
    for rate in (first.cpu_percent, first.network_tx_bps, first.network_rx_bps):
        assert isinstance(rate, Unknown)
        assert rate.reason == NOT_READ_YET
    recorded.monotonic += 2.0
    recorded.write(user=1050, idle=9050, iowait=100, tx=6_000, rx=90_000)
    second = probe.read(0.0)  # a wall clock that stands still changes nothing
    assert second.cpu_percent == 25.0
    assert second.network_tx_bps == 500.0
    assert second.network_rx_bps == 10_000.0


def test_an_idle_machine_is_at_exactly_zero(recorded: Recorded) -> None:
    probe = recorded.probe()
    recorded.write(user=123457, idle=10, tx=0, rx=0)
    probe.read(0.0)
    recorded.monotonic += 1.0
    recorded.write(user=123457, idle=110, tx=0, rx=0)
    host = probe.read(0.0)
    assert (host.cpu_percent, host.network_tx_bps, host.network_rx_bps) == (0.0, 0.0, 0.0)


def test_a_counter_that_goes_back_is_not_a_rate_and_the_next_one_is(recorded: Recorded) -> None:
    probe = recorded.probe()
    probe.read(0.0)
    recorded.monotonic += 1.0
    recorded.write(user=900, idle=9100, tx=10, rx=80_000)
    reset = probe.read(0.0)
    assert isinstance(reset.cpu_percent, Unknown)
    assert reset.cpu_percent.reason == READ_ERROR
    assert isinstance(reset.network_tx_bps, Unknown)
    assert reset.network_rx_bps == 10_000.0
    recorded.monotonic += 1.0
    recorded.write(user=950, idle=9150, tx=30, rx=80_000)
    after = probe.read(0.0)
    assert after.cpu_percent == 50.0
    assert after.network_tx_bps == 20.0


def test_a_missing_file_hides_only_what_was_in_it(recorded: Recorded) -> None:
    probe = recorded.probe()
    probe.read(0.0)
    recorded.monotonic += 1.0
    (recorded.root / "stat").unlink()
    (recorded.root / "meminfo").unlink()
    host = probe.read(0.0)
    for reading in (host.cpu_percent, host.memory_total_bytes, host.swap_used_bytes):
        assert isinstance(reading, Unknown)
        assert reading.reason == READ_ERROR
        assert "No such file" in reading.detail
    assert host.network_tx_bps == 0.0
    assert known(host.load_1m) is not None


def test_a_machine_of_which_nothing_can_be_read_is_described_by_reasons(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(psutil, "PROCFS_PATH", str(missing))
        probe = HostProbe((str(missing),), procfs=str(missing), os_release=str(missing))
        hosts = [probe.read(1.0), probe.read(2.0)]
    for host in hosts:
        for name in ("os_name", "cpu_model", "cpu_percent", "network_rx_bps", "swap_used_bytes"):
            reading = getattr(host, name)
            assert isinstance(reading, Unknown), name
            assert reading.reason == READ_ERROR
            assert reading.detail
        assert host.hostname
        assert host.kernel
        assert isinstance(host.disks[0].free_bytes, Unknown)


def test_figures_that_the_kernel_does_not_give_are_not_supported(recorded: Recorded) -> None:
    (recorded.root / "meminfo").write_text("MemTotal: 10 kB\nSwapTotal: 5 kB\nSwapFree: 6 kB\n")
    (recorded.root / "cpuinfo").write_text("processor\t: 0\n")
    (recorded.root / "os-release").write_text("ID=x\n")
    host = recorded.probe().read(0.0)
    assert host.memory_total_bytes == 10240
    for reading in (host.memory_available_bytes, host.cpu_model, host.os_name):
        assert isinstance(reading, Unknown)
        assert reading.reason == NOT_SUPPORTED
    assert isinstance(host.swap_used_bytes, Unknown)


def test_paths_on_one_device_are_one_disk(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    gone = str(tmp_path / "gone")
    disks = HostProbe((str(tmp_path), gone, str(tmp_path / "inside"))).read(0.0).disks
    assert [disk.path for disk in disks] == [str(tmp_path), gone]
    total, free = known(disks[0].total_bytes), known(disks[0].free_bytes)
    assert total is not None
    assert free is not None
    assert 0 <= free <= total
    assert isinstance(disks[1], Disk)
    assert isinstance(disks[1].total_bytes, Unknown)


def test_the_real_host() -> None:
    host = HostProbe(("/",)).read(time.time())
    threads, cores = known(host.cpu_threads), known(host.cpu_cores)
    assert threads is not None
    assert threads >= 1
    assert cores is None or 1 <= cores <= threads
    boot_at = known(host.boot_at)
    assert boot_at is not None
    assert abs(boot_at - psutil.boot_time()) < 5
    assert host.memory_total_bytes == psutil.virtual_memory().total
    assert known(host.disks[0].total_bytes) == psutil.disk_usage("/").total


def test_a_reading_takes_less_than_a_millisecond() -> None:
    probe = HostProbe(("/", "/tmp"))
    probe.read(0.0)

    def timed() -> float:
        start = time.perf_counter()
        probe.read(0.0)
        return time.perf_counter() - start

    assert min(timed() for _ in range(50)) < 0.001
