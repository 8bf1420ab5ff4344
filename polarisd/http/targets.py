"""Endpoints and URLs: which we ask at all.  Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_ENDPOINT = re.compile(r"(?:([0-9.]{7,15})|\[([0-9a-fA-F:.]{2,45})\]):([1-9][0-9]{0,4})")
MAX_URL_CHARACTERS = 500


def address_of(endpoint: str) -> tuple[str, int] | None:
    """Address and port of "ip:port" or "[ip]:port"; None if it is neither.  Never a name."""
    match = _ENDPOINT.fullmatch(endpoint)
    if match is None or int(match[3]) > 65535:
        return None
    try:
        address = ipaddress.IPv4Address(match[1]) if match[1] else ipaddress.IPv6Address(match[2])
    except ValueError:
        return None
    return str(address), int(match[3])


def is_url(url: str) -> bool:
    """Whether it is of http or https, has a host, and names no user."""
    if len(url) > MAX_URL_CHARACTERS or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and port != 0
    )


def is_path(path: str) -> bool:
    """Whether it can stand in a request as it is: printable ASCII, from the root."""
    return path.startswith("/") and path.isascii() and path.isprintable() and not {
        " ", "#", "\\", '"', "<", ">"
    } & set(path)  # fmt: skip
