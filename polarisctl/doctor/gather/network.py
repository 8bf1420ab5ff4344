"""Try the ports, find who holds them, read ufw's switch, for `polarisctl.doctor.network`.

A port is tried by binding it for an instant on every address, as the daemon
would; nothing listens meanwhile.
"""

from __future__ import annotations

import errno
import os
import socket

from polarisctl import values
from polarisctl.doctor.config import Settings
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.edge import Edge, unknown_from
from polarisctl.doctor.network import (
    Firewall,
    Holder,
    Port,
    Ports,
    parse_listeners,
    parse_ufw,
    parse_unit,
)
from polarisd.api.reading import Reading, Unknown

ANYWHERE = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))


def gather_ports(edge: Edge, settings: Settings, daemon: Daemon) -> Ports:
    numbers = (settings.api_port, *settings.ssh_ports)
    taken = {number: is_taken(number) for number in numbers}
    holders = _holders(edge, [number for number in numbers if taken[number] is True])
    ports = {number: Port(number, taken[number], holders.get(number)) for number in numbers}
    pid = daemon.hello.get("pid") if isinstance(daemon.hello, dict) else None
    return Ports(
        settings=settings,
        api=ports[settings.api_port],
        ssh=tuple(ports[number] for number in settings.ssh_ports),
        daemon_pid=pid if isinstance(pid, int) else None,
        listens=bool(values.text(daemon.snapshot, "chain", "hotkey")),
    )


def is_taken(port: int) -> Reading[bool]:
    for family, address in ANYWHERE:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as trial:
                # As the daemon does: connections that linger after a close don't count.
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    trial.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                trial.bind((address, port))
        except OSError as problem:
            if problem.errno == errno.EADDRINUSE:
                return True
            if family == socket.AF_INET6:
                continue  # a machine without IPv6
            return unknown_from(problem)
    return False


def _holders(edge: Edge, ports: list[int]) -> dict[int, Holder]:
    """Whoever can be seen to listen on each port: with root, anybody."""
    if not ports:
        return {}
    by_inode: dict[int, int] = {}
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        text = edge.read_text(path)
        for port, inodes in parse_listeners(text if isinstance(text, str) else "").items():
            by_inode.update({inode: port for inode in inodes if port in ports})
    found: dict[int, Holder] = {}
    names = edge.list_names("/proc")
    for pid in names if isinstance(names, tuple) else ():
        if pid.isdecimal() and len(found) < len(ports):
            for port in _ports_of(edge, pid, by_inode):
                found.setdefault(port, _holder(edge, pid))
    return found


def _ports_of(edge: Edge, pid: str, by_inode: dict[int, int]) -> list[int]:
    names = edge.list_names(f"/proc/{pid}/fd")
    ports = []
    for name in names if isinstance(names, tuple) else ():
        try:
            target = os.readlink(edge.at(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue  # closed meanwhile
        if target.startswith("socket:[") and target[8:-1].isdecimal():
            port = by_inode.get(int(target[8:-1]))
            if port is not None:
                ports.append(port)
    return ports


def _holder(edge: Edge, pid: str) -> Holder:
    name, cgroup = edge.read_text(f"/proc/{pid}/comm"), edge.read_text(f"/proc/{pid}/cgroup")
    return Holder(
        pid=int(pid),
        name=name.strip() if isinstance(name, str) else "a program",
        unit=parse_unit(cgroup) if isinstance(cgroup, str) else "",
    )


def gather_firewall(edge: Edge) -> Firewall:
    text = edge.read_text("/etc/ufw/ufw.conf")
    ran = edge.run("firewall-cmd", "--state")
    firewalld = ran if ran is None or isinstance(ran, Unknown) else ran.status == 0
    return Firewall(parse_ufw(text) if isinstance(text, str) else text, firewalld)
