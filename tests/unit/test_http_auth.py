"""btauth/1: what bittensor signs we take, what we sign bittensor takes, and nothing else."""

from __future__ import annotations

import bittensor_core
import pytest
from bittensor import http_auth
from hypothesis import given
from hypothesis import strategies as st

from polarisd.http import auth
from polarisd.http.auth import Caller, Claim
from tests.unit.http_support import (
    ALICE,
    BOB,
    CAROL,
    NOW_NS,
    claim,
    code,
    methods,
    nonces,
    raw,
    targets,
)

# Signed by bittensor 11.3.0's http_auth.sign with the key of ALICE.
GOLDEN = {
    "X-Bittensor-Version": "1",
    "X-Bittensor-Hotkey": "5D8KWuW98ZLgrUXGDqr6xjt3UcVdqcQjgax1HTwfcsdjDwLW",
    "X-Bittensor-Nonce": "1700000000123456789",
    "X-Bittensor-Signature": "0x1af6499906a66e64e44a52f52ff8bc4a17fb9aedd64ae4eb41acc45460c1cf5c"
    "d47678a575c801ccef6dcaf3f21dee49db81a6e78ba50a5a10b8ace2496f9e8d",
    "X-Bittensor-Receiver": "5GeZAWFtZhy4AUmoemehL7pv9wh8Pqxi6CehyjmodeqYvZZN",
}
GOLDEN_TARGET = "/v1/heartbeat?x=1"
GOLDEN_BODY = b'{"a":1}'
GOLDEN_PAYLOAD = (
    b"btauth/1\nsr25519\nPOST\n/v1/heartbeat?x=1\n"
    b"015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862\n"
    b"1700000000123456789\n5D8KWuW98ZLgrUXGDqr6xjt3UcVdqcQjgax1HTwfcsdjDwLW\n"
    b"5GeZAWFtZhy4AUmoemehL7pv9wh8Pqxi6CehyjmodeqYvZZN"
)


def signed(body: bytes = b"{}", nonce_ns: int = NOW_NS, target: str = "/x") -> dict[str, str]:
    return auth.sign(
        ALICE, method="POST", target=target, body=body, receiver=BOB.ss58, nonce_ns=nonce_ns
    )


def checked(headers: dict[str, str], *, method: str = "POST", target: str = "/x",
            body: bytes = b"{}") -> str:  # fmt: skip
    read = auth.read(raw(headers))
    if not isinstance(read, Claim):
        return read.code
    refusal = auth.misdirected(read, receiver=BOB.ss58, now_ns=NOW_NS)
    return code(refusal or auth.check(read, method=method, target=target, body=body))


def test_the_golden_request_of_bittensor_is_taken() -> None:
    caller = auth.check(claim(GOLDEN), method="POST", target=GOLDEN_TARGET, body=GOLDEN_BODY)
    assert caller == Caller(hotkey=ALICE.ss58, nonce_ns=1700000000123456789)
    payload = auth.payload(
        method="POST", target=GOLDEN_TARGET, body=GOLDEN_BODY, nonce_ns=1700000000123456789,
        sender=ALICE.ss58, receiver=BOB.ss58,
    )  # fmt: skip
    assert payload == GOLDEN_PAYLOAD


@given(methods, targets, st.binary(max_size=100), nonces)
def test_bittensor_takes_what_we_sign(method: str, target: str, body: bytes, nonce_ns: int) -> None:
    headers = auth.sign(
        ALICE, method=method, target=target, body=body, receiver=BOB.ss58, nonce_ns=nonce_ns
    )
    caller = http_auth.verify(
        headers, body, method=method, path=target, self_hotkey_ss58=BOB.ss58, now_ns=nonce_ns,
        nonce_store=http_auth.InMemoryNonceStore(),
    )  # fmt: skip
    assert (caller.hotkey_ss58, caller.nonce_ns) == (ALICE.ss58, nonce_ns)


@given(methods, targets, st.binary(max_size=100), nonces)
def test_we_take_what_bittensor_signs(method: str, target: str, body: bytes, nonce_ns: int) -> None:
    headers = http_auth.sign(
        CAROL.pair, method=method, path=target, body=body, receiver_ss58=BOB.ss58,
        nonce_ns=nonce_ns,
    )  # fmt: skip
    caller = auth.check(claim(headers), method=method, target=target, body=body)
    assert caller == Caller(hotkey=CAROL.ss58, nonce_ns=nonce_ns)


@given(st.data())
def test_no_header_may_be_changed_in_any_byte(data: st.DataObject) -> None:
    headers = signed()
    name = data.draw(st.sampled_from(sorted(headers)))
    value = bytearray(headers[name], "ascii")
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    assert checked({**headers, name: value.decode("latin-1")}) != "ok"


