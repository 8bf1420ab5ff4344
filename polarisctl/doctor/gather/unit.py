"""Ask systemd about polarisd's units, for `polarisctl.doctor.unit`."""

from __future__ import annotations

from polarisctl.doctor.edge import Edge
from polarisctl.doctor.limits import SERVICE_UNIT, WORKER_SOCKET
from polarisctl.doctor.system import System
from polarisctl.doctor.unit import Unit, parse_properties
from polarisd.api.reading import READ_ERROR, Reading, Unknown

PROPERTIES = "LoadState,UnitFileState,ActiveState,SubState,Result,NRestarts,ExecMainStatus"


def gather_unit(edge: Edge, system: System) -> Unit:
    return _unit(edge, SERVICE_UNIT, system)


def gather_worker_socket(edge: Edge, system: System) -> Unit:
    return _unit(edge, WORKER_SOCKET, system)


def _unit(edge: Edge, name: str, system: System) -> Unit:
    return Unit(name, _properties(edge, name) if system.systemd_booted else None)


def _properties(edge: Edge, name: str) -> Reading[dict[str, str] | None]:
    ran = edge.run("systemctl", "show", name, f"--property={PROPERTIES}")
    if ran is None:
        return Unknown(READ_ERROR, "systemctl is not installed")
    if isinstance(ran, Unknown):
        return ran
    if ran.status != 0:
        said = (ran.stderr.strip() or "nothing").splitlines()[-1][:200]
        return Unknown(READ_ERROR, f"systemctl ended with {ran.status}: {said}")
    return parse_properties(ran.stdout)
