"""What validators reach of this machine, and which firewall to look at.  Pure.

It takes a look from outside, so this is the daemon's word, from what validators said.
"""

from __future__ import annotations

from polarisctl import values
from polarisctl.doctor.config import Settings
from polarisctl.doctor.daemon import Daemon
from polarisctl.doctor.finding import Finding, failure, ok, skipped
from polarisctl.doctor.network import Firewall

CLOSED = "ports_closed"


def from_outside(daemon: Daemon, firewall: Firewall, settings: Settings) -> Finding:
    if not isinstance(daemon.snapshot, dict):
        return skipped("polarisd does not answer")
    for fault in values.maps(daemon.snapshot, "faults"):
        if fault.get("code") == CLOSED:
            advice = f"{fault.get('remedy', '')}."
            wanted = "its ports open to the Internet"
            allowed = _commands(firewall, settings)
            return failure(str(fault.get("text", "")), wanted, advice, *allowed)
    told = [each for each in values.maps(daemon.snapshot, "validators") if _has_looked(each)]
    if not told:
        return skipped("no validator has said yet what it can reach")
    return ok(f"{len(told)} validators reach it" if len(told) > 1 else "a validator reaches it")


def _has_looked(validator: object) -> bool:
    return any(
        seen.get("answer") not in (None, "not_tried") for seen in values.maps(validator, "ports")
    )


def _commands(firewall: Firewall, settings: Settings) -> tuple[str, ...]:
    """Those of the firewall that is switched on here; else a look at whatever there is."""
    spans = [str(settings.api_port)]
    if settings.ssh_ports:
        spans.append(f"{settings.ssh_ports[0]}:{settings.ssh_ports[-1]}")
    if firewall.ufw is True:
        return (f"sudo ufw allow {','.join(spans)}/tcp",)
    if firewall.firewalld is True:
        lines = [
            f"sudo firewall-cmd --permanent --add-port={span.replace(':', '-')}/tcp"
            for span in spans
        ]
        return (*lines, "sudo firewall-cmd --reload")
    return ("sudo nft list ruleset",)
