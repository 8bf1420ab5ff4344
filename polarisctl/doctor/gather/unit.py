"""Ask systemd about polarisd's unit, for `polarisctl.doctor.unit`."""

from __future__ import annotations

from polarisctl.doctor.edge import Edge
from polarisctl.doctor.limits import SERVICE_UNIT
from polarisctl.doctor.system import System
from polarisctl.doctor.unit import Unit, parse_properties
from polarisd.api.reading import READ_ERROR, Reading, Unknown

PROPERTIES = "LoadState,UnitFileState,ActiveState,SubState,Result,NRestarts,ExecMainStatus"


def gather_unit(edge: Edge, system: System) -> Unit:
    return Unit(SERVICE_UNIT, _properties(edge) if system.systemd_booted else None)


def _properties(edge: Edge) -> Reading[dict[str, str] | None]:
    ran = edge.run("systemctl", "show", SERVICE_UNIT, f"--property={PROPERTIES}")
    if ran is None:
        return Unknown(READ_ERROR, "systemctl is not installed")
    if isinstance(ran, Unknown):
        return ran
    if ran.status != 0:
        said = (ran.stderr.strip() or "nothing").splitlines()[-1][:200]
        return Unknown(READ_ERROR, f"systemctl ended with {ran.status}: {said}")
    return parse_properties(ran.stdout)
