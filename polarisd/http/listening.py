"""Sockets that listen for the HTTP face; `daemon` binds them and hands them to `server`."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass

BACKLOG = 256
# No family of that kind on this machine, which is no fault where both are wanted.
_NO_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotBind:
    """`in_use`: another process has the port.  `passing`: trying again later may help."""

    why: str
    remedy: str
    in_use: bool
    passing: bool


def bind(listen_address: str, port: int) -> list[socket.socket] | CannotBind:
    """Sockets that listen on `port`: at one address, or at all of both families if it is "".

    All or none.  Port 0 takes a free one, the same for both families.
    """
    if listen_address == "":
        return _bind_all(port)
    try:
        address = ipaddress.ip_address(listen_address)
    except ValueError:
        return CannotBind(
            why=f"cannot listen on {listen_address!r}: it is not an IP address",
            remedy="correct network.listen_address, or leave it empty",
            in_use=False,
            passing=False,
        )
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        return [_bind(family, str(address), port)]
    except OSError as error:
        return _refusal(str(address), port, error)


def _bind_all(port: int) -> list[socket.socket] | CannotBind:
    bound: list[socket.socket] = []
    missing: OSError | None = None
    for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):
        try:
            bound.append(_bind(family, address, port))
            port = bound[0].getsockname()[1]
        except OSError as error:
            if error.errno not in _NO_FAMILY:
                for sock in bound:
                    sock.close()
                return _refusal(address, port, error)
            missing = error
    if missing is not None and not bound:
        return _refusal("any address", port, missing)
    return bound


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        # over the remains of our last run's connections, not over another listener
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((address, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _refusal(address: str, port: int, error: OSError) -> CannotBind:
    shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    remedy = {
        errno.EADDRINUSE: "stop the other program (sudo ss -ltnp shows it), or change ports.api",
        errno.EADDRNOTAVAIL: "no interface has this address (yet); see: ip address",
        errno.EACCES: "choose a port above 1023 for ports.api",
        errno.EAFNOSUPPORT: "this machine does not speak that family of addresses",
    }.get(error.errno or 0, "change ports.api or network.listen_address")
    return CannotBind(
        why=f"cannot listen on {shown}: {error.strerror or error}",
        remedy=remedy,
        in_use=error.errno == errno.EADDRINUSE,
        passing=error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL),
    )
