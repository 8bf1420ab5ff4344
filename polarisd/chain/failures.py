"""All ways in which the chain can fail us: the text and the remedy of each.  Pure.

For everything in this room.  `CATALOGUE` is the closed list of codes; what comes from
outside (an error of the SDK by its code and name, a refusal of a node's pool by its
number, a policy refusal) is mapped to a row of it, and nothing else gets out.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from polarisd.chain.names import BY_CODE, BY_NAME
from polarisd.chain.outcomes import Failed

_MOST_DETAIL = 300
# Longer than this nobody means it: after that it is tried again, at our own pace.
_LONGEST_ASKED_S = 3600.0
# A number this large is a time, not a duration; and this large, one in milliseconds.
_EPOCH_FROM, _EPOCH_MS_FROM = 1e9, 1e11


@dataclass(frozen=True, slots=True)
class Row:
    """`passing`: trying again later, unchanged, can help."""

    text: str
    remedy: str
    passing: bool


_KEEPS_TRYING = "nothing to do: it is tried again by itself"
_LOOK_AGAIN = "look at the chain before doing it again; polarisd itself does"
_FUND = "send some TAO to the coldkey that owns this hotkey (it pays the fees)"
_REPORT = "report it, with the text above"

CATALOGUE: dict[str, Row] = {
    # The connection, and the node at its end.
    "unreachable": Row(
        "cannot reach the chain node",
        "check this machine's network, and network in [chain]; it is tried again by itself",
        True,
    ),
    "timeout": Row("the chain node did not answer in time", _KEEPS_TRYING, True),
    "stalled": Row(
        "the chain node's newest block does not change",
        "if it lasts: check the node, or name another in fallback_endpoints in [chain]",
        True,
    ),
    "node_rate_limited": Row(
        "the chain node asks to be left alone for a while (rate limit)",
        "it is; if it happens often, run a node of your own and name it in network in [chain]",
        True,
    ),
    "node_refuses": Row(
        "the chain node refuses this machine",
        "name another node in network in [chain], or run your own",
        True,
    ),
    "not_a_node": Row(
        "what answers there is no node of a chain",
        "correct network or fallback_endpoints in [chain]",
        True,
    ),
    "node_error": Row("the chain node answered with an error", _KEEPS_TRYING, True),
    "garbage": Row(
        "the chain node sent what cannot be understood",
        "if it lasts: name another node in network in [chain]",
        True,
    ),
    "wrong_chain": Row(
        "this is a node of another chain than the one registered on",
        "correct network or fallback_endpoints in [chain]; or register on this chain",
        False,
    ),
    "not_understood": Row(
        "the chain's runtime lacks what Polaris needs of it",
        "update polaris; until then nothing is sent to the chain",
        False,
    ),
    "reopened": Row("the connection to the chain is opened anew", _KEEPS_TRYING, True),
    "runtime_changed": Row("the chain's runtime was upgraded", _KEEPS_TRYING, True),
    # The way of a transaction into a block.
    "stale_nonce": Row(
        "the node refused the transaction: its number was used already", _KEEPS_TRYING, True
    ),
    "nonce_ahead": Row(
        "the node refused the transaction: its number is not due yet", _KEEPS_TRYING, True
    ),
    "priority_too_low": Row(
        "another transaction of this key waits to be included",
        "wait a minute; if another program signs with this key, stop it",
        True,
    ),
    "already_sent": Row("the node has this transaction already", _LOOK_AGAIN, True),
    "pool_full": Row("the node takes no transactions for now", _KEEPS_TRYING, True),
    "bad_signature": Row(
        "the node refused the signature",
        "after an upgrade of the chain it passes by itself; else " + _REPORT,
        True,
    ),
    "too_old": Row("the transaction was too old for the node", _KEEPS_TRYING, True),
    "fee_unpaid": Row("the transaction's fee cannot be paid", _FUND, False),
    "rejected": Row("the node refused the transaction", _REPORT, True),
    "lapsed": Row("the transaction was never included, and is void now", _KEEPS_TRYING, True),
    "displaced": Row(
        "another transaction of this key took the place of this one",
        "if another program signs with this key, stop it; " + _LOOK_AGAIN,
        True,
    ),
    "end_unseen": Row("the transaction was sent, its end was not seen", _LOOK_AGAIN, True),
    "end_lost": Row("the transaction's end can no longer be read from the node", _LOOK_AGAIN, True),
    "shield_unavailable": Row(
        "the chain offers no key to shield transactions with",
        "try again in a minute, or register without the shield",
        True,
    ),
    "shield_failed": Row(
        "the shielded transaction was not opened in time, and is void now",
        "try again; only the small fee of its carrier was paid",
        True,
    ),
    # What the chain's rules say.
    "no_subnet": Row(
        "there is no subnet of this number", "check netuid in [chain], and the network", False
    ),
    "not_registered": Row(
        "this hotkey is not registered on the subnet",
        "register it: sudo polarisctl register",
        False,
    ),
    "already_registered": Row(
        "this hotkey is registered on the subnet already", "nothing to do", False
    ),
    "registration_closed": Row(
        "the subnet takes no registrations", "ask the subnet's owner when it opens", False
    ),
    "registration_full": Row(
        "too many registered on the subnet just now", "try again in some minutes", True
    ),
    "no_slot": Row(
        "the subnet has no UID to give: all are taken by neurons that are still immune",
        "try again when the oldest of them loses its immunity",
        True,
    ),
    "price_above_limit": Row(
        "the price of registration rose above what was agreed",
        "look at the price again, and agree to it or wait until it falls",
        False,
    ),
    "insufficient_balance": Row("the balance does not cover it", _FUND, False),
    "coldkey_frozen": Row(
        "the coldkey is frozen: a swap of it was announced",
        "finish or cancel the swap: btcli wallet swap-check",
        False,
    ),
    "serving_rate_limited": Row(
        "the endpoint was published too short a time ago", _KEEPS_TRYING, True
    ),
    "weights_rate_limited": Row("weights were set too short a time ago", _KEEPS_TRYING, True),
    "bad_endpoint": Row(
        "the chain does not take this endpoint",
        "check public_address in [network]: it must be reachable from the internet",
        False,
    ),
    "no_permit": Row(
        "this hotkey has no validator permit on the subnet",
        "it comes with enough stake, at the end of an epoch",
        False,
    ),
    "too_little_stake": Row(
        "this hotkey has too little stake to set weights", "stake more to it", False
    ),
    "old_version_key": Row(
        "the subnet asks for a newer version of the weights", "update polaris", False
    ),
    "bad_weights": Row("the chain does not take these weights", _REPORT, False),
    "weights_way_changed": Row("the subnet changed how weights are to be set", _KEEPS_TRYING, True),
    # The SDK's classes of errors, where it knows no more.
    "insufficient_liquidity": Row("the subnet's pool cannot bear it", "try again later", True),
    "rate_limited": Row("it was done too short a time ago", _KEEPS_TRYING, True),
    "not_authorized": Row("this key may not do that", "check which key it is", False),
    "already_exists": Row("it is so already", "nothing to do", False),
    "not_found": Row("the chain does not know of it", _REPORT, False),
    "subtoken_disabled": Row("the subnet has not started yet", "wait for its owner", False),
    "disabled": Row("the chain has switched this off", "wait until it is on again", False),
    "too_early": Row("it is too early for that", _KEEPS_TRYING, True),
    "expired": Row("it is too late for that", _KEEPS_TRYING, True),
    "limit_exceeded": Row("a limit of the chain is reached", "try again later", True),
    "unit_mismatch": Row("amounts of different kinds were mixed", _REPORT, False),
    "invalid_argument": Row("the chain does not take what was asked", _REPORT, False),
    "policy_violation": Row("it is against the safety policy", _REPORT, False),
    "internal": Row("the chain failed by itself", "try again later", True),
    "unknown": Row("the chain failed it, for a reason that is not known here", _REPORT, False),
}

# Pool refusals by the number of JSON-RPC, where the text says no more.
_REFUSALS = {
    1010: "rejected",
    1011: "rejected",
    1012: "already_sent",  # banned for a while, which it can be only if it was there
    1013: "already_sent",
    1014: "priority_too_low",
    1016: "pool_full",
}
_REFUSAL_TEXTS = (
    ("outdated", "stale_nonce"),
    ("in the future", "nonce_ahead"),
    ("bad signature", "bad_signature"),
    ("ancient birth block", "too_old"),
    ("pay some fees", "fee_unpaid"),
    ("block limit", "pool_full"),
)


def fail(code: str, detail: str = "", *, retry_after_s: float | None = None) -> Failed:
    """`detail` may be the other side's words: bounded, and without control characters."""
    row = CATALOGUE[code]
    words = plain(detail)
    return Failed(
        code=code,
        text=f"{row.text}: {words}" if words else row.text,
        remedy=row.remedy,
        passing=row.passing,
        retry_after_s=retry_after_s,
    )


