"""The slow tier: settings, error counters, links and who uses the card."""

from __future__ import annotations

import time
from typing import Any

import pynvml

from polarisd.api.gpu import Condition
from polarisd.api.reading import Reading, Unknown
from polarisd.gpu.probe.calls import Calls, flag, item, scaled
from polarisd.gpu.probe.fieldvalues import read_fields
from polarisd.gpu.probe.processes import read_processes

_RECOVERY_ACTIONS = {0: "none", 1: "reset", 2: "reboot", 3: "drain_p2p", 4: "drain_and_reset"}
_COMPUTE_MODES = {
    pynvml.NVML_COMPUTEMODE_DEFAULT: "default",
    pynvml.NVML_COMPUTEMODE_EXCLUSIVE_THREAD: "exclusive_thread",
    pynvml.NVML_COMPUTEMODE_PROHIBITED: "prohibited",
    pynvml.NVML_COMPUTEMODE_EXCLUSIVE_PROCESS: "exclusive_process",
}
# Of 18 links at most on today's boards; the call fails past the last one.
_MAX_LINKS = 64


def read_condition(calls: Calls) -> Condition:
    (recovery,) = read_fields(calls, (pynvml.NVML_FI_DEV_GET_GPU_RECOVERY_ACTION,))
    remapped = calls.read("nvmlDeviceGetRemappedRows")
    ecc = calls.read("nvmlDeviceGetEccMode")
    mig = calls.read("nvmlDeviceGetMigMode")
    links_up, links = read_links(calls)
    return Condition(
        read_at=time.time(),
        power_limit_w=scaled(calls.read("nvmlDeviceGetEnforcedPowerLimit"), 1e-3),
        performance_state=_performance_state(calls.read("nvmlDeviceGetPerformanceState")),
        fan_percent=calls.read("nvmlDeviceGetFanSpeed"),
        pcie_generation=calls.read("nvmlDeviceGetCurrPcieLinkGeneration"),
        pcie_width=calls.read("nvmlDeviceGetCurrPcieLinkWidth"),
        pcie_replays=calls.read("nvmlDeviceGetPcieReplayCounter"),
        persistence_mode=flag(calls.read("nvmlDeviceGetPersistenceMode")),
        compute_mode=_named(calls.read("nvmlDeviceGetComputeMode"), _COMPUTE_MODES),
        ecc_mode=flag(item(ecc, 0)),
        ecc_mode_pending=flag(item(ecc, 1)),
        ecc_corrected_volatile=_ecc(calls, "CORRECTED", "VOLATILE"),
        ecc_uncorrected_volatile=_ecc(calls, "UNCORRECTED", "VOLATILE"),
        ecc_corrected_total=_ecc(calls, "CORRECTED", "AGGREGATE"),
        ecc_uncorrected_total=_ecc(calls, "UNCORRECTED", "AGGREGATE"),
        remapped_rows_correctable=item(remapped, 0),
        remapped_rows_uncorrectable=item(remapped, 1),
        row_remap_pending=flag(item(remapped, 2)),
        row_remap_failed=flag(item(remapped, 3)),
        retired_pages_pending=flag(calls.read("nvmlDeviceGetRetiredPagesPendingStatus")),
        recovery_action=_named(recovery, _RECOVERY_ACTIONS),
        nvlinks_up=links_up,
        nvlinks=links,
        mig_mode=flag(item(mig, 0)),
        mig_mode_pending=flag(item(mig, 1)),
        processes=read_processes(calls),
    )


def read_links(calls: Calls) -> tuple[Reading[int], Reading[int]]:
    """How many NVLinks are up, and how many there are."""
    up = count = 0
    for link in range(_MAX_LINKS):
        state = calls.read("nvmlDeviceGetNvLinkState", link)
        if isinstance(state, Unknown):
            if count == 0:
                return state, state
            break
        count += 1
        up += bool(state)
    return up, count


def _ecc(calls: Calls, kind: str, span: str) -> Reading[int]:
    return calls.read(
        "nvmlDeviceGetTotalEccErrors",
        getattr(pynvml, f"NVML_MEMORY_ERROR_TYPE_{kind}"),
        getattr(pynvml, f"NVML_{span}_ECC"),
    )


def _performance_state(state: Reading[int]) -> Reading[int]:
    if isinstance(state, Unknown) or state != pynvml.NVML_PSTATE_UNKNOWN:
        return state
    return Unknown("not_supported")


def _named(code: Reading[int], names: dict[Any, str]) -> Reading[str]:
    return code if isinstance(code, Unknown) else names.get(code, f"code {code}")
