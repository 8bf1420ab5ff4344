"""NVML's view for `polarisctl.doctor.nvml`: from the daemon, else by `polarisd --probe`."""

from __future__ import annotations

import json

from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.nvml import Nvml, read_nvml
from polarisd.api.reading import READ_ERROR, Reading, Unknown

# Without persistence mode the driver starts each GPU anew, a second or more apiece.
PROBE_DEADLINE_S = 15.0


def gather_nvml(edge: Edge, daemon: Daemon) -> Reading[Nvml]:
    if isinstance(daemon.snapshot, dict):
        return read_nvml("polarisd", daemon.snapshot.get("driver"), daemon.snapshot.get("gpus"))
    ran = edge.run("polarisd", "--probe", deadline_s=PROBE_DEADLINE_S)
    if ran is None:
        return Unknown(READ_ERROR, "polarisd neither answers nor is installed")
    if isinstance(ran, Unknown):
        return ran
    try:
        found = json.loads(ran.stdout)
    except (ValueError, RecursionError):
        said = (ran.stderr.strip() or ran.stdout.strip() or "nothing").splitlines()[-1][:200]
        return Unknown(READ_ERROR, f"polarisd --probe ended with {ran.status}: {said}")
    if not isinstance(found, dict):
        return Unknown(READ_ERROR, "polarisd --probe printed no map")
    return read_nvml("polarisd --probe", found.get("driver"), found.get("gpus"))
