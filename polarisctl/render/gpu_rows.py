"""GPUs a line each: the tables of `polarisctl status` and `polarisctl gpus`."""

from __future__ import annotations

from polarisctl import values
from polarisctl.render import readings
from polarisctl.render.page import Column, Page
from polarisctl.render.readings import Reasons
from polarisctl.terminal import BAD, DIM, GOOD, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from polarisctl.render.page import Span
    from polarisctl.render.readings import Record
    from polarisctl.terminal import Terminal

_SHOWN = {
    "utilisation_percent": "use",
    "vram_used_bytes": "VRAM use",
    "power_w": "power",
    "temperature_c": "temperature",
}
_REMARKED = {"sm_clock_mhz": "SM clock", "throttle": "throttle"}
_REMARKED_OF_CONDITION = {"power_limit_w": "power limit", "processes": "processes"}
_COLUMNS = (
    Column("GPU", right=True),
    Column("NAME", least=8),
    Column("STATE"),
    Column("USE", right=True, drop=2),
    Column("VRAM GiB", right=True, drop=3),
    Column("POWER", right=True, drop=4),
    Column("TEMP", right=True, drop=5),
    Column("WITHHELD", least=8, drop=1),
)


def add_status_table(
    page: Page, gpus: Sequence[Record], reasons: Reasons, *, needed: bool = True
) -> None:
    if not gpus:
        page.line("no GPUs" if needed else "no GPUs, and a validator needs none")
        return
    page.table(_COLUMNS, [_row(gpu) for gpu in gpus])
    for gpu in gpus:
        _look(gpu, reasons)


def gpus_table(gpus: Sequence[Record], terminal: Terminal) -> str:
    """As the table of status, with two more lines on each GPU."""
    page = Page(terminal)
    if not gpus:
        page.line("no GPUs")
        return page.text()
    reasons = Reasons()
    rows: list[Sequence[Span]] = []
    for gpu in gpus:
        where = f"{gpu.get('uuid')}  PCI {readings.text(gpu.get('identity'), 'pci_bus_id')}"
        rows += [_row(gpu), [(where, DIM)], [(_remark(gpu), DIM)]]
        label = _look(gpu, reasons)
        reasons.look(label, gpu.get("sample"), _REMARKED)
        reasons.look(label, gpu.get("condition"), _REMARKED_OF_CONDITION)
    page.table(_COLUMNS, rows)
    notes = reasons.lines()
    if notes:
        page.blank()
    for note in notes:
        page.prose(note, style=DIM)
    return page.text()


def _look(gpu: Record, reasons: Reasons) -> str:
    """Note what the table of status cannot show of a GPU, and return its label."""
    label = f"GPU {readings.text(gpu.get('identity'), 'index')}"
    reasons.look(label, gpu.get("sample"), _SHOWN)
    reasons.look(label, gpu.get("identity"), {"vram_bytes": "VRAM size"})
    return label


def _row(gpu: Record) -> list[Span]:
    identity, sample = gpu.get("identity"), gpu.get("sample")
    state = readings.text(gpu, "state")
    vram = values.number(sample, "vram_used_bytes"), values.number(identity, "vram_bytes")
    return [
        readings.text(identity, "index"),
        readings.text(identity, "name").removeprefix("NVIDIA "),
        (state, GOOD if state == "ok" else BAD),
        readings.measured(sample, "utilisation_percent", readings.percent),
        readings.used_of(*vram),
        readings.measured(sample, "power_w", readings.watts),
        readings.measured(sample, "temperature_c", readings.celsius),
        _withheld(gpu),
    ]


def _withheld(gpu: Record) -> Span:
    codes = values.names(gpu, "withheld_by")
    if codes is None:
        return readings.NOT_KNOWN
    return (", ".join(codes), WARN) if codes else "no"


def _remark(gpu: Record) -> str:
    """`SM 1980 MHz, limit 700 W, throttle none, 2 processes`."""
    sample, condition = gpu.get("sample"), gpu.get("condition")
    throttle = values.names(sample, "throttle")
    parts = [
        f"SM {readings.measured(sample, 'sm_clock_mhz', readings.megahertz)}",
        f"limit {readings.measured(condition, 'power_limit_w', readings.watts)}",
        f"throttle {readings.NOT_KNOWN if throttle is None else ' '.join(throttle) or 'none'}",
        _counted(values.get(condition, "processes"), "process", "processes"),
    ]
    if gpu.get("mig_devices"):
        parts.append(_counted(gpu["mig_devices"], "MIG device", "MIG devices"))
    return ", ".join(parts)


def _counted(found: object, one: str, many: str) -> str:
    if not isinstance(found, list):
        return f"{many} {readings.NOT_KNOWN}"
    return f"{len(found) or 'no'} {one if len(found) == 1 else many}"
