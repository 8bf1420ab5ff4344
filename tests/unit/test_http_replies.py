"""A signed reply is for one request, by one hotkey, and what a client makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.http import replies
from polarisd.http.delivery import Answer, Undelivered
from polarisd.http.documents import dump
from polarisd.http.receipt import Received, judge
from polarisd.http.refusals import CATALOGUE
from polarisd.http.replies import Asked, NotSigned, Signed
from tests.unit.http_support import ALICE, BOB, CAROL, NOW_NS, methods, nonces, raw, targets

ASKED = Asked(method="POST", target="/x?y", body=b"{}", nonce_ns=NOW_NS, sender=ALICE.ss58)
BODY = b'{"seen":"203.0.113.7:8000"}'
GOLDEN_PAYLOAD = (
    b"polaris-reply/1\n200\nPOST\n/x?y\n"
    b"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\n"
    b"1800000000000000000\n5D8KWuW98ZLgrUXGDqr6xjt3UcVdqcQjgax1HTwfcsdjDwLW\n"
    b"61804b034a53db693a301014d075f2ac27c2bba67514da108b14c3dc290b5732\n"
    b"1800000000500000000\n5GeZAWFtZhy4AUmoemehL7pv9wh8Pqxi6CehyjmodeqYvZZN"
)

GOLDEN_REPLY = {
    "X-Polaris-Reply-Version": "1",
    "X-Polaris-Reply-Hotkey": "5GeZAWFtZhy4AUmoemehL7pv9wh8Pqxi6CehyjmodeqYvZZN",
    "X-Polaris-Reply-Time": "1800000000500000000",
    "X-Polaris-Reply-Signature": "0xb484a6b72357487f4014156cd2d5de01004618538cc0cc353be7372ec820"
    "3b5c9095098ba0b3bf29fe238ccc252db6d3c647f0c9900b62c50d0baa50f042418d",
}


def signed(asked: Asked = ASKED, status: int = 200, body: bytes = BODY) -> dict[str, str]:
    return replies.sign(BOB, status=status, asked=asked, body=body, time_ns=NOW_NS + 500_000_000)


def is_good(
    headers: dict[str, str], asked: Asked = ASKED, status: int = 200, body: bytes = BODY
) -> bool:
    outcome = replies.check(raw(headers), status=status, asked=asked, body=body)
    return isinstance(outcome, Signed)


def test_what_is_signed() -> None:
    payload = replies.payload(
        status=200, asked=ASKED, body=BODY, time_ns=NOW_NS + 500_000_000, hotkey=BOB.ss58
    )
    assert payload == GOLDEN_PAYLOAD
    assert is_good(GOLDEN_REPLY)
    outcome = replies.check(raw(signed()), status=200, asked=ASKED, body=BODY)
    assert outcome == Signed(hotkey=BOB.ss58, time_ns=NOW_NS + 500_000_000)


@given(methods, targets, st.binary(max_size=50), nonces, st.integers(100, 599), st.binary())
def test_any_reply_is_good_for_its_request(
    method: str, target: str, body: bytes, nonce_ns: int, status: int, reply: bytes
) -> None:
    asked = Asked(method=method, target=target, body=body, nonce_ns=nonce_ns, sender=ALICE.ss58)
    assert is_good(signed(asked, status, reply), asked, status, reply)


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, nonce_ns=NOW_NS + 1),
        replace(ASKED, sender=CAROL.ss58),
        replace(ASKED, target="/x"),
        replace(ASKED, method="PUT"),
        replace(ASKED, body=b"{} "),
    ],
)
def test_a_reply_is_good_for_no_other_request(other: Asked) -> None:
    assert not is_good(signed(), other)


def test_nor_with_another_status_or_body() -> None:
    assert not is_good(signed(), status=201)
    assert not is_good(signed(), body=BODY + b" ")


def test_a_refusal_is_good_whatever_of_the_body_was_read() -> None:
    assert is_good(signed(replace(ASKED, body=b""), 413), status=413)
    assert not is_good(signed(replace(ASKED, body=b""), 399), status=399)
    assert not is_good(signed(replace(ASKED, nonce_ns=1), 413), status=413)


@given(st.data())
def test_no_header_may_be_changed_in_any_byte(data: st.DataObject) -> None:
    headers = signed()
    name = data.draw(st.sampled_from(sorted(headers)))
    value = bytearray(headers[name], "ascii")
    value[data.draw(st.integers(0, len(value) - 1))] ^= data.draw(st.integers(1, 255))
    assert not is_good({**headers, name: value.decode("latin-1")})


@pytest.mark.parametrize("name", sorted(signed()))
def test_a_missing_or_doubled_header(name: str) -> None:
    headers = signed()
    doubled = [*raw(headers), (name.encode(), headers[name].encode())]
    assert isinstance(replies.check(doubled, status=200, asked=ASKED, body=BODY), NotSigned)
    del headers[name]
    assert not is_good(headers)


def judged(headers: dict[str, str], status: int = 200, body: bytes = BODY) -> Answer | Undelivered:
    received = Received(
        where="203.0.113.7:8000", status=status, headers=raw(headers), body=body,
        middle_at=NOW_NS / 1e9 + 30.5, replied_at=NOW_NS / 1e9 + 31, round_trip_s=1.0,
    )  # fmt: skip
    return judge(received, asked=ASKED, receiver=BOB.ss58)


def refused(code: str, **more: object) -> Answer | Undelivered:
    body = dump({"code": code, "message": "no", "hint": "rm -rf /", **more})
    status = CATALOGUE[code].status if code in CATALOGUE else 403
    return judged(signed(status=status, body=body), status, body)


def test_an_answer_tells_the_time_there() -> None:
    answer = judged(signed())
    assert isinstance(answer, Answer)
    assert answer.document == {"seen": "203.0.113.7:8000"}
    assert answer.server_time == NOW_NS / 1e9 + 0.5
    assert answer.clock_offset_s == -30


def test_a_stale_request_is_told_how_wrong_the_clock_here_is() -> None:
    refusal = refused("stale")
    assert isinstance(refusal, Undelivered)
    assert refusal.text == "the clock here is 30 s ahead of that of the other side"
    assert refusal.clock_offset_s == -30 and refusal.proven
    assert "timedatectl" in refusal.remedy


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_a_refusal_of_the_face_is_undelivered(code: str) -> None:
    refusal = refused(code, retry_after_s=12)
    assert isinstance(refusal, Undelivered)
    assert (refusal.code, refusal.retry_after_s, refusal.proven) == (code, 12, True)
    assert refusal.passing == CATALOGUE[code].passing
    assert "rm" not in refusal.remedy.split() and "-rf" not in refusal.remedy


@pytest.mark.parametrize("after", [-1, True, "5", None, [5]])
def test_nonsense_about_waiting_is_not_believed(after: object) -> None:
    refusal = refused("rate_limited", retry_after_s=after)
    assert isinstance(refusal, Undelivered) and refusal.retry_after_s is None


def test_nobody_makes_us_wait_for_ever() -> None:
    refusal = refused("rate_limited", retry_after_s=1e300)
    assert isinstance(refusal, Undelivered) and refusal.retry_after_s == 3600


def test_an_error_of_a_handler_is_an_answer() -> None:
    answer = refused("sequence_old")
    assert isinstance(answer, Answer)
    assert (answer.status, answer.document["code"]) == (403, "sequence_old")


def code_of(outcome: Answer | Undelivered) -> str:
    return outcome.code if isinstance(outcome, Undelivered) else "answer"


def test_replies_that_are_not_what_they_should_be() -> None:
    by_carol = replies.sign(CAROL, status=200, asked=ASKED, body=BODY, time_ns=NOW_NS)
    assert code_of(judged(by_carol)) == "other_hotkey"
    assert code_of(judged({**signed(), "X-Polaris-Reply-Hotkey": CAROL.ss58})) == (
        "bad_reply_signature"
    )
    assert code_of(judged({})) == "not_polaris"
    assert code_of(judged({}, 302)) == "not_polaris"
    assert code_of(judged(signed(body=b"[]"), body=b"[]")) == "bad_reply"


@pytest.mark.parametrize(
    ("value", "after"), [("7", 7.0), ("0x7", None), ("-1", None), ("7" * 9, None), ("²", None)]
)
def test_an_unsigned_word_about_load_is_only_that(value: str, after: float | None) -> None:
    refusal = judged({"Retry-After": value}, 429)
    assert isinstance(refusal, Undelivered)
    assert (refusal.code, refusal.proven, refusal.retry_after_s) == ("rate_limited", False, after)
    assert code_of(judged({}, 503)) == "busy"
