"""Daemons with a fake driver library, as the tests of the daemon make them."""

from tests.daemon.conftest import polarisd
from tests.fakes.nvml.fixtures import fake_nvml

__all__ = ["fake_nvml", "polarisd"]
