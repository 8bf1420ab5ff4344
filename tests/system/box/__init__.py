"""Boxes: containers with a systemd of their own, to try the package and the unit in.

Root only.  They need mmdebstrap, systemd-nspawn, nsenter, unshare and setpriv; the host's own PID 1
may be anything.  A box has a network of its own, with an interface that leads to the host only.
"""

from tests.system.box.image import base_image
from tests.system.box.machine import Box
from tests.system.box.wait import wait_for

__all__ = ["Box", "base_image", "wait_for"]
