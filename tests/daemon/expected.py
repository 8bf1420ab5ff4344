"""What the daemon must say of a healthy GPU, from the data of its model alone."""

from __future__ import annotations

from typing import Any

from tests.fakes.nvml import layout
from tests.fakes.nvml.build import branch_of, functions
from tests.fakes.nvml.fake import FakeNvml

NOT_SUPPORTED = {"unknown": "not_supported", "detail": ""}
TOO_OLD = {"unknown": "driver_too_old", "detail": ""}

ARCHITECTURES = {6: "turing", 7: "ampere", 8: "ada", 9: "hopper", 10: "blackwell"}
# Field ids of nvml.h.
MEMORY_TEMPERATURE, ENERGY, RECOVERY_ACTION = 82, 83, 230
PCIE_TX, PCIE_RX, NVLINK_TX, NVLINK_RX = 197, 198, 138, 139


class Expected:
    """One GPU of a fake machine."""

    def __init__(self, nvml: FakeNvml, slot: int = 0) -> None:
        self.gpu: layout.Gpu = nvml.gpus[slot]
        self._absent = branch_of(nvml.state.driver.decode()).absent
        self._field_max = nvml.state.field_max
        self.mig = bool(self.gpu.mig_mode)

    def identity(self) -> dict[str, Any]:
        gpu = self.gpu
        bus_id = f"{gpu.pci_domain:08X}:{gpu.pci_bus:02X}:{gpu.pci_device:02X}.0"
        return {
            "uuid": gpu.uuid.decode(),
            "index": 0,
            "name": gpu.name.decode(),
            "pci_bus_id": bus_id,
            "serial": self._told(gpu.serial.decode(), "nvmlDeviceGetSerial"),
            "board_part": self._told(gpu.part_number.decode(), "nvmlDeviceGetBoardPartNumber"),
            "vbios": gpu.vbios.decode(),
            "architecture": ARCHITECTURES[gpu.architecture],
            "compute_capability": f"{gpu.cc_major}.{gpu.cc_minor}",
            "cuda_cores": self._whole(gpu.cores, "nvmlDeviceGetNumGpuCores"),
            "memory_bus_bits": self._told(gpu.bus_width, "nvmlDeviceGetMemoryBusWidth"),
            "vram_bytes": gpu.memory_total,
            "pcie_max_generation": gpu.pcie_max_gen,
            "pcie_max_width": gpu.pcie_max_width,
            "power_limit_default_w": gpu.power_default_mw / 1000,
            "power_limit_min_w": gpu.power_min_mw / 1000,
            "power_limit_max_w": gpu.power_max_mw / 1000,
            "sm_clock_max_mhz": gpu.max_clocks[1],
            "memory_clock_max_mhz": gpu.max_clocks[2],
            "slowdown_temperature_c": gpu.temp_slowdown,
            "shutdown_temperature_c": gpu.temp_shutdown,
            "minor_number": gpu.minor,
            "numa_node": self._told(gpu.numa_node, "nvmlDeviceGetNumaNodeId"),
        }

    def sample(self) -> dict[str, Any]:
        """Without `read_at`; the counters stand still, so their rates are zero."""
        gpu = self.gpu
        free = gpu.memory_total - gpu.memory_used - gpu.memory_reserved
        return {
            "utilisation_percent": self._whole(gpu.util_gpu, ""),
            "memory_busy_percent": self._whole(gpu.util_memory, ""),
            "vram_used_bytes": gpu.memory_used,
            "vram_free_bytes": free,
            "vram_reserved_bytes": self._told(gpu.memory_reserved, "nvmlDeviceGetMemoryInfo_v2"),
            "power_w": gpu.power_mw / 1000,
            "energy_j": self._field(gpu.energy_mj / 1000, ENERGY),
            "temperature_c": gpu.temp,
            "memory_temperature_c": self._field(gpu.memory_temp, MEMORY_TEMPERATURE),
            "sm_clock_mhz": gpu.clocks[1],
            "memory_clock_mhz": gpu.clocks[2],
            "throttle": ["sw_power_cap", "sw_thermal"],
            "pcie_tx_bps": self._field(0.0, PCIE_TX),
            "pcie_rx_bps": self._field(0.0, PCIE_RX),
            "nvlink_tx_bps": self._field(0.0, NVLINK_TX) if gpu.nvlinks else NOT_SUPPORTED,
            "nvlink_rx_bps": self._field(0.0, NVLINK_RX) if gpu.nvlinks else NOT_SUPPORTED,
        }

    def condition(self) -> dict[str, Any]:
        """Without `read_at`."""
        gpu = self.gpu
        remapping, ecc = "nvmlDeviceGetRemappedRows", "nvmlDeviceGetTotalEccErrors"
        retired = "nvmlDeviceGetRetiredPagesPendingStatus"
        return {
            "power_limit_w": gpu.power_limit_mw / 1000,
            "performance_state": gpu.pstate,
            "fan_percent": gpu.fan_speed if gpu.fans else NOT_SUPPORTED,
            "pcie_generation": gpu.pcie_gen,
            "pcie_width": gpu.pcie_width,
            "pcie_replays": gpu.pcie_replays,
            "persistence_mode": bool(gpu.persistence),
            "compute_mode": "exclusive_process",
            "ecc_mode": self._told(bool(gpu.ecc_mode), "nvmlDeviceGetEccMode"),
            "ecc_mode_pending": self._told(bool(gpu.ecc_pending), "nvmlDeviceGetEccMode"),
            "ecc_corrected_volatile": self._told(gpu.ecc_corrected_volatile, ecc),
            "ecc_uncorrected_volatile": self._told(gpu.ecc_uncorrected_volatile, ecc),
            "ecc_corrected_total": self._told(gpu.ecc_corrected_aggregate, ecc),
            "ecc_uncorrected_total": self._told(gpu.ecc_uncorrected_aggregate, ecc),
            "remapped_rows_correctable": self._whole(gpu.remapped_corrected, remapping),
            "remapped_rows_uncorrectable": self._whole(gpu.remapped_uncorrected, remapping),
            "row_remap_pending": self._whole(bool(gpu.remap_pending), remapping),
            "row_remap_failed": self._whole(bool(gpu.remap_failed), remapping),
            "retired_pages_pending": self._told(bool(gpu.retired_pending), retired),
            "recovery_action": self._field("drain_p2p", RECOVERY_ACTION),
            "nvlinks_up": gpu.nvlinks - 1 if gpu.nvlinks else NOT_SUPPORTED,
            "nvlinks": gpu.nvlinks or NOT_SUPPORTED,
            "mig_mode": self._told(self.mig, "nvmlDeviceGetMigMode"),
            "mig_mode_pending": self._told(bool(gpu.mig_pending), "nvmlDeviceGetMigMode"),
            "processes": [],
        }

    def mig_devices(self) -> list[dict[str, Any]]:
        present = [(i, device) for i, device in enumerate(self.gpu.mig) if device.present]
        return [
            {
                "uuid": device.uuid.decode(),
                "index": index,
                "name": f"{self.gpu.name.decode()} MIG {device.profile.decode()}",
                "gpu_instance": device.gpu_instance,
                "compute_instance": device.compute_instance,
                "multiprocessors": device.multiprocessors,
                "vram_bytes": device.memory_total,
                "vram_used_bytes": device.memory_used,
                "processes": [],
            }
            for index, device in present
        ]

    def _told(self, value: Any, function: str) -> Any:
        """`value`, unless the model does not support the function or the driver lacks it."""
        if function in self._absent:
            return TOO_OLD
        return NOT_SUPPORTED if self.gpu.not_supported[functions()[function]] else value

    def _whole(self, value: Any, function: str) -> Any:
        """As `_told`, for what a card that is cut into MIG devices does not tell."""
        if self.mig:
            return NOT_SUPPORTED
        return self._told(value, function) if function else value

    def _field(self, value: Any, field: int) -> Any:
        if field >= self._field_max:
            return TOO_OLD
        return NOT_SUPPORTED if self.gpu.field_error[field] else value
