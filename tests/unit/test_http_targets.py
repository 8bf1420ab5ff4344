"""Whom the client asks at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarisd.http.exchange import target_of
from polarisd.http.targets import address_of, is_path, is_url
from tests.unit.http_support import targets


@given(st.ip_addresses(), st.integers(1, 65535))
def test_endpoints_are_addresses_with_a_port(address: object, port: int) -> None:
    text = str(address)
    endpoint = f"[{text}]:{port}" if ":" in text else f"{text}:{port}"
    assert address_of(endpoint) == (text, port)


@pytest.mark.parametrize(
    "text",
    [
        "", "1.2.3.4", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "1.2.3.4:080", "1.2.3:80",
        "1.2.3.4.5:80", "256.1.1.1:80", "host:80", "localhost:80", "::1:80", "[::1]", "[::1%lo]:80",
        "[1.2.3.4]:80", "1.2.3.4:80/x", "u@1.2.3.4:80", " 1.2.3.4:80", "1.2.3.4:80\n", "0x7f.1:80",
        "١.2.3.4:80", "1.2.3.4:८0",
    ],
)  # fmt: skip
def test_anything_else_is_no_endpoint(text: str) -> None:
    assert address_of(text) is None


@given(targets)
def test_a_path_is_sent_as_it_is_signed(path: str) -> None:
    if is_path(path):
        target = target_of(f"http://127.0.0.1:1{path}")
        assert target.isascii() and target.isprintable() and " " not in target


def test_paths_of_ours_are_sent_unchanged() -> None:
    for path in ("/", "/v1/heartbeat", "/v1/x?after=12&of=a"):
        assert is_path(path)
        assert target_of(f"http://127.0.0.1:1{path}") == path


@pytest.mark.parametrize("path", ["", "x", "//a b", "/ü", "/a\r\nHost: b", "/a#b", "/a\x00"])
def test_bad_paths(path: str) -> None:
    assert not is_path(path)


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://ip.example/", True),
        ("https://ip.example:444/x?y", True),
        ("http://[2001:db8::1]/", True),
        ("ftp://ip.example/", False),
        ("file:///etc/passwd", False),
        ("http://", False),
        ("http://user:pass@ip.example/", False),
        ("http://ip.example:0/", False),
        ("http://ip.example:99999/", False),
        ("http://ip example/", False),
        ("http://[::1/", False),
        ("http://ip.example/\r\nx: y", False),
        ("http://ip.example/" + "x" * 500, False),
    ],
)
def test_urls(url: str, good: bool) -> None:
    assert is_url(url) is good
