"""The hotkey from its credential: one that is good, none, and every kind of bad one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from polarisd import keys
from polarisd.identity import CREDENTIAL, NoHotkey, load
from polarisd.keys import Hotkey

HOTKEY = keys.from_seed(bytes(range(32)))
KEYFILE = keys.keyfile(HOTKEY)


@pytest.fixture
def credential(tmp_path: Path) -> Path:
    return tmp_path / CREDENTIAL


def environ(credential: Path) -> dict[str, str]:
    return {"CREDENTIALS_DIRECTORY": str(credential.parent)}


def test_a_good_one(credential: Path) -> None:
    credential.write_bytes(KEYFILE)
    found = load(environ(credential))
    assert isinstance(found, Hotkey)
    assert found.ss58 == HOTKEY.ss58


@pytest.mark.parametrize("content", [None, b"", b"\n", b"  \n"])
def test_none(credential: Path, content: bytes | None) -> None:
    """The unit gives a blank line where there is no file."""
    if content is not None:
        credential.write_bytes(content)
    assert load(environ(credential)) == NoHotkey()


def test_no_credentials_at_all() -> None:
    assert load({}) == NoHotkey()
    assert load({"CREDENTIALS_DIRECTORY": ""}) == NoHotkey()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"$NACL" + bytes(100), "encrypted"),
        (b"no keyfile", "not a bittensor keyfile"),
        (b'{"ss58Address": "5F"}', "no secret key"),
        (b"0" * (keys.MAX_KEYFILE_BYTES + 1), "too large"),
    ],
)
def test_a_bad_one_says_why_and_what_to_do(credential: Path, content: bytes, why: str) -> None:
    credential.write_bytes(content)
    found = load(environ(credential))
    assert isinstance(found, NoHotkey)
    assert why in found.why
    assert found.remedy


def test_what_is_no_file_is_not_waited_for(credential: Path) -> None:
    os.mkfifo(credential)
    found = load(environ(credential))
    assert isinstance(found, NoHotkey)
    assert "not a regular file" in found.why


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_one_that_may_not_be_read(credential: Path) -> None:
    credential.write_bytes(KEYFILE)
    credential.chmod(0)
    found = load(environ(credential))
    assert isinstance(found, NoHotkey)
    assert "Permission denied" in found.why


def test_it_is_a_directory(credential: Path) -> None:
    credential.mkdir()
    found = load(environ(credential))
    assert isinstance(found, NoHotkey)
    assert found.why
