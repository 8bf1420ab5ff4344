"""As in unit tests: an error in the log that was not announced fails the test."""

from tests.unit.conftest import no_unexpected_errors, pytest_configure

__all__ = ["no_unexpected_errors", "pytest_configure"]
