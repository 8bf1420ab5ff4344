"""Whether the clock is held in step with the world.  Pure; made by `gather.clock`."""

from __future__ import annotations

from dataclasses import dataclass

from polarisctl.doctor import limits
from polarisctl.doctor.finding import Finding, cannot_tell, failure, ok, warning
from polarisd.api.reading import Reading, Unknown

STA_UNSYNC = 0x0040  # adjtimex(2)
# What the kernel's estimate of its own error grows to when nobody disciplines it.
NO_ESTIMATE_S = 16.0


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What adjtimex(2) says: the kernel's own word, whichever service sets it."""

    synchronised: bool
    max_error_s: float


@dataclass(frozen=True, slots=True)
class Clock:
    """`service` is whether a time service is switched on, as timedatectl sees it."""

    kernel: Reading[KernelClock]
    service: Reading[bool | None]


def parse_timedatectl(text: str) -> bool | None:
    """NTP=yes or NTP=no in the output of `timedatectl show`; None without either."""
    for line in text.splitlines():
        if line.strip() in ("NTP=yes", "NTP=no"):
            return line.strip() == "NTP=yes"
    return None


def clock(clock: Clock) -> Finding:
    needed = f"a clock in sync, off by at most {limits.CLOCK_MAX_ERROR_S:g} s"
    kernel = clock.kernel
    if isinstance(kernel, Unknown):
        return cannot_tell("the kernel's clock state", kernel, needed)
    switch_on = "sudo timedatectl set-ntp true"
    look = "timedatectl timesync-status"
    if not kernel.synchronised:
        if clock.service is True:
            return warning(
                "not in sync yet, though a time service is on",
                needed,
                "Wait a minute; if it stays so, let UDP port 123 out and look at the service:",
                look,
            )
        advice = "Switch a time service on (apt install systemd-timesyncd, or chrony):"
        if clock.service is False:
            return failure("not in sync, and no time service is on", needed, advice, switch_on)
        # Nobody says whether anything keeps it: some hypervisors do, unseen from here.
        return warning("the kernel counts it as not in sync", needed, advice, switch_on)
    if kernel.max_error_s > limits.CLOCK_MAX_ERROR_S:
        return warning(f"in sync, but up to {kernel.max_error_s:.1f} s off", needed, "See:", look)
    return ok(f"in sync, at most {kernel.max_error_s * 1000:.0f} ms off")
