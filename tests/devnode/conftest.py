"""The tests of the devnode use its own fixtures, and the SDK."""

from tests.devnode.fixtures import (
    devnode,
    instant_devnode,
    make_devnode,
    runtime_cache,
    still_devnode,
)
from tests.devnode.sdk import connect

__all__ = [
    "connect",
    "devnode",
    "instant_devnode",
    "make_devnode",
    "runtime_cache",
    "still_devnode",
]