def plain(text: str) -> str:
    clean = "".join(c if c.isprintable() else " " for c in text[: 4 * _MOST_DETAIL])
    words = " ".join(clean.split())
    return words if len(words) <= _MOST_DETAIL else words[: _MOST_DETAIL - 1] + "…"


def of_chain_error(code: str, name: str | None, message: str) -> Failed:
    """An error of the chain's rules: by its exact name, else by the SDK's class of it."""
    row = BY_NAME.get(name or "") or BY_CODE.get(code, "unknown")
    return fail(row, message if not name or name in message else f"{name}: {message}")


def of_refusal(number: int, message: str, named: str | None) -> Failed:
    """A node's pool did not take a transaction.  `named` is the SDK's name of the reason."""
    lowered = message.lower()
    for words, code in _REFUSAL_TEXTS:
        if words in lowered:
            return fail(code, message)
    if named in BY_NAME:
        return of_chain_error("unknown", named, message)
    return fail(_REFUSALS.get(number, "rejected"), message)


def of_policy(status: int | None, retry_after: str | None, message: str, now: float) -> Failed:
    """A node, or what stands before it, does not want this traffic."""
    asked_s = asked_for_s(retry_after, now)
    refused = status in (403, 1008) and asked_s is None
    code = "node_refuses" if refused else "node_rate_limited"
    return fail(code, message, retry_after_s=asked_s)


def asked_for_s(text: str | None, now: float) -> float | None:
    """What Retry-After says: seconds, a time in seconds or ms since 1970, or a date."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        try:
            value = parsedate_to_datetime(text).timestamp()
        except (ValueError, TypeError, OverflowError):
            return None
    if value != value:  # NaN
        return None
    if value >= _EPOCH_MS_FROM:
        value /= 1000.0
    return min(max(value - now if value >= _EPOCH_FROM else value, 0.0), _LONGEST_ASKED_S)
