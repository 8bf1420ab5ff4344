"""List the addresses of the interfaces, for `polarisctl.doctor.addresses`."""

from __future__ import annotations

from polarisctl.doctor.addresses import Own, parse_addresses
from polarisctl.doctor.edge import Edge
from polarisd.api.reading import READ_ERROR, Reading, Unknown


def gather_addresses(edge: Edge) -> Reading[tuple[Own, ...] | None]:
    """None where there is no ip(8)."""
    ran = edge.run("ip", "-json", "address")
    if ran is None or isinstance(ran, Unknown):
        return ran
    if ran.status != 0:
        return Unknown(READ_ERROR, f"ip ended with {ran.status}")
    return parse_addresses(ran.stdout)
