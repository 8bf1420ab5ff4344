"""The watch over the log that every unit test stands under."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.conftest import disagreement

CONFTEST = Path(__file__).parent / "conftest.py"
TESTS = """
import logging
import pytest

log = logging.getLogger("polarisd.somewhere")

def test_quiet():
    log.warning("only this")

def test_unexpected():
    log.error("nobody said so")

@pytest.mark.logs_errors("^cannot write .*", "full")
def test_announced():
    log.error("cannot write /x: the disk is full")

@pytest.mark.logs_errors("cannot write")
def test_announced_and_absent():
    pass

@pytest.mark.logs_errors("cannot write")
def test_another_than_announced():
    log.error("cannot write")
    log.critical("cannot read")
"""


def test_an_unexpected_error_fails_a_test_and_so_does_one_that_does_not_come(
    tmp_path: Path,
) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_log.py").write_text(TESTS)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-rEp",
            "-p",
            "no:cacheprovider",
            "--strict-markers",
        ],
        cwd=tmp_path,
        # with CI set, pytest says every complaint again in its summary
        env={name: value for name, value in os.environ.items() if name != "CI"},
        capture_output=True,
        text=True,
        check=False,
    )
    unwell = {line.split()[1].partition("::")[2] for line in lines(done.stdout, "ERROR test_log")}
    assert unwell == {"test_unexpected", "test_announced_and_absent", "test_another_than_announced"}
    for complaint in (
        "unexpected error in the log: nobody said so",
        "unexpected error in the log: cannot read",
        "no error in the log matches 'cannot write'",
    ):
        assert done.stdout.count(f"Failed: {complaint}") == 1


def lines(text: str, start: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(start)]


@pytest.mark.parametrize(
    ("texts", "patterns", "said"),
    [
        ([], [], ""),
        (["a", "a"], ["a"], ""),
        (["ab"], ["a", "b"], ""),
        (["a"], [], "unexpected error in the log: a"),
        ([], ["a"], "no error in the log matches 'a'"),
    ],
)
def test_errors_and_announcements_must_agree(
    texts: list[str], patterns: list[str], said: str
) -> None:
    assert disagreement(texts, patterns) == said
