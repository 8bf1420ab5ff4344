"""The sections of polaris.toml: each key, its default and what it accepts, declared once.

Pure.  `config` reads the file into them; polaris.toml.example and the man page
polaris.toml(5) follow, and tests hold them to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Literal

from polarisd.checking import AbsolutePath, Matches, MaxItems, MaxLength, Problem, Range
from polarisd.keys import is_address
from polarisd.whereabouts import host_in, machine_address

MAX_SSH_PORTS = 256
MAX_SOCKET_PATH_BYTES = 107  # sun_path, less its end

# Their shape; whether the host can be one, `whereabouts` knows.
_NODE_URL = r"wss?://[!-~]+"
_WEB_URL = r"https?://[!-~]+"
_NODE_SCHEMES = ("ws", "wss")
WEB_SCHEMES = ("http", "https")

Port = Annotated[int, Range(1, 65535)]
Uuid = Annotated[
    str,
    Matches(
        # "MIG-GPU-.../1/0" is how drivers before 470 name a MIG device.
        r"(GPU|MIG|MIG-GPU)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[0-9]{1,3}){0,2}",
        "a UUID in small letters as `polarisctl gpus` prints it, such as "
        '"GPU-5f2c81d0-90ab-4c1e-8f02-7d3b9a6e1c44"',
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What this machine is in the network."""

    role: Literal["miner", "validator"] = "miner"
    mode: Literal["independent", "bittensor", "commune"] = "independent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The socket on which polarisctl speaks to polarisd."""

    socket_path: Annotated[str, AbsolutePath(MAX_SOCKET_PATH_BYTES)] = "/run/polaris/polarisd.sock"
    local_users_may_read: bool = False
    max_sessions: Annotated[int, Range(1, 1024)] = 64

    def problems(self) -> Iterable[Problem]:
        if self.socket_path.endswith("/"):
            yield Problem("socket_path", 'names a directory; must not end with "/"')


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where polarisd keeps what must outlive it."""

    directory: Annotated[str, AbsolutePath()] = "/var/lib/polaris"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """How the GPUs are read, and which of them are never offered."""

    sample_interval_s: Annotated[float, Range(0.1, 60)] = 1.0
    condition_interval_s: Annotated[float, Range(5, 3600)] = 30.0
    call_deadline_s: Annotated[float, Range(0.1, 60)] = 2.0
    history_s: Annotated[int, Range(60, 3600)] = 600
    withhold: Annotated[tuple[Uuid, ...], MaxItems(256)] = ()

    def problems(self) -> Iterable[Problem]:
        if self.sample_interval_s > self.condition_interval_s:
            yield Problem(
                "sample_interval_s",
                f"is {self.sample_interval_s:g}; must not be longer than"
                f" condition_interval_s, which is {self.condition_interval_s:g}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The TCP ports that this machine opens to the outside."""

    api: Port = 8000
    ssh_first: Port = 11000
    ssh_last: Port = 11002

    def problems(self) -> Iterable[Problem]:
        if self.ssh_first > self.ssh_last:
            yield Problem(
                "ssh_last",
                f"is {self.ssh_last}; must not be below ssh_first, which is {self.ssh_first}",
            )
        elif (count := self.ssh_last - self.ssh_first + 1) > MAX_SSH_PORTS:
            yield Problem(
                "ssh_last",
                f"is {self.ssh_last}, which makes {count} ports from ssh_first"
                f" ({self.ssh_first}); must make at most {MAX_SSH_PORTS}",
            )
        if self.ssh_first <= self.api <= self.ssh_last:
            yield Problem(
                "api",
                f"is {self.api}; must not be one of the SSH ports"
                f" {self.ssh_first} to {self.ssh_last}",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """The subnet that this machine belongs to, as `polarisctl register` wrote it down."""

    network: Annotated[
        str,
        Matches(
            rf"(finney|test|local|{_NODE_URL})?",
            'one of "finney", "test" and "local", or the URL of a node (ws:// or wss://)',
        ),
    ] = ""
    fallback_endpoints: Annotated[
        tuple[Annotated[str, Matches(_NODE_URL, "the URL of a node (ws:// or wss://)")], ...],
        MaxItems(8),
    ] = ()
    netuid: Annotated[int, Range(0, 65535)] = 0
    genesis_hash: Annotated[
        str, Matches("(0x[0-9a-f]{64})?", 'a hash: "0x" and 64 hexadecimal digits in small letters')
    ] = ""
    subnet_name: Annotated[str, MaxLength(256)] = ""

    def problems(self) -> Iterable[Problem]:
        if self.network and not self.netuid:
            yield Problem("netuid", "is 0; must name a subnet where network is set")
        if "://" in self.network:
            yield from _url_problems("network", self.network, _NODE_SCHEMES)
        for number, url in enumerate(self.fallback_endpoints):
            yield from _url_problems(f"fallback_endpoints[{number}]", url, _NODE_SCHEMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """How the world reaches this machine."""

    public_address: str = ""
    prefer: Literal["ipv4", "ipv6"] = "ipv4"
    echo_services: Annotated[
        tuple[Annotated[str, Matches(_WEB_URL, "a URL (http:// or https://)")], ...], MaxItems(8)
    ] = ()
    listen_address: str = ""

    def problems(self) -> Iterable[Problem]:
        for key in ("public_address", "listen_address"):
            value = getattr(self, key)
            if value and not _is_address(value):
                yield Problem(key, f'is "{value[:60]}"; must be an IP address, or "" for none')
        if _is_address(self.public_address) and machine_address(self.public_address) is None:
            yield Problem("public_address", f"is {self.public_address}, which is no machine's")
        hosts: dict[str, int] = {}
        for number, url in enumerate(self.echo_services):
            yield from _url_problems(f"echo_services[{number}]", url, WEB_SCHEMES)
            host = host_in(url, *WEB_SCHEMES)
            if host is not None and (first := hosts.setdefault(host, number)) != number:
                yield Problem(
                    f"echo_services[{number}]",
                    f"is on {host}, as echo_services[{first}] is; must be on a host of its own,"
                    " for they have to agree",
                )
        if len(self.echo_services) == 1:
            yield Problem(
                "echo_services", "has one; must have none, or two and more, for they have to agree"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Signs of life to validators."""

    interval_s: Annotated[float, Range(5, 300)] = 30.0
    validators: Annotated[tuple[str, ...], MaxItems(64)] = ()

    def problems(self) -> Iterable[Problem]:
        for number, text in enumerate(self.validators):
            if not _is_validator(text):
                yield Problem(
                    f"validators[{number}]",
                    f'is "{text[:120]}"; must be HOTKEY@ADDRESS:PORT, with an IP address',
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Commune:
    """The legacy network, through an interpreter that has its SDK."""

    python: Annotated[str, Matches("(/[^\\0]*)?", "an absolute path, or empty")] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What goes to the journal."""

    level: Literal["debug", "info", "warning", "error"] = "info"


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def _url_problems(path: str, url: str, schemes: tuple[str, ...]) -> Iterable[Problem]:
    if host_in(url, *schemes) is None:
        yield Problem(
            path,
            f'is "{url[:120]}"; must be a URL with a name or an IP address as its host, such as'
            f" {schemes[-1]}://node.example.net:443/ or {schemes[0]}://[2001:db8::1]:9944",
        )


def _is_validator(text: str) -> bool:
    hotkey, _, endpoint = text.partition("@")
    host, _, port = endpoint.rpartition(":")
    if ":" in host:
        host = host[1:-1] if host.startswith("[") and host.endswith("]") else ""
    well_formed = re.fullmatch("[1-9][0-9]{0,4}", port) is not None and int(port) < 65536
    return well_formed and _is_address(host) and is_address(hotkey)
