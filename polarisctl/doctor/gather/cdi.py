"""Read nvidia-ctk's version, CDI files and device nodes for `polarisctl.doctor.cdi`."""

from __future__ import annotations

import os
import re
import stat

from polarisctl.doctor.cdi import CdiSpec, DeviceNode, GpuAccess, parse_cdi
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.versions import Version, find_version
from polarisd.api.reading import READ_ERROR, Reading, Unknown

# Where both engines look unless told otherwise.
DIRECTORIES = ("/etc/cdi", "/var/run/cdi")
_NODE = re.compile(r"nvidia(\d+|ctl|-uvm|-uvm-tools|-modeset)")


def gather_gpu_access(edge: Edge) -> GpuAccess:
    return GpuAccess(toolkit=_toolkit(edge), specs=_specs(edge), nodes=_nodes(edge))


def _toolkit(edge: Edge) -> Reading[Version | None]:
    ran = edge.run("nvidia-ctk", "--version")
    if ran is None or isinstance(ran, Unknown):
        return ran
    version = find_version(ran.stdout, after="version")
    return version or Unknown(READ_ERROR, f"nvidia-ctk --version ended with {ran.status}")


def _specs(edge: Edge) -> Reading[tuple[CdiSpec, ...]]:
    found = []
    for directory in DIRECTORIES:
        names = edge.list_names(directory)
        if isinstance(names, Unknown):
            return names
        for name in names or ():
            if not name.endswith((".yaml", ".yml", ".json")):
                continue
            text = edge.read_text(f"{directory}/{name}")
            if isinstance(text, Unknown):
                return text
            if text is not None and (spec := parse_cdi(f"{directory}/{name}", text)):
                found.append(spec)
    return tuple(found)


def _nodes(edge: Edge) -> Reading[tuple[DeviceNode, ...]]:
    names = edge.list_names("/dev")
    if isinstance(names, Unknown):
        return names
    nodes = []
    for name in names or ():
        status = edge.stat(f"/dev/{name}") if _NODE.fullmatch(name) else None
        if isinstance(status, os.stat_result) and stat.S_ISCHR(status.st_mode):
            number = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
            # lstat: a link is there even if it leads out of `root`.
            linked = os.path.lexists(edge.at(f"/dev/char/{number}"))
            nodes.append(DeviceNode(f"/dev/{name}", linked))
    return tuple(nodes)
