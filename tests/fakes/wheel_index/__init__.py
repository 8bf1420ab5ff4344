"""A package index on the loopback, of small wheels, with whatever can go wrong on the way."""

from tests.fakes.wheel_index.server import Fault, IndexServer
from tests.fakes.wheel_index.wheels import Member, make_lock, make_wheel

__all__ = ["Fault", "IndexServer", "Member", "make_lock", "make_wheel"]
