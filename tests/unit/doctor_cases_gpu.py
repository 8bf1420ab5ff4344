"""Cases of the doctor's rows about GPUs and containers."""

from __future__ import annotations

from dataclasses import replace

from polarisctl.doctor.cdi import CdiSpec, DeviceNode, GpuAccess
from polarisctl.doctor.driver import KernelDriver, KernelGpu
from polarisctl.doctor.engine import Docker, DockerServer, Engines
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING
from polarisctl.doctor.hardware import Hardware
from polarisctl.doctor.limits import GIB
from polarisctl.doctor.network import Firewall
from polarisctl.doctor.nvml import Nvml, NvmlGpu
from polarisd.api.reading import NOT_READ_YET, NOT_SUPPORTED, Unknown
from tests.unit.doctor_cases_machine import BROKEN, DENIED, SETTINGS, SYSTEM
from tests.unit.doctor_support import Case, case

A = "GPU-11111111-2222-3333-4444-555555555555"
B = "GPU-66666666-7777-8888-9999-000000000000"
VERSION_TEXT = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22 2024\n"
OLD_TEXT = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.82.01  Wed Oct 27 2021\n"

DRIVER = KernelDriver(
    version_text=VERSION_TEXT,
    modules=frozenset({"nvidia", "nvidia_uvm"}),
    pci_gpus=("0000:65:00.0",),
    gpus=(KernelGpu("0000:65:00.0", "NVIDIA H100", A, excluded=False),),
)
NO_DRIVER = KernelDriver(None, frozenset(), ("0000:65:00.0",), ())
NO_GPU = KernelDriver(None, frozenset(), (), ())
NOUVEAU = frozenset({"nouveau"})

DRIVER_CASES = [
    case("gpu-hardware", OK, "1: 0000:65:00.0", driver=DRIVER),
    case("gpu-hardware", OK, "1: 0000:65:00.0", driver=replace(DRIVER, pci_gpus=())),
    case("gpu-hardware", FAILURE, "lspci", driver=NO_GPU),
    case("gpu-hardware", UNKNOWN, "sudo", driver=replace(DRIVER, pci_gpus=DENIED)),
    case("nouveau", OK, "not loaded", driver=DRIVER),
    case("nouveau", WARNING, "beside", driver=replace(DRIVER, modules=NOUVEAU)),
    case("nouveau", FAILURE, "blacklist", driver=replace(NO_DRIVER, modules=NOUVEAU)),
    case("nouveau", UNKNOWN, "sudo", driver=replace(NO_DRIVER, modules=DENIED)),
    case("driver-loaded", OK, "550.54.14", driver=DRIVER, system=SYSTEM),
    case("driver-loaded", FAILURE, "nvidia-driver", driver=NO_DRIVER, system=SYSTEM),
    case("driver-loaded", UNKNOWN, "sudo", driver=replace(DRIVER, version_text=DENIED)),
    case("driver-loaded", SKIPPED, "no NVIDIA GPU", driver=NO_GPU),
    case("driver-version", OK, "550.54.14", driver=DRIVER),
    case("driver-version", FAILURE, "470.82.01", driver=replace(DRIVER, version_text=OLD_TEXT)),
    case("driver-version", UNKNOWN, "no version", driver=replace(DRIVER, version_text="odd")),
    case("driver-version", SKIPPED, "no driver", driver=NO_DRIVER),
    case("nvidia-uvm", OK, "loaded", driver=DRIVER),
    case("nvidia-uvm", WARNING, "modprobe", driver=replace(DRIVER, modules=frozenset())),
    case("nvidia-uvm", UNKNOWN, "sudo", driver=replace(DRIVER, modules=DENIED)),
    case("nvidia-uvm", SKIPPED, "no driver", driver=NO_DRIVER),
]

GPU = NvmlGpu(A, "ok", "NVIDIA H100", "00000000:65:00.0", 80 * GIB, True)
NVML = Nvml("polarisd", "ok", "", "550.54.14", "12.550.54.14", (GPU,))
NO_NVML = Unknown("read_error", "polarisd neither answers nor is installed")
BLIND = Nvml("polarisd", "failed", "Unknown Error", BROKEN, BROKEN, ())
SILENT = Unknown(NOT_READ_YET)


def _gpus(*gpus: NvmlGpu) -> Nvml:
    return replace(NVML, gpus=gpus)


def _state(state: str) -> Nvml:
    return replace(BLIND, state=state)


