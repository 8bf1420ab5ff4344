"""Cases of the doctor's rows about the machine: system, hardware, network."""

from __future__ import annotations

from dataclasses import replace

from polarisctl.doctor.clock import Clock, KernelClock
from polarisctl.doctor.config import Settings
from polarisctl.doctor.finding import FAILURE, OK, UNKNOWN, WARNING
from polarisctl.doctor.hardware import Hardware, Space
from polarisctl.doctor.limits import GIB
from polarisctl.doctor.network import Holder, Port, Ports
from polarisctl.doctor.system import OsRelease, System
from polarisd.api.reading import NO_PERMISSION, READ_ERROR, TIMED_OUT, Unknown
from tests.unit.doctor_support import Case, case

DENIED = Unknown(NO_PERMISSION, "Permission denied")
BROKEN = Unknown(READ_ERROR, "Input/output error")

DEBIAN = OsRelease("debian", "12", "Debian GNU/Linux 12 (bookworm)", ())
SYSTEM = System(
    os_release=DEBIAN,
    machine="x86_64",
    kernel="6.1.0-18-amd64",
    python=(3, 11, 2),
    libc="2.36",
    systemd_booted=True,
    systemd_version=(252,),
)


def _release(name: str, version: str) -> System:
    return replace(SYSTEM, os_release=OsRelease(name, version, f"{name} {version}", ()))


SYSTEM_CASES = [
    case("operating-system", OK, "bookworm", system=SYSTEM),
    case("operating-system", OK, "ubuntu 22.04", system=_release("ubuntu", "22.04")),
    case("operating-system", OK, "debian 13", system=_release("debian", "13")),
    case("operating-system", WARNING, "older", system=_release("ubuntu", "20.04")),
    case("operating-system", WARNING, "older", system=_release("debian", "11")),
    case("operating-system", WARNING, "not tested", system=_release("fedora", "43")),
    case("operating-system", WARNING, "without a number", system=_release("debian", "")),
    case("operating-system", UNKNOWN, "no /etc/os", system=replace(SYSTEM, os_release=None)),
    case("operating-system", UNKNOWN, "output", system=replace(SYSTEM, os_release=BROKEN)),
    case("architecture", OK, "x86_64", system=SYSTEM),
    case("architecture", WARNING, "aarch64", system=replace(SYSTEM, machine="aarch64")),
    case("architecture", FAILURE, "riscv64", system=replace(SYSTEM, machine="riscv64")),
    case("kernel", OK, "6.1.0-18", system=SYSTEM),
    case("kernel", OK, "5.15.0", system=replace(SYSTEM, kernel="5.15.0-25-generic")),
    case("kernel", WARNING, "5.14", system=replace(SYSTEM, kernel="5.14.21")),
    case("kernel", UNKNOWN, "odd", system=replace(SYSTEM, kernel="odd")),
    case("python", OK, "3.11.2", system=SYSTEM),
    case("python", OK, "3.14.0", system=replace(SYSTEM, python=(3, 14, 0))),
    case("python", WARNING, "newer", system=replace(SYSTEM, python=(3, 15, 0))),
    case("python", FAILURE, "3.9.18", system=replace(SYSTEM, python=(3, 9, 18))),
    case("glibc", OK, "2.36", system=SYSTEM),
    case("glibc", OK, "2.34", system=replace(SYSTEM, libc="2.34")),
    case("glibc", FAILURE, "2.31", system=replace(SYSTEM, libc="2.31")),
    case("glibc", FAILURE, "not glibc", system=replace(SYSTEM, libc="")),
    case("glibc", UNKNOWN, "odd", system=replace(SYSTEM, libc="odd")),
    case("systemd", OK, "252", system=SYSTEM),
    case("systemd", FAILURE, "247", system=replace(SYSTEM, systemd_version=(247,))),
    case("systemd", FAILURE, "container", system=replace(SYSTEM, systemd_booted=False)),
    case("systemd", UNKNOWN, "output", system=replace(SYSTEM, systemd_version=BROKEN)),
    case("systemd", UNKNOWN, "no version", system=replace(SYSTEM, systemd_version=None)),
]

IN_STEP = KernelClock(synchronised=True, max_error_s=0.004)
ADRIFT = KernelClock(synchronised=False, max_error_s=16.0)

CLOCK_CASES = [
    case("clock", OK, "4 ms", clock=Clock(IN_STEP, True)),
    case("clock", OK, "4 ms", clock=Clock(IN_STEP, None)),
    case("clock", WARNING, "2.5 s off", clock=Clock(KernelClock(True, 2.5), True)),
    case("clock", WARNING, "not in sync yet", clock=Clock(ADRIFT, True)),
    case("clock", WARNING, "counts it as", clock=Clock(ADRIFT, None)),
    case("clock", WARNING, "counts it as", clock=Clock(ADRIFT, Unknown(TIMED_OUT))),
    case("clock", FAILURE, "set-ntp", clock=Clock(ADRIFT, False)),
    case("clock", UNKNOWN, "denied", clock=Clock(DENIED, True)),
]


