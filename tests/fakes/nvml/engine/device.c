/* What a device is: identity, class, memory, PCIe link. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "engine.h"

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length) {
  ENTER_DEVICE(nvmlDeviceGetName, target);
  if (!target.mig) return fake_copy_text(name, length, target.gpu->name);
  char full[256];
  snprintf(full, sizeof full, "%s MIG %s", target.gpu->name, target.mig->profile);
  return fake_copy_text(name, length, full);
}

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length) {
  ENTER_DEVICE(nvmlDeviceGetUUID, target);
  return fake_copy_text(uuid, length, target.mig ? target.mig->uuid : target.gpu->uuid);
}

nvmlReturn_t nvmlDeviceGetSerial(nvmlDevice_t device, char *serial, unsigned int length) {
  ENTER_WHOLE(nvmlDeviceGetSerial, target);
  return fake_copy_text(serial, length, target.gpu->serial);
}

nvmlReturn_t nvmlDeviceGetBoardPartNumber(nvmlDevice_t device, char *part, unsigned int length) {
  ENTER_WHOLE(nvmlDeviceGetBoardPartNumber, target);
  return fake_copy_text(part, length, target.gpu->part_number);
}

nvmlReturn_t nvmlDeviceGetVbiosVersion(nvmlDevice_t device, char *vbios, unsigned int length) {
  ENTER_WHOLE(nvmlDeviceGetVbiosVersion, target);
  return fake_copy_text(vbios, length, target.gpu->vbios);
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
  ENTER_DEVICE(nvmlDeviceGetCudaComputeCapability, target);
  *major = (int)target.gpu->cc_major;
  *minor = (int)target.gpu->cc_minor;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t device, nvmlDeviceArchitecture_t *arch) {
  ENTER_DEVICE(nvmlDeviceGetArchitecture, target);
  *arch = target.gpu->architecture;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetBrand(nvmlDevice_t device, nvmlBrandType_t *brand) {
  ENTER_DEVICE(nvmlDeviceGetBrand, target);
  *brand = target.gpu->brand;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetNumGpuCores(nvmlDevice_t device, unsigned int *cores) {
  ENTER_WHOLE(nvmlDeviceGetNumGpuCores, target);
  if (fake_mig_on(target.gpu)) return NVML_ERROR_NOT_SUPPORTED;
  *cores = target.gpu->cores;
  return NVML_SUCCESS;
}

GETTER(nvmlDeviceGetMinorNumber, unsigned int, minor)
GETTER(nvmlDeviceGetNumaNodeId, unsigned int, numa_node)
GETTER(nvmlDeviceGetMemoryBusWidth, unsigned int, bus_width)
GETTER(nvmlDeviceGetComputeMode, nvmlComputeMode_t, compute_mode)
GETTER(nvmlDeviceGetPersistenceMode, nvmlEnableState_t, persistence)
GETTER(nvmlDeviceGetCurrPcieLinkGeneration, unsigned int, pcie_gen)
GETTER(nvmlDeviceGetCurrPcieLinkWidth, unsigned int, pcie_width)
GETTER(nvmlDeviceGetMaxPcieLinkGeneration, unsigned int, pcie_max_gen)
GETTER(nvmlDeviceGetGpuMaxPcieLinkGeneration, unsigned int, pcie_max_gen)
GETTER(nvmlDeviceGetMaxPcieLinkWidth, unsigned int, pcie_max_width)
GETTER(nvmlDeviceGetPcieReplayCounter, unsigned int, pcie_replays)

struct memory {
  unsigned long long total, reserved, used, free;
};

static struct memory memory_of(const struct target *target) {
  const struct fake_gpu *gpu = target->gpu;
  const struct fake_mig *mig = target->mig;
  struct memory memory = {
      .total = mig ? mig->memory_total : gpu->memory_total,
      .reserved = mig ? mig->memory_reserved : gpu->memory_reserved,
      .used = mig ? mig->memory_used : gpu->memory_used,
  };
  memory.free = memory.total - memory.reserved - memory.used;
  return memory;
}

/* Version 1 counts what the driver reserved as used. */
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *info) {
  ENTER_DEVICE(nvmlDeviceGetMemoryInfo, target);
  struct memory memory = memory_of(&target);
  info->total = memory.total;
  info->used = memory.used + memory.reserved;
  info->free = memory.free;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t *info) {
  ENTER_DEVICE(nvmlDeviceGetMemoryInfo_v2, target);
  if (info->version != nvmlMemory_v2) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
  struct memory memory = memory_of(&target);
  info->total = memory.total;
  info->reserved = memory.reserved;
  info->used = memory.used;
  info->free = memory.free;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t *info) {
  ENTER_DEVICE(nvmlDeviceGetBAR1MemoryInfo, target);
  info->bar1Total = target.gpu->bar1_total;
  info->bar1Used = target.gpu->bar1_used;
  info->bar1Free = target.gpu->bar1_total - target.gpu->bar1_used;
  return NVML_SUCCESS;
}

/* The real call watches a byte counter for 20 ms, and blocks meanwhile. */
nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, nvmlPcieUtilCounter_t counter,
                                         unsigned int *kbps) {
  ENTER_WHOLE(nvmlDeviceGetPcieThroughput, target);
  if (counter > NVML_PCIE_UTIL_RX_BYTES) return NVML_ERROR_INVALID_ARGUMENT;
  fake_sleep_us(20000);
  bool tx = counter == NVML_PCIE_UTIL_TX_BYTES;
  *kbps = tx ? target.gpu->pcie_tx_kbps : target.gpu->pcie_rx_kbps;
  return NVML_SUCCESS;
}
