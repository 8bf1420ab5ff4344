"""Tells what happened: to the journal, and to those who watch.

`keeper` calls it when its next snapshot is out.  No I/O but logging.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from polarisd.api import gpu as gpu_states
from polarisd.api.benchmark import FAILED, Run
from polarisd.api.chain import Chain
from polarisd.api.network import Network, Public
from polarisd.api.reading import Reading, Unknown, known
from polarisd.api.snapshot import Event, Fault
from polarisd.gpu.inventory import Card
from polarisd.gpu.sampling import GpuView
from polarisd.health.xid import meaning_of
from polarisd.journal import fields

log = logging.getLogger(__name__)

_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "notice": logging.INFO}


class Teller:
    """`tell` takes the event; `clock` is the wall's."""

    def __init__(self, tell: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._tell_event = tell
        self._clock = clock

    def xid(self, uuid: str, xid: int) -> None:
        meaning = meaning_of(xid)
        log.log(
            _LEVELS[meaning.severity],
            "XID %d on %s: %s",
            xid,
            uuid or "an unknown GPU",
            meaning.meaning,
            extra=fields(event="xid", gpu_uuid=uuid, xid=xid),
        )
        self._tell("xid", uuid, f"XID {xid}: {meaning.meaning}", xid=xid)

    def offering(self, wanted: bool) -> None:
        text = "offering begins" if wanted else "offering ends"
        log.info(text, extra=fields(event="offering_changed", wanted=wanted))
        self._tell("offering_changed", "", text)

    def config_reloaded(self) -> None:
        self._tell("config_reloaded", "", "configuration reloaded")

    def benchmark_begun(self, run: Run) -> None:
        told = fields(event="benchmark_begun", gpu_uuid=run.gpu_uuid)
        log.info("benchmark %d of %s (%s) begins", run.run, _subject(run), run.backend, extra=told)

    def benchmark_ended(self, run: Run) -> None:
        text = f"benchmark {run.run} of {_subject(run)}: {run.outcome}"
        text = f"{text}: {run.problem}" if run.problem else text
        told = fields(event="benchmark_ended", gpu_uuid=run.gpu_uuid, outcome=run.outcome)
        log.log(logging.WARNING if run.outcome == FAILED else logging.INFO, text, extra=told)
        self._tell("benchmark_ended", run.gpu_uuid, text, code=run.outcome)

    def gpus(self, before: GpuView, after: GpuView) -> None:
        """What differs between two views: the driver, and which GPUs are there."""
        if (before.driver.state, before.driver.driver_version) != (
            after.driver.state,
            after.driver.driver_version,
        ):
            version = known(after.driver.driver_version) or "unknown"
            text = f"driver ok, version {version}"
            if after.driver.state != "ok":
                text = f"driver {after.driver.state}: {after.driver.detail}"
            log.info(text, extra=fields(event="driver_changed", driver_state=after.driver.state))
            self._tell("driver_changed", "", text)
        were, are = _present(before.cards), _present(after.cards)
        for uuid in sorted(are - were):
            log.info("GPU %s appeared", uuid, extra=fields(event="gpu_appeared", gpu_uuid=uuid))
            self._tell("gpu_appeared", uuid, "the GPU appeared")
        for uuid in sorted(were - are):
            log.info("GPU %s is gone", uuid, extra=fields(event="gpu_missing", gpu_uuid=uuid))
            self._tell("gpu_missing", uuid, "the GPU is gone")

    def chain(self, before: Chain, after: Chain) -> None:
        """What differs between two standings: the connection, and the place on the subnet."""
        if before.state != after.state:
            text = (
                f"chain {after.state}: {after.detail}" if after.detail else f"chain {after.state}"
            )
            self._note("chain_changed", text)
        if before.uid != after.uid:
            uid = known(after.uid)
            text = f"no UID on subnet {after.netuid}" if uid is None else f"UID {uid}"
            self._note("registration_changed", text)
        if before.published != after.published and not isinstance(after.published, Unknown):
            published = after.published
            self._note(
                "endpoint_changed",
                f"the chain names {published.endpoint} since block {published.block}",
            )

    def network(self, before: Network, after: Network) -> None:
        for family, was, now in (
            ("IPv4", before.ipv4, after.ipv4),
            ("IPv6", before.ipv6, after.ipv6),
        ):
            if _address(was) == _address(now):
                continue
            text = f"no public {family} address"
            if not isinstance(now, Unknown):
                text = f"public {family} address {now.address} ({now.source})"
            self._note("address_changed", text)

    def faults(self, raised: Iterable[Fault], cleared: Iterable[Fault]) -> None:
        for fault in raised:
            self._fault("fault_raised", fault)
        for fault in cleared:
            self._fault("fault_cleared", fault)

    def _fault(self, kind: str, fault: Fault) -> None:
        raised = kind == "fault_raised"
        log.log(
            _LEVELS[fault.severity] if raised else logging.INFO,
            "%s: %s%s",
            fault.code,
            fault.text if raised else "over",
            f" → {fault.remedy}" if raised else "",
            extra=fields(event=kind, gpu_uuid=fault.gpu_uuid, fault=fault.code),
        )
        self._tell(kind, fault.gpu_uuid, fault.text, code=fault.code)

    def _note(self, kind: str, text: str) -> None:
        log.info(text, extra=fields(event=kind))
        self._tell(kind, "", text)

    def _tell(self, kind: str, uuid: str, text: str, *, code: str = "", xid: int = 0) -> None:
        at = self._clock()
        self._tell_event(Event(kind=kind, at=at, gpu_uuid=uuid, text=text, code=code, xid=xid))


def _present(cards: Iterable[Card]) -> set[str]:
    return {card.uuid for card in cards if card.state != gpu_states.MISSING}


def _subject(run: Run) -> str:
    return run.gpu_uuid or "the processor"


def _address(reading: Reading[Public]) -> str:
    return "" if isinstance(reading, Unknown) else reading.address
