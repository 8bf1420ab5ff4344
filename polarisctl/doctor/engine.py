"""The container engines: Docker and podman, their versions and settings.  Pure.

Made by `gather.engine`; the checks are declared in `table`.
"""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor import limits
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, skipped, unknown, warning
from polarisctl.doctor.versions import Version, find_version, older, show
from polarisd.api.reading import NO_PERMISSION, READ_ERROR, Reading, Unknown

DOCKER_ROOT = "/var/lib/docker"
PODMAN_ROOT = "/var/lib/containers/storage"


@dataclass(frozen=True, slots=True)
class DockerServer:
    """What `docker info` says of the engine; empty `cdi_directories` mean that CDI is off."""

    version: Version | None
    cgroup_driver: str
    runtimes: tuple[str, ...]
    cdi_directories: tuple[str, ...]
    root_directory: str
    live_restore: bool


@dataclass(frozen=True, slots=True)
class Docker:
    """`server` is None when the engine is not running."""

    version: Version | None
    server: Reading[DockerServer | None]


@dataclass(frozen=True, slots=True)
class Engines:
    """Each is None where it is not installed; podman needs no server."""

    docker: Reading[Docker | None]
    podman: Reading[Version | None]


def is_podman(version_text: str) -> bool:
    """Debian's podman-docker installs a `docker` that is podman."""
    return "podman" in version_text.lower()


def read_docker_info(info: object, said: str) -> Reading[DockerServer | None]:
    """`info` is the JSON of `docker info`, `said` its stderr.

    Without an engine to ask it prints the same map, empty, and the reason on the
    side: in ServerErrors (until 26) or on stderr.
    """
    if not isinstance(info, dict):
        return Unknown(READ_ERROR, "docker info printed no map")
    if not info.get("ServerVersion"):
        complaint = f"{info.get('ServerErrors') or ''} {said}".strip()
        if "permission denied" in complaint.lower():
            return Unknown(NO_PERMISSION, "the engine's socket")
        if "Cannot connect" in complaint or "Is the docker daemon running" in complaint:
            return None
        return Unknown(READ_ERROR, complaint[:200] or "docker info gave no reason")
    return DockerServer(
        version=find_version(str(info["ServerVersion"])),
        cgroup_driver=str(info.get("CgroupDriver", "")),
        runtimes=_names(info.get("Runtimes")),
        cdi_directories=_names(info.get("CDISpecDirs")),
        root_directory=str(info.get("DockerRootDir") or DOCKER_ROOT),
        live_restore=info.get("LiveRestoreEnabled") is True,
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(sorted(str(name) for name in value)) if isinstance(value, (list, dict)) else ()


def engine(engines: Engines) -> Finding:
    """One engine that can hand a renter exactly the GPUs that are theirs."""
    docker_min, podman_min = show(limits.DOCKER_CDI), show(limits.PODMAN_CDI)
    needed = f"Docker {docker_min} or podman {podman_min}, or newer (for CDI)"
    for name, reading in (("docker", engines.docker), ("podman", engines.podman)):
        if isinstance(reading, Unknown):
            return cannot_tell(f"the version of {name}", reading, needed)
    docker = engines.docker.version if isinstance(engines.docker, Docker) else None
    podman = engines.podman if isinstance(engines.podman, tuple) else None
    if engines.docker is None and podman is None:
        return failure("neither Docker nor podman", needed, "Install one:", *_INSTALL)
    found = " and ".join(
        f"{name} {show(version)}"
        for name, version in (("Docker", docker), ("podman", podman))
        if version
    )
    if not found:
        return unknown("Docker, of unknown version", needed)
    if docker and not older(docker, limits.DOCKER_CDI):
        return ok(found)
    if podman and not older(podman, limits.PODMAN_CDI):
        return ok(found)
    if docker and not older(docker, limits.DOCKER_GPUS):
        return warning(
            f"{found}: too old for CDI",
            needed,
            "GPUs go into containers the old way, which the check gpu-loss-on-reload is about."
            " Upgrade Docker, or add podman:",
            *_INSTALL,
        )
    return failure(
        f"{found}: too old to hand out GPUs", needed, "Upgrade the system, or:", *_INSTALL
    )


_INSTALL = ("sudo apt-get install podman",)


def running(engines: Engines) -> Finding:
    needed = "a running container engine"
    docker = engines.docker
    if isinstance(docker, Unknown):
        return cannot_tell("Docker's state", docker, needed)
    if docker is None:
        if engines.podman is None:
            return skipped("no container engine is installed")
        return ok("podman needs no daemon")
    if isinstance(docker.server, Unknown):
        return cannot_tell("Docker's state", docker.server, needed)
    if docker.server is None:
        return failure(
            "Docker is installed, its engine is not running",
            needed,
            "Start it; if it does not stay up, its log says why:",
            "sudo systemctl enable --now docker",
            "journalctl -u docker -n 50 --no-pager",
        )
    version = docker.server.version
    return ok(f"Docker engine {show(version)}" if version else "Docker engine")


def live_restore(engines: Engines) -> Finding:
    needed = "Docker's live-restore switched on"
    server = docker_server(engines, needed)
    if isinstance(server, Finding):
        return server
    if server.live_restore:
        return ok("on")
    return warning(
        "off: restarting or upgrading Docker ends every container",
        needed,
        'Put "live-restore": true into /etc/docker/daemon.json, then:',
        "sudo systemctl reload docker",
    )


def docker_server(engines: Engines, needed: str) -> DockerServer | Finding:
    """Docker's engine, or the finding that says why its settings cannot be judged."""
    docker = engines.docker
    if docker is None:
        return skipped("Docker is not installed")
    if isinstance(docker, Unknown):
        return cannot_tell("Docker's settings", docker, needed)
    if isinstance(docker.server, Unknown):
        return cannot_tell("Docker's settings", docker.server, needed)
    return docker.server or skipped("Docker's engine is not running")


def storage_directory(engines: Engines) -> str:
    """Where images and renters' files go."""
    if isinstance(engines.docker, Docker):
        server = engines.docker.server
        return server.root_directory if isinstance(server, DockerServer) else DOCKER_ROOT
    return PODMAN_ROOT if isinstance(engines.podman, tuple) else DOCKER_ROOT
