"""What a heartbeat says of the machine."""

from __future__ import annotations

from dataclasses import replace

from polarisd.api.network import Network
from polarisd.api.snapshot import Fault, Offering
from polarisd.beating import facts_of
from polarisd.sections import Ports
from tests.unit.build import gpu, snapshot, uuid_of


def fault(code: str, severity: str, gpu_uuid: str = "") -> Fault:
    return Fault(code=code, severity=severity, gpu_uuid=gpu_uuid, text="", remedy="", since_at=0.0)


def test_a_machine_that_is_well() -> None:
    shown = snapshot(
        gpus=(gpu(0), gpu(1, withheld_by=("withheld_by_owner",))),
        network=Network(endpoint="198.51.100.7:8000"),
    )
    facts = facts_of(shown, Ports(ssh_first=11000, ssh_last=11004))
    assert (facts.endpoint, facts.healthy, facts.faults) == ("198.51.100.7:8000", True, ())
    assert [(g.uuid, g.withheld_by) for g in facts.gpus] == [
        (uuid_of(0), ()),
        (uuid_of(1), ("withheld_by_owner",)),
    ]
    assert (facts.ssh_first, facts.ssh_last) == (11000, 11004)
    assert (facts.slots_total, facts.slots_free, facts.offering) == (5, 5, True)


def test_an_endpoint_that_is_not_known_is_none() -> None:
    assert facts_of(snapshot(), Ports()).endpoint is None


def test_a_machine_that_is_not_offered_has_no_slot_free() -> None:
    base = snapshot()
    stopped = replace(base.daemon, offering=Offering(wanted=False, since_at=0.0))
    facts = facts_of(replace(base, daemon=stopped), Ports())
    assert (facts.offering, facts.slots_total, facts.slots_free) == (False, 3, 0)


def test_a_gpus_fault_is_that_gpus_and_not_the_machines() -> None:
    sick = snapshot(faults=(fault("gpu_lost", "error", uuid_of(0)), fault("disk_low", "warning")))
    facts = facts_of(sick, Ports())
    assert (facts.healthy, facts.faults) == (True, ("gpu_lost", "disk_low"))
    unfit = snapshot(faults=(fault("driver_absent", "error"),))
    assert facts_of(unfit, Ports()).healthy is False