NVML_CASES = [
    case("nvml", OK, "550.54.14", nvml=NVML, driver=DRIVER),
    case("nvml", FAILURE, "reboot", nvml=_state("mismatched"), driver=DRIVER),
    case("nvml", FAILURE, "missing", nvml=_state("absent"), driver=DRIVER),
    case("nvml", FAILURE, "may not use", nvml=_state("forbidden"), driver=DRIVER),
    case("nvml", FAILURE, "Unknown Error", nvml=BLIND, driver=DRIVER),
    case("nvml", UNKNOWN, "not answered", nvml=_state("starting"), driver=DRIVER),
    case("nvml", UNKNOWN, "neither answers", nvml=NO_NVML, driver=DRIVER),
    case("nvml", SKIPPED, "no driver", nvml=NO_NVML, driver=NO_DRIVER),
    case("nvml", SKIPPED, "no driver", nvml=_state("absent"), driver=NO_DRIVER),
    case("gpus-agree", OK, "1 in both", nvml=NVML, driver=DRIVER),
    case(
        "gpus-agree",
        OK,
        "0 in both",
        nvml=_gpus(),
        driver=replace(DRIVER, gpus=(KernelGpu("0000:65:00.0", "", "", excluded=True),)),
    ),
    case("gpus-agree", FAILURE, "the kernel has 0000:65:00.0", nvml=_gpus(), driver=DRIVER),
    case(
        "gpus-agree",
        FAILURE,
        "the kernel has",
        nvml=_gpus(replace(GPU, state="lost")),
        driver=DRIVER,
    ),
    case("gpus-agree", WARNING, "NVML has 0000:65", nvml=NVML, driver=replace(DRIVER, gpus=())),
    case("gpus-agree", UNKNOWN, "neither answers", nvml=NO_NVML, driver=DRIVER),
    case("gpus-agree", UNKNOWN, "is failed", nvml=BLIND, driver=DRIVER),
    case("gpus-agree", UNKNOWN, "sudo", nvml=NVML, driver=replace(DRIVER, gpus=DENIED)),
    case(
        "gpus-agree",
        UNKNOWN,
        "no PCI address",
        nvml=_gpus(replace(GPU, pci_bus_id=SILENT)),
        driver=DRIVER,
    ),
    case("gpus-agree", SKIPPED, "no driver", nvml=NVML, driver=NO_DRIVER),
    case("gpu-memory", OK, "80.0 GiB", nvml=NVML, driver=DRIVER),
    # A 4 GB card with ECC or a display shows less than 4 GiB.
    case(
        "gpu-memory", OK, "3.6", nvml=_gpus(replace(GPU, vram_bytes=3_900_000_000)), driver=DRIVER
    ),
    case(
        "gpu-memory",
        FAILURE,
        f'withhold = ["{B}"]',
        nvml=_gpus(GPU, replace(GPU, uuid=B, vram_bytes=2 * GIB)),
        driver=DRIVER,
    ),
    case(
        "gpu-memory", UNKNOWN, "no size", nvml=_gpus(replace(GPU, vram_bytes=SILENT)), driver=DRIVER
    ),
    case("gpu-memory", UNKNOWN, "neither answers", nvml=NO_NVML, driver=DRIVER),
    case("gpu-memory", SKIPPED, "no GPU", nvml=BLIND, driver=DRIVER),
    case("gpu-memory", SKIPPED, "no driver", nvml=NO_NVML, driver=NO_DRIVER),
    case("persistence-mode", OK, "1 of 1", nvml=NVML, driver=DRIVER),
    case(
        "persistence-mode",
        WARNING,
        "nvidia-persistenced",
        nvml=_gpus(replace(GPU, persistence_mode=False)),
        driver=DRIVER,
    ),
    case(
        "persistence-mode",
        UNKNOWN,
        "not given",
        nvml=_gpus(replace(GPU, persistence_mode=Unknown(NOT_SUPPORTED))),
        driver=DRIVER,
    ),
    case("persistence-mode", SKIPPED, "no GPU", nvml=_gpus(), driver=DRIVER),
]


def _memory(gib: float) -> Hardware:
    return Hardware(8, int(gib * GIB))


MEMORY_CASES = [
    Case("memory-for-gpus", OK, "beside 80.0", {"nvml": NVML, "driver": DRIVER, "hardware": size})
    for size in (_memory(128), _memory(75))
] + [
    case("memory-for-gpus", WARNING, "64.0 GiB", nvml=NVML, driver=DRIVER, hardware=_memory(64)),
    case(
        "memory-for-gpus", UNKNOWN, "sudo", nvml=NVML, driver=DRIVER, hardware=Hardware(8, DENIED)
    ),
    case(
        "memory-for-gpus",
        UNKNOWN,
        "size of a GPU",
        nvml=_gpus(replace(GPU, vram_bytes=SILENT)),
        driver=DRIVER,
        hardware=_memory(64),
    ),
    case("memory-for-gpus", SKIPPED, "no driver", nvml=NO_NVML, driver=NO_DRIVER),
]

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

CASES: list[Case] = [
    *DRIVER_CASES,
    *NVML_CASES,
    *MEMORY_CASES,
    *ENGINE_CASES,
    *ACCESS_CASES,
    *UFW_CASES,
]
