"""btauth/1: requests signed by a hotkey, for a receiver, made just now.  Pure.

Byte for byte what bittensor.http_auth signs, on our own keys: a daemon without a chain
needs no SDK.  Stricter in what it takes: sr25519 only, a receiver always, and one
spelling of each header.  `client` signs, `desk` checks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from polarisd.http.headers import BadHeaders, collect, known, nanoseconds, signature
from polarisd.http.refusals import Refusal, refuse
from polarisd.keys import Hotkey, is_address, verify

PROTOCOL = "btauth/1"
VERSION = "1"
SCHEME = "sr25519"

VERSION_HEADER = "X-Bittensor-Version"
HOTKEY_HEADER = "X-Bittensor-Hotkey"
RECEIVER_HEADER = "X-Bittensor-Receiver"
NONCE_HEADER = "X-Bittensor-Nonce"
CRYPTO_HEADER = "X-Bittensor-Crypto"
SIGNATURE_HEADER = "X-Bittensor-Signature"
HEADERS = (
    VERSION_HEADER, HOTKEY_HEADER, RECEIVER_HEADER, NONCE_HEADER, CRYPTO_HEADER, SIGNATURE_HEADER,
)  # fmt: skip

BACK_S = 10.0
AHEAD_S = 2.0
_OURS = known(HEADERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What well-formed headers say; nothing of it is proven."""

    sender: str
    receiver: str
    nonce_ns: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who signed a request that was checked."""

    hotkey: str
    nonce_ns: int


def payload(
    *, method: str, target: str, body: bytes, nonce_ns: int, sender: str, receiver: str
) -> bytes:
    """The bytes that are signed.  `target` is the path with its query, as it is sent."""
    lines = (
        PROTOCOL,
        SCHEME,
        method.upper(),
        target,
        hashlib.sha256(body).hexdigest(),
        str(nonce_ns),
        sender,
        receiver,
    )
    return "\n".join(lines).encode()


def sign(
    hotkey: Hotkey, *, method: str, target: str, body: bytes, receiver: str, nonce_ns: int
) -> dict[str, str]:
    """The headers that go with the request.  Each request takes a nonce of its own."""
    signed = payload(
        method=method,
        target=target,
        body=body,
        nonce_ns=nonce_ns,
        sender=hotkey.ss58,
        receiver=receiver,
    )
    return {
        VERSION_HEADER: VERSION,
        HOTKEY_HEADER: hotkey.ss58,
        RECEIVER_HEADER: receiver,
        NONCE_HEADER: str(nonce_ns),
        SIGNATURE_HEADER: "0x" + hotkey.sign(signed).hex(),
    }


def read(headers: Iterable[tuple[bytes, bytes]]) -> Claim | Refusal:
    """`unsigned` if there is none of our headers; `unsupported_crypto` goes before all else."""
    try:
        found = collect(headers, _OURS)
        if not found:
            return refuse("unsigned", "the request is not signed")
        if found.get(CRYPTO_HEADER, SCHEME) != SCHEME:
            return refuse("unsupported_crypto", f"only {SCHEME} signatures are taken")
        return _claim(found)
    except BadHeaders as error:
        return refuse("malformed", str(error))


def _claim(found: Mapping[str, str]) -> Claim:
    for name in HEADERS:
        if name not in found and name != CRYPTO_HEADER:
            raise BadHeaders(f"the header {name} is missing")
    if found[VERSION_HEADER] != VERSION:
        raise BadHeaders(f"{VERSION_HEADER} is not {VERSION}")
    nonce_ns = nanoseconds(found, NONCE_HEADER)
    signed = signature(found, SIGNATURE_HEADER)
    if not is_address(found[HOTKEY_HEADER]):
        raise BadHeaders(f"{HOTKEY_HEADER} is not the address of a hotkey")
    return Claim(
        sender=found[HOTKEY_HEADER],
        receiver=found[RECEIVER_HEADER],
        nonce_ns=nonce_ns,
        signature=signed,
    )


def misdirected(claim: Claim, *, receiver: str, now_ns: int) -> Refusal | None:
    """What can be said before the body is there: for us, and of now?"""
    if claim.receiver != receiver:
        return refuse("wrong_receiver", f"the request is for another hotkey; here is {receiver}")
    age_s = (now_ns - claim.nonce_ns) / 1e9
    if age_s > BACK_S:
        return refuse(
            "stale",
            f"the request was signed {age_s:.1f} s ago by the clock here, which is more than "
            f"{BACK_S:g} s",
        )
    if -age_s > AHEAD_S:
        return refuse(
            "stale",
            f"the request is dated {-age_s:.1f} s ahead of the clock here, which is more than "
            f"{AHEAD_S:g} s",
        )
    return None


def check(claim: Claim, *, method: str, target: str, body: bytes) -> Caller | Refusal:
    """Whether the sender named has signed this.  Not whether it is new: ask `nonces`."""
    signed = payload(
        method=method,
        target=target,
        body=body,
        nonce_ns=claim.nonce_ns,
        sender=claim.sender,
        receiver=claim.receiver,
    )
    if not verify(signed, claim.signature, claim.sender):
        return refuse(
            "bad_signature", "the signature is not that of the hotkey named for this request"
        )
    return Caller(hotkey=claim.sender, nonce_ns=claim.nonce_ns)
