"""Read the clock's state: adjtimex(2) and `timedatectl show`.

adjtimex with no mode bits only reads and needs no privilege.  It is the
kernel's own word, so it is right under timesyncd, chrony and ntpd alike, and
where there is no systemd.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable

from polarisctl.doctor.clock import STA_UNSYNC, Clock, KernelClock, parse_timedatectl
from polarisctl.doctor.edge import Edge, unknown_from
from polarisd.api.reading import NOT_SUPPORTED, Reading, Unknown

TIME_ERROR = 5


class _Timex(ctypes.Structure):
    """struct timex of the kernel's headers, to its full size: the call fills it all."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def read_kernel_clock() -> Reading[KernelClock]:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "adjtimex"):
        return Unknown(NOT_SUPPORTED, "the C library has no adjtimex")
    timex = _Timex()
    state = libc.adjtimex(ctypes.byref(timex))
    if state < 0:
        number = ctypes.get_errno()
        return unknown_from(OSError(number, os.strerror(number)))
    in_sync = state != TIME_ERROR and not timex.status & STA_UNSYNC
    return KernelClock(synchronised=in_sync, max_error_s=timex.maxerror / 1e6)


def gather_clock(
    edge: Edge, read_kernel: Callable[[], Reading[KernelClock]] = read_kernel_clock
) -> Clock:
    return Clock(kernel=read_kernel(), service=_service(edge))


def _service(edge: Edge) -> Reading[bool | None]:
    ran = edge.run("timedatectl", "show", "--property=NTP")
    if ran is None or isinstance(ran, Unknown):
        return ran
    return parse_timedatectl(ran.stdout) if ran.status == 0 else None
