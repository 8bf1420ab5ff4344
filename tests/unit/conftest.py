"""For every unit test: no error in the log goes unnoticed, and no deadline flakes."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest
from hypothesis import settings

# On a busy machine an example may take any time; the suite as a whole is timed instead.
settings.register_profile("polaris", deadline=None)
settings.load_profile("polaris")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "logs_errors(*patterns): the test makes these errors appear in the log, and no other",
    )


class _Errors(logging.Handler):
    """Keeps the text of every record of level ERROR and above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@pytest.fixture(autouse=True)
def no_unexpected_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """An error in the log fails the test unless it was announced, and if it was and is not there.

    Announce it with `@pytest.mark.logs_errors("a regular expression", ...)`.
    """
    errors = _Errors()
    root = logging.getLogger()
    root.addHandler(errors)
    try:
        yield
    finally:
        root.removeHandler(errors)
    expected = [p for mark in request.node.iter_markers("logs_errors") for p in mark.args]
    complaint = disagreement(errors.texts, expected)
    if complaint:
        pytest.fail(complaint)


def disagreement(texts: list[str], patterns: list[str]) -> str:
    """What is wrong between the errors that were logged and those announced, if anything."""
    surprising = [t for t in texts if not any(re.search(p, t) for p in patterns)]
    absent = [p for p in patterns if not any(re.search(p, t) for t in texts)]
    return "\n".join(
        [f"unexpected error in the log: {text}" for text in surprising]
        + [f"no error in the log matches {pattern!r}" for pattern in absent]
    )
