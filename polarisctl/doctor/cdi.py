"""GPUs into containers: NVIDIA's toolkit, CDI specifications, the reload hazard.  Pure.

Made by `gather.cdi`.  A CDI file is YAML or JSON; of YAML only the shape that
nvidia-ctk writes is understood (block style), which needs no YAML library.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from polarisctl.doctor import limits
from polarisctl.doctor.driver import KernelDriver, parse_driver_version, show_driver
from polarisctl.doctor.engine import DockerServer, Engines, docker_server
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown, warning
from polarisctl.doctor.nvml import Nvml
from polarisctl.doctor.versions import Version, older, show
from polarisd.api.reading import Reading, Unknown

KIND = "nvidia.com/gpu"
GENERATE = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"

_CDI_ON = (
    "sudo nvidia-ctk runtime configure --runtime=docker --cdi.enabled",
    "sudo systemctl restart docker",
)
_RULE = (
    'ACTION=="add", DEVPATH=="/bus/pci/drivers/nvidia",'
    ' RUN+="/usr/bin/nvidia-ctk system create-dev-char-symlinks --create-all"'
)
_LINK = (
    "sudo nvidia-ctk system create-dev-char-symlinks --create-all",
    f"echo '{_RULE}' | sudo tee /etc/udev/rules.d/71-nvidia-dev-char.rules",
)

_KIND_LINE = re.compile(rf"""^kind:\s*["']?{re.escape(KIND)}["']?\s*(#.*)?$""", re.MULTILINE)
_NAME_LINE = re.compile(r"""^\s*(?:-\s+)?name:\s*(?:"([^"]*)"|'([^']*)'|([^\s#]+))\s*(?:#.*)?$""")
# The driver's own libraries carry its version in their names.
_LIBRARY = re.compile(r"lib(?:cuda|nvidia-ml)\.so\.(\d+\.\d+(?:\.\d+)?)\b")


@dataclass(frozen=True, slots=True)
class CdiSpec:
    """A file that declares nvidia.com/gpu devices; `driver_versions` are of its libraries."""

    path: str
    devices: frozenset[str]
    driver_versions: frozenset[str]


@dataclass(frozen=True, slots=True)
class DeviceNode:
    """A character device of the driver; `linked` is whether /dev/char/MAJOR:MINOR is there."""

    path: str
    linked: bool


@dataclass(frozen=True, slots=True)
class GpuAccess:
    """`toolkit` is nvidia-ctk's version, None where it is not installed."""

    toolkit: Reading[Version | None]
    specs: Reading[tuple[CdiSpec, ...]]
    nodes: Reading[tuple[DeviceNode, ...]]


def parse_cdi(path: str, text: str) -> CdiSpec | None:
    """None where the file declares something other than NVIDIA GPUs."""
    versions = frozenset(_LIBRARY.findall(text))
    if text.lstrip().startswith("{"):
        names = _json_devices(text)
        return None if names is None else CdiSpec(path, names, versions)
    if not _KIND_LINE.search(text):
        return None
    return CdiSpec(path, _yaml_devices(text), versions)


def _json_devices(text: str) -> frozenset[str] | None:
    try:
        spec = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(spec, dict) or spec.get("kind") != KIND:
        return None
    devices = spec.get("devices")
    listed = devices if isinstance(devices, list) else []
    return frozenset(str(d["name"]) for d in listed if isinstance(d, dict) and "name" in d)


def _yaml_devices(text: str) -> frozenset[str]:
    """The `name:` lines between `devices:` and the next top-level key."""
    names, inside = set(), False
    for line in text.splitlines():
        if line[:1] not in ("", " ", "\t", "-", "#"):
            inside = line.startswith("devices:")
        elif inside and (match := _NAME_LINE.match(line)):
            names.add(next(group for group in match.groups() if group is not None))
    return frozenset(names)


def toolkit(access: GpuAccess) -> Finding:
    needed = f"NVIDIA Container Toolkit {show(limits.TOOLKIT_MIN)} or newer"
    version = access.toolkit
    if isinstance(version, Unknown):
        return cannot_tell("the version of nvidia-ctk", version, needed)
    if version is None:
        return failure(
            "nvidia-ctk is not installed",
            needed,
            "Add NVIDIA's package repository (https://docs.nvidia.com/datacenter/cloud-native/"
            "container-toolkit/latest/install-guide.html), then:",
            "sudo apt-get install nvidia-container-toolkit",
        )
    if older(version, limits.TOOLKIT_MIN):
        return failure(
            f"{show(version)}: an image can break out of its container (CVE-2025-23266)",
            needed,
            "Upgrade it:",
            "sudo apt-get update",
            "sudo apt-get install --only-upgrade nvidia-container-toolkit",
            GENERATE,
        )
    return ok(show(version))


def cdi(access: GpuAccess, engines: Engines, driver: KernelDriver, nvml: Reading[Nvml]) -> Finding:
    """A specification that an engine uses, of this driver, that names every GPU by UUID."""
    needed = f"a CDI specification of {KIND} that names every GPU by UUID"
    if not driver.loaded:
        return skipped("no driver is loaded")
    if isinstance(access.specs, Unknown):
        return cannot_tell("/etc/cdi and /var/run/cdi", access.specs, needed)
    if not access.specs:
        return failure(
            f"no file in /etc/cdi or /var/run/cdi declares {KIND}", needed, "Generate it:", GENERATE
        )
    paths = ", ".join(spec.path for spec in access.specs)
    if stale := _stale(access.specs, driver):
        return failure(stale, "one of the driver that is loaded", "Generate it anew:", GENERATE)
    if cdi_is_off(engines):
        return warning(
            f"{paths}, but Docker has CDI switched off",
            "CDI switched on in Docker",
            "Switch it on:",
            *_CDI_ON,
        )
    if isinstance(nvml, Unknown) or nvml.state != "ok":
        return unknown(f"{paths}; NVML does not say which GPUs it should name", needed)
    named = frozenset[str]().union(*(spec.devices for spec in access.specs))
    if absent := [gpu.label() for gpu in nvml.gpus if gpu.state == "ok" and gpu.uuid not in named]:
        return failure(
            f"{paths} does not name {', '.join(absent)}",
            needed,
            "Generate it anew:",
            f"{GENERATE} --device-name-strategy=index --device-name-strategy=uuid",
        )
    return ok(f"{paths}, {len(nvml.gpus)} GPUs by UUID")


def _stale(specs: tuple[CdiSpec, ...], driver: KernelDriver) -> str:
    """What is wrong when a specification names another driver's libraries; else empty."""
    text = driver.version_text
    loaded = parse_driver_version(text) if isinstance(text, str) else None
    for spec in specs:
        if loaded and spec.driver_versions and not _is_among(loaded, spec.driver_versions):
            others = ", ".join(sorted(spec.driver_versions))
            return f"{spec.path} is of driver {others}, {show_driver(loaded)} is loaded"
    return ""


def _is_among(loaded: Version, texts: frozenset[str]) -> bool:
    """Whether `loaded` is among the versions, "535.54.03" being (535, 54, 3)."""
    return any(tuple(int(part) for part in text.split(".")) == loaded for text in texts)


def cdi_is_off(engines: Engines) -> bool:
    """Whether the only engine is a Docker that knows CDI and does not use it."""
    if isinstance(engines.podman, tuple) and not older(engines.podman, limits.PODMAN_CDI):
        return False
    docker = engines.docker
    server = None if docker is None or isinstance(docker, Unknown) else docker.server
    if not isinstance(server, DockerServer) or server.version is None:
        return False
    return not older(server.version, limits.DOCKER_CDI) and not server.cdi_directories


def gpu_loss(access: GpuAccess, engines: Engines) -> Finding:
    """Whether `systemctl daemon-reload` can take the GPUs from running containers.

    The legacy runtime adds devices behind the cgroup manager's back; when that is
    systemd, a reload rebuilds the rules from what it knows.  It knows the devices
    with CDI, and where /dev/char leads to them.
    """
    needed = "CDI, the cgroupfs driver, or /dev/char links to every NVIDIA device"
    if isinstance(access.nodes, Unknown):
        return cannot_tell("/dev", access.nodes, needed)
    if not access.nodes:
        return skipped("there is no NVIDIA device")
    if engines.docker is None and isinstance(engines.podman, tuple):
        return ok("podman hands GPUs over by CDI")
    server = docker_server(engines, needed)
    if isinstance(server, Finding):
        return server
    if server.cgroup_driver and server.cgroup_driver != "systemd":
        return ok(f"Docker's cgroup driver is {server.cgroup_driver}")
    if server.cdi_directories and access.specs and not isinstance(access.specs, Unknown):
        return ok("Docker uses CDI")
    bare = [node.path for node in access.nodes if not node.linked]
    if not bare:
        return ok("/dev/char leads to every NVIDIA device")
    found = f"Docker uses systemd's cgroups without CDI, and /dev/char lacks {', '.join(bare)}"
    if server.version is None or older(server.version, limits.DOCKER_CDI):
        # This Docker does not know CDI.
        return warning(found, needed, "Make the links, now and at every start:", *_LINK)
    return warning(found, needed, "Generate a specification and switch CDI on:", GENERATE, *_CDI_ON)
