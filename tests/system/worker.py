"""Workers of a box: asked for through the socket, as polarisd does, and looked at in systemd."""

from __future__ import annotations

import json
from typing import Any

from tests.system.box import Box, wait_for
from tests.system.box.machine import Done

SOCKET = "polaris-worker.socket"
PATH = "/run/polaris-worker.sock"
PLACE = "/srv/ask-worker.py"

# Sends a job, if it is given one, and prints each frame as a line of JSON until the worker ends.
ASK = f"""
import json, socket, sys
sys.path[:0] = ["/usr/lib/polaris/app", "/usr/lib/polaris/vendor"]
import msgpack
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(50)
connection.connect({PATH!r})
if sys.argv[1:]:
    connection.sendall(msgpack.packb(json.loads(sys.argv[1])))
unpacker = msgpack.Unpacker()
while data := connection.recv(1 << 16):
    unpacker.feed(data)
    for frame in filter(None, unpacker):
        print(json.dumps(frame, default=repr), flush=True)
"""

# Whether another worker could be had.
CONNECT = f"import socket; socket.socket(socket.AF_UNIX).connect({PATH!r})"


def ask(box: Box, job: dict[str, object], user: str = "polaris") -> Done:
    box.write(PLACE, ASK)
    return box.run("python3", "-IS", PLACE, json.dumps(job), check=False, user=user)


def frames(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def hold(box: Box) -> str:
    """A connection that asks for nothing and stays, in a unit called holder; its worker's unit."""
    box.write(PLACE, ASK)
    box.run("systemd-run", "--unit=holder", "--collect", "--uid=polaris", "python3", "-IS", PLACE)
    (unit,) = wait_for("the worker", lambda: running(box))
    wait_for("its start", lambda: box.show(unit, "ActiveState") == "active")
    return unit


def inside(box: Box, pid: str, *argv: str, check: bool = False) -> Done:
    """Run a command as a worker's process would: as its user and in its namespaces."""
    user, group = (box.run("id", flag, "polaris").stdout.strip() for flag in ("-u", "-g"))
    enter = ("nsenter", "--target", pid, "--user", "--net", "--mount", "--ipc")
    return box.run(*enter, "--setuid", user, "--setgid", group, "--", *argv, check=check)


def let_go(box: Box) -> None:
    box.run("systemctl", "stop", "holder", check=False)
    wait_for("the worker's end", lambda: not running(box))


def running(box: Box) -> list[str]:
    """Names of the units of workers, failed ones too."""
    listed = box.run(
        "systemctl", "list-units", "--all", "--plain", "--no-legend", "polaris-worker@*"
    )
    return [line.split()[0] for line in listed.stdout.splitlines()]
