"""JSON within bounds, and nothing else."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.http.documents import MAX_DEPTH, MAX_ITEMS, BadDocument, dump, parse

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
documents = st.dictionaries(
    st.text(),
    st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
    ),
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return int(isinstance(value, (dict, list))) + max(map(depth, inner), default=0)


@given(documents.filter(lambda document: depth(document) <= MAX_DEPTH))
def test_what_goes_comes_back(document: dict[str, object]) -> None:
    assert parse(dump(document)) == document


@given(st.binary(max_size=200))
def test_garbage_is_refused_in_order(body: bytes) -> None:
    with suppress(BadDocument):
        assert isinstance(parse(body), dict)


@given(st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_only_an_object_is_a_document(value: object) -> None:
    body = json.dumps(value).encode()
    if isinstance(value, dict):
        assert parse(body) == value
    else:
        with pytest.raises(BadDocument, match="not a JSON object"):
            parse(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{}{}", "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"[]", "not a JSON object"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b'{"a":"\xc3"}', "not UTF-8"),
        (b'{"a":NaN}', "NaN is not JSON"),
        (b'{"a":-Infinity}', "-Infinity is not JSON"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":' + b"9" * 21 + b"}", "more than 20 digits"),
        (b'{"a":' + b"9" * 60000 + b"}", "more than 20 digits"),
        (b'{"a":1,"a":2}', "twice"),
        (b'{"b":{"a":1,"\\u0061":2}}', "twice"),
        (b'{"a":"\\ud800"}', "half a character"),
        (b'{"\\udfff":1}', "half a character"),
        (b'{"a":' + b"[" * 17 + b"]" * 17 + b"}", "nested deeper"),
        (b'{"a":' + b"[" * 30000 + b"]" * 30000 + b"}", "nested deeper"),
        (b'{"a":' * 10000 + b"1" + b"}" * 10000, "nested deeper"),
        (b'{"a":[' + b"0," * MAX_ITEMS + b"0]}", "items"),
    ],
)
def test_bad_documents(body: bytes, why: str) -> None:
    with pytest.raises(BadDocument, match=why):
        parse(body)


def test_the_deepest_and_the_largest() -> None:
    parse(b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}")
    parse(b'{"a":[' + b"0," * (MAX_ITEMS - 4) + b"0]}")
    assert parse('{"a":"\\ud83d\\ude00 ü"}'.encode()) == {"a": "😀 ü"}
