"""The screen of `polarisctl status`: what runs, what is wrong, what to do."""

from __future__ import annotations

from polarisctl import values
from polarisctl.render import faults, readings
from polarisctl.render.gpu_rows import add_status_table
from polarisctl.render.page import Page
from polarisctl.terminal import BAD, BOLD, DIM, GOOD, WARN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from polarisctl.render.page import Span
    from polarisctl.render.readings import Record
    from polarisctl.terminal import Terminal

# Readings older than this are worth a warning: the slowest sampling is 60 s.
STALE_AFTER_S = 180.0

_HOST_READINGS = {
    "cpu_percent": "CPU use",
    "load_1m": "load",
    "memory_total_bytes": "memory",
    "memory_available_bytes": "free memory",
    "network_tx_bps": "network out",
    "network_rx_bps": "network in",
    "boot_at": "boot time",
}


def status(
    snapshot: Record, *, terminal: Terminal, now: float, version: str = "", verbose: bool = False
) -> str:
    """The whole screen.  `version` is this polarisctl's own."""
    page = Page(terminal)
    reasons = readings.Reasons()
    _add_daemon(page, snapshot, now, version, verbose)
    page.blank()
    add_status_table(page, values.gpus(snapshot), reasons, needed=values.needs_gpus(snapshot))
    if _has_place(snapshot):
        from polarisctl.render.chain import add_place  # of no use to a machine on its own

        page.blank()
        add_place(page, snapshot, now, reasons, verbose)
    page.blank()
    _add_host(page, snapshot.get("host"), now, reasons, verbose)
    found = faults.in_order(snapshot)
    if found:
        page.blank()
        page.heading("faults")
        faults.add_faults(page, found, faults.gpu_labels(snapshot), now)
    notes = reasons.lines()
    if notes:
        page.blank()
    for note in notes:
        page.prose(note, style=DIM)
    return page.text()


def _has_place(snapshot: Record) -> bool:
    """Whether there is a chain or a hotkey to speak of; also false of a daemon that sends
    nothing of them."""
    chain = values.get(snapshot, "chain")
    return bool(values.text(chain, "hotkey")) or values.text(chain, "state") not in (None, "off")


def _add_daemon(page: Page, snapshot: Record, now: float, version: str, verbose: bool) -> None:
    daemon = values.get(snapshot, "daemon")
    theirs = readings.text(daemon, "version")
    page.field(
        "polarisd",
        (f"{theirs} running", BOLD),
        f"up {readings.ago(daemon, 'started_at', now)}",
        f"pid {readings.text(daemon, 'pid')}",
        f"role {readings.text(daemon, 'role')}",
        f"mode {readings.text(daemon, 'mode')}",
    )
    if version and theirs not in (version, readings.NOT_KNOWN):
        why = f"polarisctl is {version}: sudo systemctl restart polarisd ends the upgrade"
        page.field("", (why, WARN))
    if verbose:
        page.field("config", readings.text(daemon, "config_path"))
    page.field(_offering_label(snapshot), *_offering(snapshot, now))
    page.field("driver", *_driver(snapshot))
    page.field("health", faults.summary(snapshot))
    taken_at = values.number(snapshot, "taken_at")
    if taken_at is not None and now - taken_at > STALE_AFTER_S:
        page.field("", (f"these readings are {values.age(now - taken_at)} old", BAD))
    if verbose:
        page.field("snapshot", f"{readings.text(snapshot, 'version')}, taken "
                   f"{readings.moment(snapshot, 'taken_at', now)}")  # fmt: skip


def _offering_label(snapshot: Record) -> str:
    """What begins and ends with `start` and `stop`: a validator offers nothing, it serves."""
    is_validator = values.text(snapshot, "daemon", "role") == "validator"
    return "serving" if is_validator else "offering"


def _offering(snapshot: Record, now: float) -> tuple[Span, ...]:
    offering = values.get(snapshot, "daemon", "offering")
    wanted = values.flag(offering, "wanted")
    since = f"since {readings.moment(offering, 'since_at', now)}"
    if wanted is None:
        return (readings.NOT_KNOWN,)
    if values.text(snapshot, "chain", "hotkey") == "":
        return (("no", WARN), "there is no hotkey: sudo polarisctl register")
    if wanted:
        return (("yes", GOOD), since)
    return (("no", WARN), since, "to begin: polarisctl start")


def _driver(snapshot: Record) -> tuple[Span, ...]:
    driver = values.get(snapshot, "driver")
    state = readings.text(driver, "state")
    detail = values.text(driver, "detail")
    if state != "ok" and not values.needs_gpus(snapshot):
        return (state, ("a validator needs none", DIM))
    if state != "ok":
        return ((f"{state}: {detail}" if detail else state, BAD if state != "starting" else WARN),)
    return (
        f"NVIDIA {readings.text(driver, 'driver_version')}",
        f"CUDA {readings.text(driver, 'cuda_version')}",
        f"NVML {readings.text(driver, 'nvml_version')}",
    )


def _add_host(
    page: Page, host: object, now: float, reasons: readings.Reasons, verbose: bool
) -> None:
    page.field(
        "host",
        readings.text(host, "hostname"),
        readings.text(host, "os_name"),
        f"Linux {readings.text(host, 'kernel')}",
        f"up {readings.ago(host, 'boot_at', now)}",
    )
    page.field("CPU", *_cpu(host))
    page.field("memory", *_memory(host))
    for disk in values.maps(host, "disks"):
        free, total = (values.number(disk, key) for key in ("free_bytes", "total_bytes"))
        path = readings.text(disk, "path")
        page.field("disk", f"{path}: {values.size(free)} free of {values.size(total)}")
        reasons.look(path, disk, {"free_bytes": "free space", "total_bytes": "size"})
    page.field(
        "network",
        f"{values.rate(values.number(host, 'network_tx_bps'))} out",
        f"{values.rate(values.number(host, 'network_rx_bps'))} in",
    )
    reasons.look("", host, _HOST_READINGS)
    if verbose:
        page.field("booted", readings.moment(host, "boot_at", now))


def _cpu(host: object) -> tuple[Span, ...]:
    loads = (readings.measured(host, f"load_{span}m", "{:.2f}".format) for span in (1, 5, 15))
    return (
        readings.text(host, "cpu_model"),
        f"{readings.text(host, 'cpu_cores')} cores",
        f"{readings.text(host, 'cpu_threads')} threads",
        f"{readings.measured(host, 'cpu_percent', readings.percent)} busy",
        f"load {' '.join(loads)}",
    )


def _memory(host: object) -> tuple[Span, ...]:
    total = values.number(host, "memory_total_bytes")
    available = values.number(host, "memory_available_bytes")
    swap_total = values.number(host, "swap_total_bytes")
    swap_used = values.number(host, "swap_used_bytes")
    memory = f"{values.size(available)} free of {values.size(total)}"
    if swap_total == 0:
        return memory, "no swap"
    return memory, f"swap {values.size(swap_used)} used of {values.size(swap_total)}"
