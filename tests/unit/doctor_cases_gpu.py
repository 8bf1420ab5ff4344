"""Cases of the doctor's rows about GPUs and what computes on them."""

from __future__ import annotations

from dataclasses import replace

from polarisctl.doctor.driver import KernelDriver, KernelGpu
from polarisctl.doctor.finding import FAILURE, OK, SKIPPED, UNKNOWN, WARNING
from polarisctl.doctor.gpu_stack import GpuStack
from polarisctl.doctor.hardware import Hardware
from polarisctl.doctor.limits import GIB
from polarisctl.doctor.nvml import Nvml, NvmlGpu
from polarisd.api.reading import NOT_READ_YET, NOT_SUPPORTED, Unknown
from polarisd.bench.stack import Flaw, Stack
from tests.unit.doctor_cases_machine import BROKEN, DENIED, SYSTEM
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

STACK = GpuStack(
    tag="cp311",
    found=Stack("/s", "id", (), {"cupy-cuda12x": "14.2.0"}, "polarisctl gpu-setup"),
    flaws=(),
    others=(),
)
NO_STACK = replace(STACK, found=None)
FLAW = Flaw("/s/cp311", "it is for cp310", "polarisctl gpu-setup")
OF_THE_PACKAGE = replace(FLAW, origin="the package polaris-gpu")


def _stack_case(verdict: str, says: str, stack: GpuStack, driver: KernelDriver = DRIVER) -> Case:
    return case("gpu-stack", verdict, says, gpu_stack=stack, driver=driver)


STACK_CASES = [
    _stack_case(OK, "cupy-cuda12x 14.2.0; from polarisctl gpu-setup", STACK),
    _stack_case(OK, "14.2.0", STACK, NO_DRIVER),
    _stack_case(FAILURE, "470.82.01 is too old", STACK, replace(DRIVER, version_text=OLD_TEXT)),
    _stack_case(FAILURE, "sudo polarisctl gpu-setup", replace(NO_STACK, flaws=(FLAW,))),
    _stack_case(FAILURE, "reinstall polaris-gpu", replace(NO_STACK, flaws=(OF_THE_PACKAGE,))),
    _stack_case(WARNING, "one for cp310 alone", replace(NO_STACK, others=("cp310",))),
    _stack_case(WARNING, "sudo polarisctl gpu-setup", NO_STACK),
    _stack_case(SKIPPED, "no NVIDIA GPU", NO_STACK, NO_GPU),
]

CASES: list[Case] = [
    *DRIVER_CASES,
    *NVML_CASES,
    *MEMORY_CASES,
    *STACK_CASES,
]
