"""polaris-reply/1: replies signed by the hotkey that serves, for one request.  Pure.

`desk` signs, `client` checks.  The signature covers the request too, so that a reply
proves nothing about any other one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from polarisd.http.headers import BadHeaders, collect, known, nanoseconds, signature
from polarisd.keys import Hotkey, is_address, verify

PROTOCOL = "polaris-reply/1"
VERSION = "1"

VERSION_HEADER = "X-Polaris-Reply-Version"
HOTKEY_HEADER = "X-Polaris-Reply-Hotkey"
TIME_HEADER = "X-Polaris-Reply-Time"
SIGNATURE_HEADER = "X-Polaris-Reply-Signature"
HEADERS = (VERSION_HEADER, HOTKEY_HEADER, TIME_HEADER, SIGNATURE_HEADER)

# From this status on "-" stands for the digest of the request's body, for the refusal
# may have come before the body had.  The nonce still says which request it was.
LEAST_ERROR_STATUS = 400
NOT_READ = "-"

_OURS = known(HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The request that a reply is for."""

    method: str
    target: str
    body: bytes
    nonce_ns: int
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who signed a reply that was checked, and when by their clock."""

    hotkey: str
    time_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSigned:
    """`missing`: there is no signature at all; otherwise one that does not fit."""

    text: str
    missing: bool


def payload(*, status: int, asked: Asked, body: bytes, time_ns: int, hotkey: str) -> bytes:
    """The bytes that are signed."""
    refused = status >= LEAST_ERROR_STATUS
    lines = (
        PROTOCOL,
        str(status),
        asked.method.upper(),
        asked.target,
        NOT_READ if refused else hashlib.sha256(asked.body).hexdigest(),
        str(asked.nonce_ns),
        asked.sender,
        hashlib.sha256(body).hexdigest(),
        str(time_ns),
        hotkey,
    )
    return "\n".join(lines).encode()


def sign(hotkey: Hotkey, *, status: int, asked: Asked, body: bytes, time_ns: int) -> dict[str, str]:
    """The headers that go with the reply."""
    address = hotkey.ss58
    signed = payload(status=status, asked=asked, body=body, time_ns=time_ns, hotkey=address)
    return {
        VERSION_HEADER: VERSION,
        HOTKEY_HEADER: address,
        TIME_HEADER: str(time_ns),
        SIGNATURE_HEADER: "0x" + hotkey.sign(signed).hex(),
    }


def check(
    headers: Iterable[tuple[bytes, bytes]], *, status: int, asked: Asked, body: bytes
) -> Signed | NotSigned:
    """Whether the hotkey that the reply names has signed it for this request."""
    try:
        found = collect(headers, _OURS)
        if not found:
            return NotSigned(text="it carries no signature of Polaris", missing=True)
        return _check(found, status, asked, body)
    except BadHeaders as error:
        return NotSigned(text=str(error), missing=False)


def _check(found: Mapping[str, str], status: int, asked: Asked, body: bytes) -> Signed:
    for name in HEADERS:
        if name not in found:
            raise BadHeaders(f"the header {name} is missing")
    if found[VERSION_HEADER] != VERSION:
        raise BadHeaders(f"{VERSION_HEADER} is not {VERSION}")
    hotkey, time_ns = found[HOTKEY_HEADER], nanoseconds(found, TIME_HEADER)
    if not is_address(hotkey):
        raise BadHeaders(f"{HOTKEY_HEADER} is not the address of a hotkey")
    signed = payload(status=status, asked=asked, body=body, time_ns=time_ns, hotkey=hotkey)
    if not verify(signed, signature(found, SIGNATURE_HEADER), hotkey):
        raise BadHeaders(f"its signature is not that of {hotkey} for this request")
    return Signed(hotkey=hotkey, time_ns=time_ns)
