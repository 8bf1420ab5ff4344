"""As in unit tests, no error in the log goes unnoticed."""

from __future__ import annotations

from tests.unit.conftest import no_unexpected_errors

__all__ = ["no_unexpected_errors"]
