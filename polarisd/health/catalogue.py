"""Every fault that polarisd can raise: code, severity, text, remedy, patience.

Those of the GPUs and of the machine are here, those of chain and network in
`network_catalogue`.

`text` is filled in with the facts of the sign that raised it.  A fault of
severity `error` withholds the GPU it names; one that names no GPU makes the
machine unhealthy.  `visible_after_s` is how long a sign must hold before the
fault is shown, so that what comes and goes in seconds does not flap.
"""

from __future__ import annotations

from polarisd.health.kind import ERROR, NOTICE, SEVERITIES, WARNING, FaultKind
from polarisd.health.kind import error as _error
from polarisd.health.kind import notice as _notice
from polarisd.health.kind import warning as _warning
from polarisd.health.network_catalogue import NETWORK

__all__ = ["CATALOGUE", "ERROR", "FORGET", "NOTICE", "RESET", "SEVERITIES", "WARNING", "FaultKind"]

RESET = (
    "free the GPU and reset it: sudo systemctl stop polarisd && sudo nvidia-smi --gpu-reset "
    "-i {uuid} && sudo systemctl start polarisd"
)
FORGET = "then: sudo polarisctl gpus --forget {uuid}"

_DRIVER = (
    _error(
        "driver_absent",
        "no NVIDIA driver: {detail}",
        "sudo polarisctl doctor says whether there is an NVIDIA GPU and how to install its "
        "driver here; reboot after that",
    ),
    _error(
        "driver_mismatched",
        "the driver was upgraded but the old kernel module still runs: {detail}",
        "reboot, or unload the old nvidia modules and load the new ones",
    ),
    _error(
        "driver_forbidden",
        "polarisd may not use the driver: {detail}",
        "check the permissions of /dev/nvidia* and the DeviceAllow= lines of: "
        "systemctl cat polarisd",
    ),
    _error(
        "driver_failed",
        "the driver does not work: {detail}",
        "look for NVRM lines in: sudo dmesg; restarting polarisd is not needed, it keeps trying",
    ),
    _error(
        "driver_slow",
        "the driver has not listed its GPUs yet, so nothing can be said of them",
        "wait: without persistence mode it takes seconds a GPU; if this lasts for a minute, look "
        "for NVRM lines in: sudo dmesg",
        visible_after_s=5.0,
    ),
    _error(
        "no_gpus",
        "the driver works and shows no GPU",
        "check lspci -d 10de: and that no GPU is bound to vfio-pci or nouveau",
    ),
    _error(
        "gpu_unreadable",
        "the driver shows a GPU that it does not let Polaris use: {detail}",
        "look for NVRM lines in sudo dmesg, check its power cables and seat, then power the "
        "machine off and on",
    ),
    _notice(
        "xid_watch_unavailable",
        "GPU errors (XIDs) cannot be watched: {detail}",
        "errors still show in: sudo dmesg | grep NVRM",
    ),
)