@given(st.binary(min_size=1, max_size=60), st.data())
def test_no_byte_of_the_body_or_the_target_may_be_changed(body: bytes, data: st.DataObject) -> None:
    changed = bytearray(body)
    changed[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    headers = signed(body)
    assert checked(headers, body=body) == "ok"
    assert checked(headers, body=bytes(changed)) == "bad_signature"
    assert checked(headers, body=body + b" ") == "bad_signature"
    assert checked(headers, body=body, target="/X") == "bad_signature"
    assert checked(headers, body=body, target="/x?") == "bad_signature"
    assert checked(headers, body=body, method="PUT") == "bad_signature"


@pytest.mark.parametrize("scheme", ["ed25519", "ecdsa", "SR25519", "sr25519 ", "1", ""])
def test_another_scheme_is_refused_before_all_else(scheme: str) -> None:
    assert checked({"X-Bittensor-Crypto": scheme}) == "unsupported_crypto"
    assert checked({**signed(), "X-Bittensor-Crypto": scheme}) == "unsupported_crypto"


def test_the_one_scheme_may_be_named() -> None:
    assert checked({**signed(), "X-Bittensor-Crypto": "sr25519"}) == "ok"


def test_a_key_of_another_scheme_cannot_ask() -> None:
    pair = bittensor_core.Keypair.create_from_seed(
        b"e" * 32, crypto_type=bittensor_core.CRYPTO_ED25519
    )
    headers = http_auth.sign(
        pair, method="POST", path="/x", body=b"{}", receiver_ss58=BOB.ss58, nonce_ns=NOW_NS
    )
    assert checked(headers) == "unsupported_crypto"
    del headers["X-Bittensor-Crypto"]  # passed off as the usual one
    assert checked(headers) in ("bad_signature", "malformed")


def test_names_of_headers_are_as_good_in_any_case() -> None:
    assert checked({name.upper(): value for name, value in signed().items()}) == "ok"


def test_none_of_the_headers_is_unsigned() -> None:
    assert checked({"Host": "x"}) == "unsigned"


@pytest.mark.parametrize("name", sorted(signed()))
def test_a_missing_or_doubled_header_is_malformed(name: str) -> None:
    headers = signed()
    doubled = [*raw(headers), (name.lower().encode(), headers[name].encode())]
    assert code(auth.read(doubled)) == "malformed"
    del headers[name]
    assert checked(headers) == "malformed"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Version", "2"),
        ("Version", "01"),
        ("Nonce", "0"),
        ("Nonce", "-1"),
        ("Nonce", "+1800000000000000000"),
        ("Nonce", "01800000000000000000"),
        ("Nonce", "1_800_000_000_000_000_000"),
        ("Nonce", "1.8e18"),
        ("Nonce", "1" * 21),
        ("Nonce", "²"),
        ("Signature", "0x"),
        ("Signature", "0x" + "0" * 126),
        ("Signature", "0X" + "0" * 128),
        ("Signature", "0" * 130),
        ("Hotkey", "5D8KWuW98ZLgrUXGDqr6xjt3UcVdqcQjgax1HTwfcsdjDwLX"),
        ("Hotkey", "0x" + "11" * 32),
        ("Hotkey", ""),
        ("Hotkey", "5" * 201),
        ("Receiver", "5" * 201),
    ],
)
def test_malformed_headers(name: str, value: str) -> None:
    assert checked({**signed(), f"X-Bittensor-{name}": value}) == "malformed"


def test_a_signature_of_nought_is_bad() -> None:
    assert checked({**signed(), "X-Bittensor-Signature": "0x" + "0" * 128}) == "bad_signature"


def test_who_names_another_hotkey_as_sender_is_refused() -> None:
    assert checked({**signed(), "X-Bittensor-Hotkey": CAROL.ss58}) == "bad_signature"


@pytest.mark.parametrize("receiver", [CAROL.ss58, "-", ""])
def test_a_request_for_another_receiver_is_refused(receiver: str) -> None:
    headers = auth.sign(
        ALICE, method="POST", target="/x", body=b"{}", receiver=receiver, nonce_ns=NOW_NS
    )
    assert checked(headers) == "wrong_receiver"


@pytest.mark.parametrize(
    ("late_ns", "expected"),
    [
        (0, "ok"),
        (10_000_000_000, "ok"),
        (10_000_000_001, "stale"),
        (-2_000_000_000, "ok"),
        (-2_000_000_001, "stale"),
        (NOW_NS - 1, "stale"),
        (-NOW_NS, "stale"),
    ],
)
def test_the_window_is_bounded_both_ways(late_ns: int, expected: str) -> None:
    assert checked(signed(nonce_ns=NOW_NS - late_ns)) == expected


def test_a_stale_refusal_says_by_how_much() -> None:
    refusal = auth.misdirected(
        claim(signed(nonce_ns=NOW_NS + 30 * 10**9)), receiver=BOB.ss58, now_ns=NOW_NS
    )
    assert refusal is not None and "30.0 s ahead of the clock here" in refusal.text