def _hardware(cpus: int, memory_gib: float) -> Hardware:
    return Hardware(cpus, int(memory_gib * GIB))


def _space(free_gib: float, measured_at: str = "/data") -> Space:
    return Space("/data", measured_at, int(free_gib * GIB))


UNREAD = Hardware(DENIED, DENIED)

HARDWARE_CASES = [
    case("cpu", OK, "4 CPUs", hardware=_hardware(4, 32)),
    case("cpu", WARNING, "2 CPUs", hardware=_hardware(2, 32)),
    case("cpu", FAILURE, "1 CPU", hardware=_hardware(1, 32)),
    case("cpu", UNKNOWN, "sudo", hardware=UNREAD),
    # A nominal 16 GB machine shows 15.4 GiB, one of 8 GB 7.6 GiB.
    case("memory", OK, "15.4 GiB", hardware=_hardware(4, 15.4)),
    case("memory", WARNING, "12.0 GiB", hardware=_hardware(4, 12)),
    case("memory", WARNING, "7.6 GiB", hardware=_hardware(4, 7.6)),
    case("memory", FAILURE, "6.0 GiB", hardware=_hardware(4, 6)),
    case("memory", UNKNOWN, "sudo", hardware=UNREAD),
    *(
        replace(made, id=check, topics={topic: made.topics["space"]})
        for check, topic in (("disk-state", "state_space"), ("disk-containers", "container_space"))
        for made in (
            case("", OK, "78.0 GiB free for /data", space=_space(78)),
            case("", OK, "measured at /", space=_space(78, "/")),
            case("", WARNING, "du -xh", space=_space(30)),
            case("", FAILURE, "1.0 GiB", space=_space(1)),
            case("", UNKNOWN, "sudo", space=Space("/data", "/data", DENIED)),
        )
    ),
]

SETTINGS = Settings("polarisd", 8000, (11000, 11001, 11002), "/var/lib/polaris")
DAEMON = Holder(7, "polarisd", "polarisd.service")
NGINX = Holder(88, "nginx", "nginx.service")
LEASE = Holder(99, "dropbear", "polaris-lease@42.service")
PROXY = Holder(101, "docker-proxy", "docker.service")


def _ports(api: Port, *ssh: Port, daemon_pid: int | None = None) -> Ports:
    return Ports(SETTINGS, api, ssh or (Port(11000, False, None),), daemon_pid)


FREE = Port(8000, False, None)


def _api(holder: Holder | None, daemon_pid: int | None = None) -> Ports:
    return _ports(Port(8000, True, holder), daemon_pid=daemon_pid)


def _ssh(*holders: Holder | None) -> Ports:
    taken = [Port(11000 + number, True, holder) for number, holder in enumerate(holders)]
    return _ports(FREE, *taken, Port(11009, False, None))


PORT_CASES = [
    case("api-port", OK, "8000 is free", ports=_ports(FREE)),
    case("api-port", OK, "held by polarisd", ports=_api(DAEMON)),
    case("api-port", OK, "held by polarisd", ports=_api(Holder(7, "python3", ""), 7)),
    case("api-port", FAILURE, "nginx (pid 88, nginx.service)", ports=_api(NGINX)),
    case("api-port", FAILURE, "journalctl", ports=replace(_ports(FREE), listens=True)),
    case("api-port", OK, "held by polarisd", ports=replace(_api(DAEMON), listens=True)),
    case("api-port", UNKNOWN, "ss -ltnp", ports=_api(None)),
    case("api-port", UNKNOWN, "sudo", ports=_ports(Port(80, DENIED, None))),
    case("ssh-ports", OK, "are free", ports=_ports(FREE, *(Port(n, False, None) for n in (1, 2)))),
    case("ssh-ports", OK, "1 held by leases", ports=_ssh(LEASE)),
    case("ssh-ports", FAILURE, "11001 is held by nginx", ports=_ssh(LEASE, NGINX)),
    case("ssh-ports", UNKNOWN, "docker-proxy", ports=_ssh(PROXY)),
    case("ssh-ports", UNKNOWN, "cannot be seen", ports=_ssh(None)),
    case("ssh-ports", UNKNOWN, "sudo", ports=_ports(FREE, Port(22, DENIED, None))),
]

CASES: list[Case] = [*SYSTEM_CASES, *CLOCK_CASES, *HARDWARE_CASES, *PORT_CASES]