_GPU = (
    _error(
        "gpu_lost",
        "the GPU has fallen off the bus",
        "look for NVRM lines in sudo dmesg, check its power cables, seat and cooling, "
        "then power the machine off and on",
    ),
    _error(
        "gpu_silent",
        "the driver does not answer for this GPU",
        "look for NVRM lines in sudo dmesg; if it stays silent, reboot",
        visible_after_s=5.0,
    ),
    _error(
        "gpu_failing",
        "the driver answers every reading of this GPU with an error: {detail}",
        f"look for NVRM lines in sudo dmesg; {RESET}; if that does not help, reboot",
    ),
    _error(
        "gpu_missing",
        "the GPU was here and is gone (PCI {pci})",
        "if you removed it: sudo polarisctl gpus --forget {uuid}; else check lspci -d 10de:, "
        "its power and its seat",
    ),
    _error("xid_error", "XID {xid}: {meaning} ({times})", "{remedy}"),
    _warning("xid_warning", "XID {xid}: {meaning} ({times})", "{remedy}"),
    _error("recovery_needed", "the driver asks for a recovery: {action}", "{remedy}"),
    _error(
        "row_remap_failed",
        "the memory has no spare rows left for its defects",
        "the card needs replacement: run NVIDIA's field diagnostics and contact its vendor",
    ),
    _warning("row_remap_pending", "a memory row was found bad and waits to be remapped", RESET),
    _warning("retired_pages_pending", "memory pages were found bad and wait to be retired", RESET),
    _warning(
        "ecc_uncorrected",
        "{count} uncorrected memory errors since the driver was loaded",
        f"{RESET}; if they return, run NVIDIA's field diagnostics",
    ),
    _warning(
        "condition_unreadable",
        "the driver does not say whether the GPU is sound: {fields} ({detail})",
        "look for NVRM lines in sudo dmesg; if it stays so, reset the GPU or reboot",
    ),
    _warning(
        "throttled_hw_thermal",
        "slowed down by the hardware because it is too hot ({temperature})",
        "clean fans and filters, check the airflow, lower the power limit",
        visible_after_s=10.0,
    ),
    _warning(
        "throttled_sw_thermal",
        "slowed down by the driver because it is too hot ({temperature})",
        "clean fans and filters, check the airflow, lower the power limit",
        visible_after_s=30.0,
    ),
    _warning(
        "throttled_power_brake",
        "slowed down by the power supply (power brake)",
        "check the power supply, its cables and its rating",
        visible_after_s=10.0,
    ),
    _warning(
        "throttled_hw_slowdown",
        "slowed down by the hardware",
        "check temperature, power cables and power supply",
        visible_after_s=10.0,
    ),
    _warning(
        "power_limit_low",
        "its power limit is {limit_w:.0f} W, {percent:.0f} % of the default {default_w:.0f} W",
        "renters get a slower card than they expect: sudo nvidia-smi -i {uuid} -pl {default_w:.0f}",
    ),
    _notice(
        "pcie_link_reduced",
        "under load its PCIe link is gen {generation} x{width}; the card can do gen "
        "{max_generation} x{max_width}",
        "if the slot can do more: reseat the card or its riser, check the BIOS settings",
        visible_after_s=60.0,
    ),
    _notice(
        "mig_mode_pending",
        "a change of MIG mode waits for a reset",
        RESET,
    ),
)

_HOST = (
    _warning(
        "disk_low",
        "{path} has {free_gb:.1f} GB left",
        "free some space: Polaris and container images need it",
    ),
    _warning(
        "memory_low",
        "only {percent:.0f} % of memory is available",
        "see what uses it: ps aux --sort -rss | head",
        visible_after_s=60.0,
    ),
    _warning(
        "config_not_applied",
        "the config file has problems, so the one read before is still used: {detail}",
        "see them with: polarisctl config check; mend the file; then: sudo systemctl reload "
        "polarisd",
    ),
    _error(
        "state_unreadable",
        "what was remembered of an earlier run cannot be understood: {detail}",
        "check the GPUs with: polarisctl gpus; then, to offer this machine: sudo polarisctl start",
    ),
    _warning(
        "state_not_saved",
        "what must outlive a restart is not written down: {detail}",
        "check the disk that holds it, and its free space",
    ),
    _notice(
        "benchmarks_set_aside",
        "earlier benchmarks cannot be read and are kept apart: {detail}",
        "nothing has to be done, and new ones are kept; this notice ends with: "
        "sudo systemctl restart polarisd",
    ),
    _warning(
        "benchmarks_not_kept",
        "benchmarks will be forgotten at the next restart: {detail}",
        "check the disk that holds the state directory, and its free space",
    ),
)

CATALOGUE: dict[str, FaultKind] = {kind.code: kind for kind in (*_DRIVER, *_GPU, *_HOST, *NETWORK)}
