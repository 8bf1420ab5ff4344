"""Have polarisd check its configuration file, for `polarisctl.doctor.config`."""

from __future__ import annotations

import json

from polarisctl.doctor.config import Checked, Config, read_checked
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.edge import Edge
from polarisctl.doctor.limits import DEFAULT_CONFIG_PATH
from polarisd.api.reading import READ_ERROR, Reading, Unknown


def gather_config(edge: Edge, daemon: Daemon) -> Config:
    path = edge.config_path or _path_of(daemon) or DEFAULT_CONFIG_PATH
    # Read here as well: that we may not read it is not a problem of the file.
    text = edge.read_text(path)
    if text is None:
        return Config(path, False, None)
    if isinstance(text, Unknown):
        return Config(path, text, text)
    return Config(path, True, _check(edge, path))


def _path_of(daemon: Daemon) -> str:
    path = daemon.config.get("path") if isinstance(daemon.config, dict) else None
    return path if isinstance(path, str) else ""


def _check(edge: Edge, path: str) -> Reading[Checked | None]:
    ran = edge.run("polarisd", "--check-config", str(edge.at(path)), "--json")
    if ran is None or isinstance(ran, Unknown):
        return ran
    try:
        return read_checked(json.loads(ran.stdout))
    except (ValueError, RecursionError):
        said = (ran.stderr.strip() or "nothing").splitlines()[-1][:200]
        return Unknown(READ_ERROR, f"polarisd --check-config ended with {ran.status}: {said}")
