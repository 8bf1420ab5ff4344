"""Everything known of one GPU: `polarisctl gpus UUID` and `gpus --verbose`.

The four tables below name every field of polarisd.api.gpu's records once; a
test holds them against those records.
"""

from __future__ import annotations

from polarisctl import values
from polarisctl.render import faults, readings
from polarisctl.render.page import Column, Page
from polarisctl.terminal import BAD, DIM, GOOD, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polarisctl.render.page import Span
    from polarisctl.render.readings import Record
    from polarisctl.terminal import Terminal

LABEL_CELLS = 28


def _bits(value: float) -> str:
    return f"{value:.0f} bit"


def _joules(value: float) -> str:
    return f"{value:.0f} J" if value < 10_000 else f"{value / 1000:.0f} kJ"


def _lanes(value: float) -> str:
    return f"x{value:.0f}"


def _yes_no(value: object) -> str:
    return "yes" if value is True else "no" if value is False else str(value)


def _joined(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


# key: (label, form); a form is for a number unless it is one of these three.
_FOR_ANYTHING = (str, _yes_no, _joined)

IDENTITY: dict[str, tuple[str, Callable[..., str]]] = {
    "uuid": ("UUID", str),
    "index": ("index", str),
    "name": ("name", str),
    "pci_bus_id": ("PCI bus id", str),
    "serial": ("serial number", str),
    "board_part": ("board part number", str),
    "vbios": ("VBIOS", str),
    "architecture": ("architecture", str),
    "compute_capability": ("compute capability", str),
    "cuda_cores": ("CUDA cores", readings.count),
    "memory_bus_bits": ("memory bus", _bits),
    "vram_bytes": ("VRAM", values.size),
    "pcie_max_generation": ("PCIe generation, most", readings.count),
    "pcie_max_width": ("PCIe width, most", _lanes),
    "power_limit_default_w": ("power limit, default", readings.watts),
    "power_limit_min_w": ("power limit, least", readings.watts),
    "power_limit_max_w": ("power limit, most", readings.watts),
    "sm_clock_max_mhz": ("SM clock, most", readings.megahertz),
    "memory_clock_max_mhz": ("memory clock, most", readings.megahertz),
    "slowdown_temperature_c": ("slows down at", readings.celsius),
    "shutdown_temperature_c": ("shuts down at", readings.celsius),
    "minor_number": ("minor number", readings.count),
    "numa_node": ("NUMA node", readings.count),
}
SAMPLE: dict[str, tuple[str, Callable[..., str]]] = {
    "utilisation_percent": ("use", readings.percent),
    "memory_busy_percent": ("memory busy", readings.percent),
    "vram_used_bytes": ("VRAM used", values.size),
    "vram_free_bytes": ("VRAM free", values.size),
    "vram_reserved_bytes": ("VRAM reserved by driver", values.size),
    "power_w": ("power", readings.watts),
    "energy_j": ("energy since driver load", _joules),
    "temperature_c": ("temperature", readings.celsius),
    "memory_temperature_c": ("memory temperature", readings.celsius),
    "sm_clock_mhz": ("SM clock", readings.megahertz),
    "memory_clock_mhz": ("memory clock", readings.megahertz),
    "throttle": ("throttle", _joined),
    "pcie_tx_bps": ("PCIe out", values.rate),
    "pcie_rx_bps": ("PCIe in", values.rate),
    "nvlink_tx_bps": ("NVLink out", values.rate),
    "nvlink_rx_bps": ("NVLink in", values.rate),
}
CONDITION: dict[str, tuple[str, Callable[..., str]]] = {
    "power_limit_w": ("power limit", readings.watts),
    "performance_state": ("performance state", "P{:.0f}".format),
    "fan_percent": ("fan", readings.percent),
    "pcie_generation": ("PCIe generation", readings.count),
    "pcie_width": ("PCIe width", _lanes),
    "pcie_replays": ("PCIe replays", readings.count),
    "persistence_mode": ("persistence mode", _yes_no),
    "compute_mode": ("compute mode", str),
    "ecc_mode": ("ECC", _yes_no),
    "ecc_mode_pending": ("ECC after reboot", _yes_no),
    "ecc_corrected_volatile": ("ECC corrected, this boot", readings.count),
    "ecc_uncorrected_volatile": ("ECC uncorrected, this boot", readings.count),
    "ecc_corrected_total": ("ECC corrected, ever", readings.count),
    "ecc_uncorrected_total": ("ECC uncorrected, ever", readings.count),
    "remapped_rows_correctable": ("rows remapped, corrected", readings.count),
    "remapped_rows_uncorrectable": ("rows remapped, uncorrected", readings.count),
    "row_remap_pending": ("row remap pending", _yes_no),
    "row_remap_failed": ("row remap failed", _yes_no),
    "retired_pages_pending": ("page retirement pending", _yes_no),
    "recovery_action": ("recovery action", str),
    "nvlinks_up": ("NVLinks up", readings.count),
    "nvlinks": ("NVLinks", readings.count),
    "mig_mode": ("MIG", _yes_no),
    "mig_mode_pending": ("MIG after reset", _yes_no),
}
MIG_DEVICE: dict[str, tuple[str, Callable[..., str]]] = {
    "uuid": ("UUID", str),
    "gpu_instance": ("GPU instance", readings.count),
    "compute_instance": ("compute instance", readings.count),
    "multiprocessors": ("multiprocessors", readings.count),
    "vram_bytes": ("VRAM", values.size),
    "vram_used_bytes": ("VRAM used", values.size),
}
_PROCESS_COLUMNS = (
    Column("PID", right=True),
    Column("KIND", drop=1),
    Column("VRAM", right=True, drop=2),
    Column("NAME", least=8),
)


def gpu_detail(gpu: Record, snapshot: Record, *, terminal: Terminal, now: float) -> str:
    page = Page(terminal)
    identity, sample, condition = (gpu.get(k) for k in ("identity", "sample", "condition"))
    index = readings.text(identity, "index")
    page.heading(f"GPU {index}: {readings.text(identity, 'name')}")
    state = readings.text(gpu, "state")
    page.field("state", (state, GOOD if state == "ok" else BAD), label_cells=LABEL_CELLS)
    page.field("withheld", *_withheld(gpu), label_cells=LABEL_CELLS)
    _add_fields(page, identity, IDENTITY)
    page.blank()
    page.heading(f"now (read {readings.moment(sample, 'read_at', now)})")
    _add_fields(page, sample, SAMPLE)
    page.blank()
    page.heading(f"condition (read {readings.moment(condition, 'read_at', now)})")
    _add_fields(page, condition, CONDITION)
    _add_processes(page, condition)
    for device in values.maps(gpu, "mig_devices"):
        _add_mig_device(page, device)
    _add_faults(page, gpu, snapshot, now)
    return page.text()


def _withheld(gpu: Record) -> Sequence[Span]:
    codes = values.names(gpu, "withheld_by")
    if codes is None:
        return (readings.NOT_KNOWN,)
    return [(code, WARN) for code in codes] if codes else ("no",)


def _add_fields(
    page: Page, record: object, fields: dict[str, tuple[str, Callable[..., str]]]
) -> None:
    for key, (label, form) in fields.items():
        reason = values.why(record, key)
        value = values.get(record, key)
        if reason:
            shown: Span = (f"{readings.NOT_KNOWN} ({reason})", DIM)
        elif form in _FOR_ANYTHING:
            shown = form(value)
        else:
            shown = readings.measured(record, key, form)
        page.field(label, shown, label_cells=LABEL_CELLS)


def _add_processes(page: Page, holder: object) -> None:
    page.blank()
    reason = values.why(holder, "processes")
    found = values.maps(holder, "processes")
    if reason or not found:
        page.prose(f"processes: {readings.NOT_KNOWN} ({reason})" if reason else "no processes")
        return
    page.heading("processes")
    page.table(
        _PROCESS_COLUMNS,
        [
            [
                readings.text(process, "pid"),
                readings.text(process, "kind"),
                readings.measured(process, "vram_bytes", values.size),
                readings.text(process, "name"),
            ]
            for process in found
        ],
    )


def _add_mig_device(page: Page, device: Record) -> None:
    page.blank()
    page.heading(f"MIG device {readings.text(device, 'index')}: {readings.text(device, 'name')}")
    _add_fields(page, device, MIG_DEVICE)
    _add_processes(page, device)


def _add_faults(page: Page, gpu: Record, snapshot: Record, now: float) -> None:
    uuid = gpu.get("uuid")
    found = [fault for fault in faults.in_order(snapshot) if fault.get("gpu_uuid") == uuid]
    page.blank()
    if not found:
        page.line("no faults")
        return
    page.heading("faults")
    faults.add_faults(page, found, faults.gpu_labels(snapshot), now)
