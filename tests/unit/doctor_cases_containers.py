"""Cases of the doctor's rows about containers, and GPUs in them."""

from __future__ import annotations

from dataclasses import replace

from polarisctl.doctor.cdi import CdiSpec, DeviceNode, GpuAccess
from polarisctl.doctor.engine import Docker, DockerServer, Engines
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING
from polarisctl.doctor.network import Firewall
from tests.unit.doctor_cases_gpu import DRIVER, NO_DRIVER, NO_NVML, NVML, A
from tests.unit.doctor_cases_machine import BROKEN, DENIED, SETTINGS
from tests.unit.doctor_support import Case, case

SERVER = DockerServer((28, 2, 2), "systemd", ("nvidia", "runc"), ("/etc/cdi",), "/docker", True)


def _docker(server: object = SERVER, **changed: object) -> Engines:
    if isinstance(server, DockerServer):
        server = replace(server, **changed)  # type: ignore[arg-type]
    return Engines(Docker((28, 2, 2), server), None)  # type: ignore[arg-type]


def _versions(docker: tuple[int, ...] | None, podman: tuple[int, ...] | None) -> Engines:
    return Engines(Docker(docker, SERVER) if docker else None, podman)


PODMAN = _versions(None, (4, 9, 3))
NO_ENGINE = Engines(None, None)

ENGINE_CASES = [
    case("container-engine", OK, "Docker 28.2.2", engines=_docker()),
    case("container-engine", OK, "podman 4.9.3", engines=PODMAN),
    case("container-engine", OK, "podman 4.3.1", engines=_versions((20, 10, 24), (4, 3, 1))),
    case("container-engine", WARNING, "too old for CDI", engines=_versions((20, 10, 24), None)),
    case("container-engine", FAILURE, "too old to", engines=_versions(None, (3, 4, 4))),
    case("container-engine", FAILURE, "neither", engines=NO_ENGINE),
    case("container-engine", UNKNOWN, "sudo", engines=Engines(DENIED, None)),
    case("container-engine", UNKNOWN, "unknown version", engines=Engines(Docker(None, None), None)),
    case("engine-running", OK, "engine 28.2.2", engines=_docker()),
    case("engine-running", OK, "needs no daemon", engines=PODMAN),
    case("engine-running", FAILURE, "enable --now docker", engines=_docker(None)),
    case("engine-running", UNKNOWN, "sudo", engines=_docker(DENIED)),
    case("engine-running", UNKNOWN, "output", engines=Engines(BROKEN, None)),
    case("engine-running", SKIPPED, "no container engine", engines=NO_ENGINE),
    case("docker-live-restore", OK, "on", engines=_docker()),
    case("docker-live-restore", WARNING, "daemon.json", engines=_docker(live_restore=False)),
    case("docker-live-restore", UNKNOWN, "sudo", engines=_docker(DENIED)),
    case("docker-live-restore", UNKNOWN, "output", engines=Engines(BROKEN, None)),
    case("docker-live-restore", SKIPPED, "not running", engines=_docker(None)),
    case("docker-live-restore", SKIPPED, "not installed", engines=PODMAN),
]

SPEC = CdiSpec("/etc/cdi/nvidia.yaml", frozenset({"0", "all", A}), frozenset({"550.54.14"}))
LINKED = (DeviceNode("/dev/nvidia0", True), DeviceNode("/dev/nvidiactl", True))
BARE = (DeviceNode("/dev/nvidia0", False), DeviceNode("/dev/nvidiactl", True))
ACCESS = GpuAccess((1, 17, 8), (SPEC,), BARE)
NO_SPEC = replace(ACCESS, specs=())
STALE = replace(ACCESS, specs=(replace(SPEC, driver_versions=frozenset({"535.54.03"})),))
BY_INDEX = replace(ACCESS, specs=(replace(SPEC, devices=frozenset({"0", "all"})),))


def _spec_case(verdict: str, says: str, **changed: object) -> Case:
    topics = {"access": ACCESS, "engines": _docker(), "driver": DRIVER, "nvml": NVML, **changed}
    return Case("cdi-spec", verdict, says, topics)


def _loss_case(verdict: str, says: str, engines: Engines, access: GpuAccess = NO_SPEC) -> Case:
    return Case("gpu-loss-on-reload", verdict, says, {"access": access, "engines": engines})


CDI_OFF = _docker(cdi_directories=())

ACCESS_CASES = [
    case("container-toolkit", OK, "1.17.8", access=ACCESS),
    case("container-toolkit", FAILURE, "CVE-2025", access=replace(ACCESS, toolkit=(1, 17, 4))),
    case("container-toolkit", FAILURE, "not installed", access=replace(ACCESS, toolkit=None)),
    case("container-toolkit", UNKNOWN, "output", access=replace(ACCESS, toolkit=BROKEN)),
    _spec_case(OK, "1 GPUs by UUID"),
    _spec_case(OK, "1 GPUs", engines=Engines(Docker((28, 2), replace(SERVER)), (4, 9))),
    _spec_case(FAILURE, "no file", access=NO_SPEC),
    _spec_case(FAILURE, "535.54.03, 550.54.14 is loaded", access=STALE),
    _spec_case(FAILURE, "does not name NVIDIA H100", access=BY_INDEX),
    _spec_case(WARNING, "switched off", engines=CDI_OFF),
    _spec_case(UNKNOWN, "does not say which", nvml=NO_NVML),
    _spec_case(UNKNOWN, "sudo", access=replace(ACCESS, specs=DENIED)),
    _spec_case(SKIPPED, "no driver", driver=NO_DRIVER),
    _loss_case(OK, "podman", PODMAN),
    _loss_case(OK, "cgroupfs", _docker(cgroup_driver="cgroupfs", cdi_directories=())),
    _loss_case(OK, "uses CDI", _docker(), ACCESS),
    _loss_case(OK, "/dev/char leads", CDI_OFF, replace(NO_SPEC, nodes=LINKED)),
    _loss_case(WARNING, "lacks /dev/nvidia0", CDI_OFF),
    _loss_case(WARNING, "cdi.enabled", _docker()),
    _loss_case(WARNING, "71-nvidia-dev-char.rules", _docker(version=(20, 10), cdi_directories=())),
    _loss_case(UNKNOWN, "sudo", _docker(DENIED)),
    _loss_case(UNKNOWN, "sudo", _docker(), replace(NO_SPEC, nodes=DENIED)),
    _loss_case(SKIPPED, "no NVIDIA device", _docker(), replace(NO_SPEC, nodes=())),
    _loss_case(SKIPPED, "not installed", NO_ENGINE),
]


def _ufw_case(verdict: str, says: str, ufw: object, engines: Engines) -> Case:
    topics = {"firewall": Firewall(ufw), "engines": engines, "settings": SETTINGS}  # type: ignore[arg-type]
    return Case("docker-around-ufw", verdict, says, topics)


UFW_CASES = [
    _ufw_case(OK, "not installed", None, _docker()),
    _ufw_case(OK, "off", False, _docker()),
    _ufw_case(WARNING, "ufw allow 11000:11002/tcp", True, _docker()),
    _ufw_case(UNKNOWN, "sudo", DENIED, _docker()),
    _ufw_case(SKIPPED, "not installed", True, PODMAN),
]

CASES: list[Case] = [*ENGINE_CASES, *ACCESS_CASES, *UFW_CASES]
