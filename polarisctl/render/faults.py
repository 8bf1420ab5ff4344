"""The faults of a snapshot: their order, their count, and their text."""

from __future__ import annotations

from polarisctl import values
from polarisctl.render import readings
from polarisctl.terminal import BAD, DIM, GOOD, NOTE, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.render.page import Page
    from polarisctl.render.readings import Record

# Why a GPU that is well may be withheld.
WELL_BUT_WITHHELD = ("withheld_by_owner", "benchmark_running")
SEVERITIES = ("error", "warning", "notice")
_STYLES = {"error": BAD, "warning": WARN, "notice": NOTE}


def in_order(snapshot: Record) -> list[Record]:
    """The worst first, and of those the oldest first."""
    return sorted(values.maps(snapshot, "faults"), key=_rank)


def healthy(snapshot: Record) -> bool:
    """Nothing is wrong, and nothing that could be is unknown."""
    return not _has_error(snapshot) and not _doubts(snapshot)


def summary(snapshot: Record) -> tuple[str, str]:
    """One line on health and its style: `2 errors, 1 warning`."""
    found = [str(fault.get("severity")) for fault in values.maps(snapshot, "faults")]
    counts = [
        f"{found.count(severity)} {severity}{'s' if found.count(severity) > 1 else ''}"
        for severity in (*SEVERITIES, *sorted(set(found) - set(SEVERITIES)))
        if severity in found
    ]
    doubts = _doubts(snapshot)
    if doubts and not _has_error(snapshot):  # an error says more than they do
        return ", ".join([*doubts, *counts]), WARN if _is_starting(snapshot) else BAD
    if not found:
        return "ok, no faults", GOOD
    worst = next((severity for severity in SEVERITIES if severity in found), "notice")
    return ", ".join(counts), _STYLES[worst]


def _has_error(snapshot: Record) -> bool:
    return any(fault.get("severity") == "error" for fault in values.maps(snapshot, "faults"))


def _is_starting(snapshot: Record) -> bool:
    return values.text(snapshot, "driver", "state") == "starting"


def _doubts(snapshot: Record) -> list[str]:
    """Why the machine is not healthy even where no fault says so."""
    needed = values.needs_gpus(snapshot)
    if needed and _is_starting(snapshot):
        return ["not known yet: the driver has not answered"]
    doubts = []
    state = values.text(snapshot, "driver", "state")
    if needed and state != "ok":
        doubts.append(f"not ok: the driver is {state or 'in a state that is not known'}")
    labels = gpu_labels(snapshot)
    doubts += [
        f"not ok: {labels[str(gpu.get('uuid'))]} is {why}"
        for gpu in values.maps(snapshot, "gpus")
        if (why := _doubt_of(gpu))
    ]
    return doubts


def _doubt_of(gpu: Record) -> str:
    codes = values.names(gpu, "withheld_by")
    if codes is None:
        return "perhaps withheld"
    others = [code for code in codes if code not in WELL_BUT_WITHHELD]
    if others:
        return f"withheld ({', '.join(others)})"
    state = values.text(gpu, "state")
    return "" if state == "ok" else state or "in a state that is not known"


def gpu_labels(snapshot: Record) -> dict[str, str]:
    """What people call each GPU: `GPU 3`, by its UUID."""
    return {
        str(gpu.get("uuid")): f"GPU {readings.text(gpu.get('identity'), 'index')}"
        for gpu in values.maps(snapshot, "gpus")
    }


def add_faults(page: Page, faults: Sequence[Record], labels: dict[str, str], now: float) -> None:
    """Each fault: severity, code, whose and since when; its text; its remedy."""
    for fault in faults:
        severity = readings.text(fault, "severity")
        uuid = str(fault.get("gpu_uuid") or "")
        whose = f"  {labels.get(uuid, uuid)}" if uuid else ""
        since = readings.moment(fault, "since_at", now)
        style = _STYLES.get(severity, NOTE)
        page.line(
            "  ",
            (severity.ljust(7), style),
            f"  {readings.text(fault, 'code')}{whose}  ",
            (f"since {since}", DIM),
        )
        page.prose(readings.text(fault, "text"), indent=11)
        if fault.get("remedy"):
            page.prose(str(fault["remedy"]), indent=11, first="→ ")


def _rank(fault: Record) -> tuple[int, float]:
    severity = fault.get("severity")
    place = SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
    return place, values.number(fault, "since_at") or 0.0
