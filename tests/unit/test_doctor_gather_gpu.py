"""What the doctor reads of GPUs and containers: files, fake docker, podman, nvidia-ctk."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from polarisctl.doctor.cdi import CdiSpec, DeviceNode
from polarisctl.doctor.daemon import Daemon, Refusal
from polarisctl.doctor.driver import KernelDriver, KernelGpu
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.engine import Docker, DockerServer
from polarisctl.doctor.gather.cdi import gather_gpu_access
from polarisctl.doctor.gather.driver import gather_driver
from polarisctl.doctor.gather.engine import gather_engines
from polarisctl.doctor.gather.nvml import gather_nvml
from polarisctl.doctor.nvml import Nvml, NvmlGpu
from polarisd.api.encode import to_wire
from polarisd.api.reading import NO_DRIVER, NO_PERMISSION, Unknown
from tests.unit.doctor_support import edge, prints, script, tree

A = "GPU-11111111-2222-3333-4444-555555555555"
INFORMATION = f"""\
Model: \t\t NVIDIA H100 PCIe
IRQ:   \t\t 130
GPU UUID: \t {A}
Bus Type: \t PCIe
Bus Location: \t 0000:65:00.0
Device Minor: \t 0
GPU Excluded:\t No
"""


@pytest.fixture
def bins(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def here(tmp_path: Path, bins: Path) -> Edge:
    return edge(tmp_path, bin_directory=bins)


def test_driver(here: Edge, tmp_path: Path) -> None:
    pci = "/sys/bus/pci/devices"
    files = {
        "/proc/driver/nvidia/version": "NVRM version: ...",
        "/proc/driver/nvidia/gpus/0000:65:00.0/information": INFORMATION,
        "/proc/modules": "nvidia_uvm 1 0 - Live 0x0\nnvidia 1 1 nvidia_uvm, Live 0x0\n",
        f"{pci}/0000:00:00.0/vendor": "0x8086\n",
        f"{pci}/0000:00:00.0/class": "0x060000\n",
        f"{pci}/0000:65:00.0/vendor": "0x10de\n",
        f"{pci}/0000:65:00.0/class": "0x030200\n",
        f"{pci}/0000:65:00.1/vendor": "0x10de\n",  # its sound device
        f"{pci}/0000:65:00.1/class": "0x040300\n",
    }
    tree(tmp_path, files)
    assert gather_driver(here) == KernelDriver(
        version_text="NVRM version: ...",
        modules=frozenset({"nvidia", "nvidia_uvm"}),
        pci_gpus=("0000:65:00.0",),
        gpus=(KernelGpu("0000:65:00.0", "NVIDIA H100 PCIe", A, excluded=False),),
    )


def test_no_driver(here: Edge) -> None:
    driver = gather_driver(here)
    assert (driver.version_text, driver.modules, driver.gpus) == (None, frozenset(), ())
    assert isinstance(driver.pci_gpus, Unknown)


DRIVER_MAP = {"state": "ok", "detail": "", "driver_version": "550.54.14", "nvml_version": "12"}
GPU_MAP = {
    "uuid": A,
    "state": "ok",
    "identity": {"name": "H100", "pci_bus_id": "00000000:65:00.0", "vram_bytes": 1 << 36},
    "condition": {"persistence_mode": to_wire(Unknown(NO_DRIVER, "why"))},
}
REFUSED = Refusal("not_running", "nobody", "")
NO_DAEMON = Daemon("/run/x.sock", REFUSED, REFUSED, REFUSED)
SEEN = NvmlGpu(A, "ok", "H100", "00000000:65:00.0", 1 << 36, Unknown(NO_DRIVER, "why"))


def test_nvml_comes_from_the_daemon_where_it_answers(here: Edge) -> None:
    snapshot = {"driver": DRIVER_MAP, "gpus": [GPU_MAP]}
    daemon = Daemon("/run/x.sock", {}, snapshot, {})
    assert gather_nvml(here, daemon) == Nvml("polarisd", "ok", "", "550.54.14", "12", (SEEN,))


def test_nvml_comes_from_a_probe_when_the_daemon_is_down(here: Edge, bins: Path) -> None:
    prints(bins, "polarisd", json.dumps({"driver": DRIVER_MAP, "gpus": [GPU_MAP], "host": {}}))
    found = gather_nvml(here, NO_DAEMON)
    assert found == Nvml("polarisd --probe", "ok", "", "550.54.14", "12", (SEEN,))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("echo cannot load it >&2; exit 1", "ended with 1: cannot load it"),
        ("echo '[]'", "no map"),
        ("echo '{}'", "no driver"),
    ],
)
def test_a_probe_that_fails_is_unknown(here: Edge, bins: Path, body: str, says: str) -> None:
    script(bins, "polarisd", body)
    found = gather_nvml(here, NO_DAEMON)
    assert isinstance(found, Unknown)
    assert says in found.detail


def test_no_daemon_and_no_probe_is_unknown(here: Edge) -> None:
    assert isinstance(gather_nvml(here, NO_DAEMON), Unknown)


INFO = {
    "ServerVersion": "28.2.2",
    "CgroupDriver": "systemd",
    "Runtimes": {"runc": {}, "nvidia": {}},
    "CDISpecDirs": ["/etc/cdi", "/var/run/cdi"],
    "DockerRootDir": "/data/docker",
    "LiveRestoreEnabled": True,
}
DOWN = (
    "Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?"
)
DENIED = "permission denied while trying to connect to the Docker daemon socket at unix:///..."


def docker(bins: Path, info: str, said: str, status: int) -> None:
    body = (
        'if [ "$1" = --version ]; then echo "Docker version 28.2.2, build e6534b4"; exit; fi\n'
        f"cat <<'END'\n{info}\nEND\necho '{said}' >&2\nexit {status}"
    )
    script(bins, "docker", body)


def test_docker(here: Edge, bins: Path) -> None:
    docker(bins, json.dumps(INFO), "", 0)
    directories = ("/etc/cdi", "/var/run/cdi")
    server = DockerServer(
        (28, 2, 2), "systemd", ("nvidia", "runc"), directories, "/data/docker", True
    )
    engines = gather_engines(here)
    assert engines.docker == Docker((28, 2, 2), server)
    assert engines.podman is None


def test_docker_that_is_down(here: Edge, bins: Path) -> None:
    docker(bins, json.dumps(dict.fromkeys(INFO)), DOWN, 1)
    assert gather_engines(here).docker == Docker((28, 2, 2), None)


def test_docker_20_says_so_on_stdout(here: Edge, bins: Path) -> None:
    docker(bins, json.dumps({"ServerVersion": "", "ServerErrors": [DOWN]}), "", 1)
    assert gather_engines(here).docker == Docker((28, 2, 2), None)


def test_docker_that_refuses_us(here: Edge, bins: Path) -> None:
    docker(bins, "{}", DENIED, 1)
    found = gather_engines(here).docker
    assert isinstance(found, Docker)
    assert isinstance(found.server, Unknown)
    assert found.server.reason == NO_PERMISSION


def test_docker_that_prints_nonsense(here: Edge, bins: Path) -> None:
    docker(bins, "[", "", 0)
    found = gather_engines(here).docker
    assert isinstance(found, Docker)
    assert isinstance(found.server, Unknown)


def test_a_docker_that_is_podman_is_podman(here: Edge, bins: Path) -> None:
    prints(bins, "docker", "podman version 4.3.1")
    prints(bins, "podman", "podman version 4.3.1")
    engines = gather_engines(here)
    assert engines.docker is None
    assert engines.podman == (4, 3, 1)


def test_a_podman_that_fails_is_unknown(here: Edge, bins: Path) -> None:
    prints(bins, "podman", "", 125)
    assert isinstance(gather_engines(here).podman, Unknown)


def test_toolkit_and_specifications(here: Edge, bins: Path, tmp_path: Path) -> None:
    prints(bins, "nvidia-ctk", "NVIDIA Container Toolkit CLI version 1.17.8\ncommit: f202b80a")
    yaml = f'---\nkind: nvidia.com/gpu\ndevices:\n- name: "0"\n- name: {A}\n'
    files = {
        "/etc/cdi/nvidia.yaml": yaml,
        "/etc/cdi/other.yaml": "kind: example.com/net\ndevices:\n- name: x\n",
        "/etc/cdi/notes.txt": yaml,
        "/var/run/cdi/n.json": json.dumps({"kind": "nvidia.com/gpu", "devices": [{"name": "all"}]}),
    }
    tree(tmp_path, files)
    access = gather_gpu_access(here)
    assert access.toolkit == (1, 17, 8)
    assert access.specs == (
        CdiSpec("/etc/cdi/nvidia.yaml", frozenset({"0", A}), frozenset()),
        CdiSpec("/var/run/cdi/n.json", frozenset({"all"}), frozenset()),
    )
    assert access.nodes == ()


def test_nothing_of_it(here: Edge) -> None:
    access = gather_gpu_access(here)
    assert (access.toolkit, access.specs, access.nodes) == (None, (), ())


def test_a_toolkit_without_a_version_is_unknown(here: Edge, bins: Path) -> None:
    prints(bins, "nvidia-ctk", "segmentation fault", 139)
    assert isinstance(gather_gpu_access(here).toolkit, Unknown)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes device nodes")
def test_device_nodes_and_their_links(here: Edge, tmp_path: Path) -> None:
    devices = tree(tmp_path, {"/dev/nvidia1": "no device", "/dev/char/0:0": ""}) / "dev"
    try:
        # /dev/null under other names: harmless, and a real character device.
        os.mknod(devices / "nvidia0", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        os.mknod(devices / "nvidiactl", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("device nodes are forbidden here")
    (devices / "char" / "1:3").symlink_to("../nvidia0")
    nodes = gather_gpu_access(here).nodes
    assert nodes == (DeviceNode("/dev/nvidia0", True), DeviceNode("/dev/nvidiactl", False))
