"""Every way in which the chain can fail us has a row, with a remedy; and all of them get one."""

from __future__ import annotations

import pytest
from bittensor.error_map import (
    CUSTOM_TRANSACTION_ERRORS,
    DISPATCH_ERRORS,
    INVALID_TRANSACTION_ERRORS,
    NAME_TO_CODE,
    ErrorCode,
)
from hypothesis import given
from hypothesis import strategies as st

from polarisd.chain import failures, names
from polarisd.chain.failures import CATALOGUE, asked_for_s, fail, of_chain_error, of_refusal
from polarisd.chain.outcomes import Failed

NOW = 1_790_000_000.0
CHAIN_NAMES = {
    *NAME_TO_CODE,
    *DISPATCH_ERRORS,
    *CUSTOM_TRANSACTION_ERRORS.values(),
    *(name for _, name in INVALID_TRANSACTION_ERRORS),
}


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_a_row_says_what_is_wrong_and_what_to_do(code: str) -> None:
    failed = fail(code)
    assert failed.code == code
    assert failed.text == CATALOGUE[code].text
    assert failed.remedy
    assert not failed.text.endswith(".") and not failed.remedy.endswith(".")
    assert fail(code, "so says the node").text == f"{failed.text}: so says the node"


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_class_of_the_sdk_has_a_row(code: ErrorCode) -> None:
    assert names.BY_CODE[code.value] in CATALOGUE
    assert of_chain_error(code.value, None, "why").code == names.BY_CODE[code.value]


def test_no_class_is_mapped_that_the_sdk_does_not_have() -> None:
    assert set(names.BY_CODE) == {code.value for code in ErrorCode}


@pytest.mark.parametrize("name", sorted(names.BY_NAME))
def test_a_name_that_we_know_is_one_of_the_chain(name: str) -> None:
    assert name in CHAIN_NAMES
    assert names.BY_NAME[name] in CATALOGUE


@pytest.mark.parametrize("name", sorted(CHAIN_NAMES))
def test_every_error_of_the_chain_becomes_a_row(name: str) -> None:
    code = NAME_TO_CODE.get(name, ErrorCode.UNKNOWN)
    assert of_chain_error(code.value, name, "the chain's own words").code in CATALOGUE


@pytest.mark.parametrize(
    ("name", "code", "passing"),
    [
        ("ServingRateLimitExceeded", "serving_rate_limited", True),
        ("HotKeyNotRegisteredInSubNet", "not_registered", False),
        ("HotKeyAlreadyRegisteredInSubNet", "already_registered", False),
        ("SubNetRegistrationDisabled", "registration_closed", False),
        ("RegistrationPriceLimitExceeded", "price_above_limit", False),
        ("NotEnoughBalanceToStake", "insufficient_balance", False),
        ("SettingWeightsTooFast", "weights_rate_limited", True),
        ("NeuronNoValidatorPermit", "no_permit", False),
        ("NoNeuronIdAvailable", "no_slot", True),
        ("InvalidIpAddress", "bad_endpoint", False),
    ],
)
def test_what_an_owner_meets_is_named_exactly(name: str, code: str, passing: bool) -> None:
    failed = of_chain_error(NAME_TO_CODE[name].value, name, "words")
    assert (failed.code, failed.passing) == (code, passing)
    assert name in failed.text


@pytest.mark.parametrize(
    ("number", "message", "code"),
    [
        (1010, "Invalid Transaction: Transaction is outdated", "stale_nonce"),
        (1010, "Invalid Transaction: Transaction will be valid in the future", "nonce_ahead"),
        (1010, "Invalid Transaction: Transaction has a bad signature", "bad_signature"),
        (1010, "Invalid Transaction: Transaction has an ancient birth block", "too_old"),
        (
            1010,
            "Invalid Transaction: Inability to pay some fees (e.g. account balance too low)",
            "fee_unpaid",
        ),
        (1010, "Invalid Transaction: something new", "rejected"),
        (1012, "Transaction is temporarily banned", "already_sent"),
        (1013, "Transaction is already imported: Already Imported", "already_sent"),
        (1014, "Priority is too low: (100 vs 100)", "priority_too_low"),
        (1016, "Immediately Dropped", "pool_full"),
        (-32601, "Method not found", "rejected"),
    ],
)
def test_refusals_of_the_pool(number: int, message: str, code: str) -> None:
    assert of_refusal(number, message, None).code == code


def test_a_refusal_that_the_chain_has_a_name_for() -> None:
    named = of_refusal(1010, "Invalid Transaction: Custom error: 12", "ServingRateLimitExceeded")
    assert named.code == "serving_rate_limited"


@pytest.mark.parametrize(
    ("status", "retry_after", "code", "after_s"),
    [
        (429, "30", "node_rate_limited", 30.0),
        (429, None, "node_rate_limited", None),
        (403, None, "node_refuses", None),
        (403, "60", "node_rate_limited", 60.0),
        (1008, None, "node_refuses", None),
        (None, "1.5", "node_rate_limited", 1.5),
    ],
)
def test_policies(
    status: int | None, retry_after: str | None, code: str, after_s: float | None
) -> None:
    failed = failures.of_policy(status, retry_after, "go away", NOW)
    assert (failed.code, failed.retry_after_s, failed.passing) == (code, after_s, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (str(NOW + 90), 90.0),
        (str(NOW - 90), 0.0),
        ("Sun, 20 Sep 2026 14:13:50 GMT", 30.0),
        ("999999999", 3600.0),
        ("86400", 3600.0),
        (str(int(NOW + 90) * 1000), 90.0),
        (str(int(NOW - 90) * 1000), 0.0),
        ("1e300", 3600.0),
        ("inf", 3600.0),
        ("-5", 0.0),
        ("nan", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_how_long_we_are_asked_to_stay_away(text: str | None, seconds: float | None) -> None:
    now = 1_789_913_600.0 if text is not None and "GMT" in text else NOW
    got = asked_for_s(text, now)
    assert got == seconds if seconds is None else got == pytest.approx(seconds, abs=1.0)


@given(st.text())
def test_whatever_is_asked_is_within_bounds(text: str) -> None:
    got = asked_for_s(text, NOW)
    assert got is None or 0.0 <= got <= 3600.0


@given(st.text(max_size=5000))
def test_the_other_side_s_words_are_bounded_and_plain(words: str) -> None:
    text = failures.plain(words)
    assert len(text) <= 300
    assert text.isprintable()
    failed = fail("garbage", words)
    assert isinstance(failed, Failed) and failed.text.isprintable()
