"""Ask the daemon, in one session: who are you, how is the machine, what is set."""

from __future__ import annotations

from typing import Any

from polarisctl.client import Client
from polarisctl.doctor.daemon import Daemon, Refusal
from polarisctl.doctor.edge import Edge
from polarisd.api.errors import ControlError


def gather_daemon(edge: Edge) -> Daemon:
    path = edge.socket_path
    try:
        with Client(path, deadline_s=edge.deadline_s) as client:
            snapshot = _ask(client, "snapshot")
            if not client.hello:
                # Nothing was said but the refusal, so nothing more will be.
                assert isinstance(snapshot, Refusal)
                return Daemon(path, snapshot, snapshot, snapshot)
            return Daemon(path, client.hello, snapshot, _ask(client, "config"))
    except ControlError as error:
        refusal = _refusal(error)
        return Daemon(path, refusal, refusal, refusal)


def _ask(client: Client, method: str) -> dict[str, Any] | Refusal:
    try:
        return client.call(method)
    except ControlError as error:
        return _refusal(error)


def _refusal(error: ControlError) -> Refusal:
    return Refusal(error.code, error.message, error.hint)
