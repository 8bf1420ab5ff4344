"""What the doctor reads of the machine itself: files in a directory, scripts, sockets."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from polarisctl.doctor.clock import Clock, KernelClock
from polarisctl.doctor.config import Settings
from polarisctl.doctor.daemon import Daemon, Refusal
from polarisctl.doctor.edge import Edge, this_machine
from polarisctl.doctor.gather.clock import gather_clock, read_kernel_clock
from polarisctl.doctor.gather.hardware import gather_hardware, gather_space
from polarisctl.doctor.gather.network import gather_firewall, gather_ports, is_taken
from polarisctl.doctor.gather.system import gather_system
from polarisctl.doctor.network import Firewall, Holder
from polarisctl.doctor.system import OsRelease
from polarisd.api.reading import NO_PERMISSION, READ_ERROR, Unknown
from tests.unit.doctor_support import edge, prints, tree

REFUSED = Refusal("not_running", "nobody", "")
NO_DAEMON = Daemon("/run/x.sock", REFUSED, REFUSED, REFUSED)


@pytest.fixture
def bins(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def here(tmp_path: Path, bins: Path) -> Edge:
    return edge(tmp_path, bin_directory=bins)


def test_system(here: Edge, bins: Path, tmp_path: Path) -> None:
    tree(tmp_path, {"/usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\nNAME=Debian\n'})
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    prints(bins, "systemctl", "systemd 252 (252.39-1~deb12u2)\n+PAM +AUDIT")
    system = gather_system(here)
    assert system.os_release == OsRelease("debian", "12", "Debian", ())
    assert system.systemd_booted
    assert system.systemd_version == (252,)


def test_system_of_an_empty_container(here: Edge) -> None:
    system = gather_system(here)
    assert system.os_release is None
    assert not system.systemd_booted
    assert system.systemd_version is None


def test_a_file_that_cannot_be_read_is_unknown(here: Edge, tmp_path: Path) -> None:
    (tmp_path / "etc/os-release").mkdir(parents=True)
    assert isinstance(found := here.read_text("/etc/os-release"), Unknown)
    assert found.reason == READ_ERROR


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_of_others_is_unknown_for_want_of_permission(here: Edge, tmp_path: Path) -> None:
    tree(tmp_path, {"/etc/secret": "x"})
    (tmp_path / "etc/secret").chmod(0)
    assert isinstance(found := here.read_text("/etc/secret"), Unknown)
    assert found.reason == NO_PERMISSION


@pytest.mark.parametrize(("said", "service"), [("NTP=yes", True), ("NTP=no", False), ("odd", None)])
def test_clock(here: Edge, bins: Path, said: str, service: bool | None) -> None:
    prints(bins, "timedatectl", said)
    kernel = KernelClock(synchronised=True, max_error_s=0.1)
    assert gather_clock(here, lambda: kernel) == Clock(kernel, service)


def test_clock_without_systemd(here: Edge, bins: Path) -> None:
    prints(bins, "timedatectl", "System has not been booted with systemd", 1)
    assert gather_clock(here, lambda: Unknown(READ_ERROR)).service is None


def test_the_kernel_of_this_machine_tells_its_clock() -> None:
    clock = read_kernel_clock()
    if isinstance(clock, Unknown):  # a sandbox may forbid the call
        assert clock.reason == NO_PERMISSION
    else:
        assert 0 <= clock.max_error_s <= 1000


def test_hardware(here: Edge, tmp_path: Path) -> None:
    cpuinfo = "processor\t: 0\nmodel name\t: X\n\nprocessor\t: 1\nmodel name\t: X\n"
    tree(tmp_path, {"/proc/cpuinfo": cpuinfo, "/proc/meminfo": "MemTotal:  16384 kB\n"})
    hardware = gather_hardware(here)
    assert (hardware.cpus, hardware.memory_bytes) == (2, 16384 * 1024)


def test_hardware_without_proc(here: Edge) -> None:
    hardware = gather_hardware(here)
    assert isinstance(hardware.cpus, Unknown)
    assert isinstance(hardware.memory_bytes, Unknown)


def test_space_is_measured_at_the_nearest_directory(here: Edge, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    space = gather_space(here, "/var/lib/polaris")
    status = os.statvfs(tmp_path)
    assert (space.path, space.measured_at) == ("/var/lib/polaris", "/var")
    assert isinstance(space.free_bytes, int)
    assert 0 <= space.free_bytes <= status.f_blocks * status.f_frsize


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def settings(api: int, *ssh: int) -> Settings:
    return Settings("defaults", api, ssh, "/var/lib/polaris")


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def test_a_port_is_taken_while_somebody_listens(listening: int) -> None:
    assert is_taken(listening) is True
    assert is_taken(free_port()) is False


def test_whoever_listens_is_found_in_proc(tmp_path: Path, listening: int) -> None:
    """Over this machine's own /proc: the listener is this very process."""
    free = free_port()
    ports = gather_ports(
        replace(edge(tmp_path), root=Path("/")), settings(listening, free), NO_DAEMON
    )
    assert ports.api.taken is True
    assert ports.api.holder is not None
    assert ports.api.holder.pid == os.getpid()
    assert ports.ssh[0].taken is False
    assert ports.ssh[0].holder is None


def test_the_unit_of_a_holder_is_read(here: Edge, tmp_path: Path, listening: int) -> None:
    row = f"   0: 00000000:{listening:04X} 00000000:0000 0A 0:0 00:0 0 0 0 4711 1 x\n"
    files = {
        "/proc/net/tcp6": "  sl  local_address ...\n" + row,
        "/proc/88/comm": "nginx\n",
        "/proc/88/cgroup": "0::/system.slice/nginx.service\n",
        "/proc/self/comm": "x",
    }
    tree(tmp_path, files)
    (tmp_path / "proc/88/fd").mkdir()
    (tmp_path / "proc/88/fd/3").symlink_to("socket:[4711]")
    (tmp_path / "proc/88/fd/4").symlink_to("/dev/null")
    hello = {"pid": 7}
    ports = gather_ports(here, settings(listening), replace(NO_DAEMON, hello=hello))
    assert ports.api.holder == Holder(88, "nginx", "nginx.service")
    assert ports.daemon_pid == 7


def test_a_holder_out_of_sight_is_nobody(here: Edge, listening: int) -> None:
    ports = gather_ports(here, settings(listening), NO_DAEMON)
    assert ports.api.taken is True
    assert ports.api.holder is None


def test_firewall(here: Edge, tmp_path: Path) -> None:
    assert gather_firewall(here) == Firewall(None)
    tree(tmp_path, {"/etc/ufw/ufw.conf": "# ufw\nENABLED=yes\nLOGLEVEL=low\n"})
    assert gather_firewall(here) == Firewall(True)


def test_this_machine_never_searches_where_it_stands() -> None:
    made = this_machine(
        socket_path="/run/x.sock",
        config_path="",
        program="polarisctl",
        environment={"PATH": ".:/usr/bin::bin"},
        uid=os.geteuid(),
    )
    assert all(place.startswith("/") for place in made.search_path.split(":"))
    assert "/usr/sbin" in made.search_path.split(":")
    assert made.machine
    assert stat.S_ISDIR(made.root.stat().st_mode)
