"""Ask docker and podman for what `polarisctl.doctor.engine` judges."""

from __future__ import annotations

import json

from polarisctl.doctor.edge import Edge
from polarisctl.doctor.engine import Docker, DockerServer, Engines, is_podman, read_docker_info
from polarisctl.doctor.versions import Version, find_version
from polarisd.api.reading import READ_ERROR, Reading, Unknown


def gather_engines(edge: Edge) -> Engines:
    return Engines(docker=_docker(edge), podman=_podman(edge))


def _docker(edge: Edge) -> Reading[Docker | None]:
    ran = edge.run("docker", "--version")
    if ran is None or isinstance(ran, Unknown):
        return ran
    if is_podman(ran.stdout):
        return None
    return Docker(find_version(ran.stdout, after="version"), _server(edge))


def _server(edge: Edge) -> Reading[DockerServer | None]:
    ran = edge.run("docker", "info", "--format", "{{json .}}")
    if ran is None or isinstance(ran, Unknown):
        return ran
    try:
        info = json.loads(ran.stdout)
    except (ValueError, RecursionError):
        info = {}
    return read_docker_info(info, ran.stderr)


def _podman(edge: Edge) -> Reading[Version | None]:
    ran = edge.run("podman", "--version")
    if ran is None or isinstance(ran, Unknown):
        return ran
    version = find_version(ran.stdout, after="version")
    return version or Unknown(READ_ERROR, f"podman --version ended with {ran.status}")
