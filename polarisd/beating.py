"""What a heartbeat says of this machine, out of the newest snapshot.  Pure."""

from __future__ import annotations

from polarisd.api.reading import known
from polarisd.api.snapshot import Snapshot
from polarisd.heartbeat.document import Gpu
from polarisd.heartbeat.making import Facts
from polarisd.sections import Ports


def facts_of(snapshot: Snapshot, ports: Ports) -> Facts:
    """Leases are yet to come: a machine that is offered has all of its slots free."""
    slots = ports.ssh_last - ports.ssh_first + 1
    offering = snapshot.daemon.offering.wanted
    wrong = [fault for fault in snapshot.faults if fault.severity == "error"]
    return Facts(
        endpoint=known(snapshot.network.endpoint),
        ssh_first=ports.ssh_first,
        ssh_last=ports.ssh_last,
        gpus=tuple(Gpu(uuid=gpu.uuid, withheld_by=gpu.withheld_by) for gpu in snapshot.gpus),
        slots_total=slots,
        slots_free=slots if offering else 0,
        offering=offering,
        version=snapshot.daemon.version,
        # A fault that names a GPU withholds that GPU, and is told there.
        healthy=not any(not fault.gpu_uuid for fault in wrong),
        faults=tuple(fault.code for fault in snapshot.faults),
    )
