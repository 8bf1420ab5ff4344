/* Handles and the enumeration: index, UUID and PCI address to slot and back.
 *
 * A handle is a number: a tag, the slot, and 1 + the MIG instance (0 for the whole GPU).
 * The index of a GPU is its rank by PCI address among those present, so it moves when a
 * neighbour comes or goes while handles and UUIDs stay. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine.h"

#define TAG 0xFA4E0000u
#define TAG_MASK 0xFFFFFFFFFFFF0000u

static nvmlDevice_t encode(unsigned slot, unsigned instance) {
  return (nvmlDevice_t)(uintptr_t)(TAG | slot << 8 | instance);
}

nvmlDevice_t fake_handle(unsigned slot) { return encode(slot, 0); }

nvmlDevice_t fake_mig_handle(unsigned slot, unsigned instance) {
  return encode(slot, instance + 1);
}

bool fake_is_handle(const void *pointer) { return ((uintptr_t)pointer & TAG_MASK) == TAG; }

nvmlReturn_t fake_resolve(nvmlDevice_t device, struct target *target) {
  uintptr_t number = (uintptr_t)device & ~TAG_MASK;
  unsigned slot = number >> 8;
  unsigned instance = number & 0xFF;
  if (!fake_is_handle(device) || slot >= FAKE_MAX_GPUS || instance > FAKE_MAX_MIG) {
    return NVML_ERROR_INVALID_ARGUMENT;
  }
  target->slot = slot;
  target->gpu = &fake_state->gpus[slot];
  target->mig = instance ? &target->gpu->mig[instance - 1] : NULL;
  return NVML_SUCCESS;
}

nvmlReturn_t fake_enter_device(enum fake_function function, nvmlDevice_t device,
                               struct target *target) {
  nvmlReturn_t entered = fake_enter(function);
  if (entered == NVML_SUCCESS) entered = fake_resolve(device, target);
  if (entered == NVML_SUCCESS) entered = fake_enter_gpu(function, target->gpu);
  if (entered != NVML_SUCCESS) return entered;
  if (target->mig && !(target->mig->present && fake_mig_on(target->gpu))) {
    return NVML_ERROR_INVALID_ARGUMENT; /* the instance was destroyed under its handle */
  }
  return NVML_SUCCESS;
}

nvmlReturn_t fake_enter_whole(enum fake_function function, nvmlDevice_t device,
                              struct target *target) {
  nvmlReturn_t entered = fake_enter_device(function, device, target);
  if (entered != NVML_SUCCESS) return entered;
  return target->mig ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
}

static uint64_t address(const struct fake_gpu *gpu) {
  return (uint64_t)gpu->pci_domain << 32 | gpu->pci_bus << 8 | gpu->pci_device;
}

static unsigned index_of(unsigned slot) {
  const struct fake_gpu *gpus = fake_state->gpus;
  unsigned rank = 0;
  for (unsigned other = 0; other < FAKE_MAX_GPUS; other++) {
    if (other == slot || !gpus[other].present) continue;
    uint64_t theirs = address(&gpus[other]), ours = address(&gpus[slot]);
    if (theirs < ours || (theirs == ours && other < slot)) rank++;
  }
  return rank;
}

/* Hands out the handle of a slot, unless the GPU is sick. */
static nvmlReturn_t hand_out(enum fake_function function, unsigned slot, nvmlDevice_t *device) {
  nvmlReturn_t entered = fake_enter_gpu(function, &fake_state->gpus[slot]);
  if (entered == NVML_SUCCESS) *device = fake_handle(slot);
  return entered;
}

static nvmlReturn_t count_present(unsigned *total) {
  if (!total) return NVML_ERROR_INVALID_ARGUMENT;
  *total = 0;
  for (unsigned slot = 0; slot < FAKE_MAX_GPUS; slot++) {
    if (fake_state->gpus[slot].present) ++*total;
  }
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *total) {
  ENTER(nvmlDeviceGetCount_v2);
  return count_present(total);
}

nvmlReturn_t nvmlDeviceGetCount(unsigned int *total) {
  ENTER(nvmlDeviceGetCount);
  return count_present(total);
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
  ENTER(nvmlDeviceGetHandleByIndex_v2);
  for (unsigned slot = 0; slot < FAKE_MAX_GPUS; slot++) {
    if (fake_state->gpus[slot].present && index_of(slot) == index) {
      return hand_out(FN_nvmlDeviceGetHandleByIndex_v2, slot, device);
    }
  }
  return NVML_ERROR_INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned int index, nvmlDevice_t *device) {
  return nvmlDeviceGetHandleByIndex_v2(index, device);
}

nvmlReturn_t nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *device) {
  ENTER(nvmlDeviceGetHandleByUUID);
  for (unsigned slot = 0; slot < FAKE_MAX_GPUS; slot++) {
    struct fake_gpu *gpu = &fake_state->gpus[slot];
    if (!gpu->present) continue;
    if (!strcmp(uuid, gpu->uuid)) return hand_out(FN_nvmlDeviceGetHandleByUUID, slot, device);
    for (unsigned i = 0; i < FAKE_MAX_MIG && fake_mig_on(gpu); i++) {
      if (!gpu->mig[i].present || strcmp(uuid, gpu->mig[i].uuid)) continue;
      nvmlReturn_t entered = fake_enter_gpu(FN_nvmlDeviceGetHandleByUUID, gpu);
      if (entered == NVML_SUCCESS) *device = fake_mig_handle(slot, i);
      return entered;
    }
  }
  return NVML_ERROR_NOT_FOUND;
}

static void describe_pci(const struct fake_gpu *gpu, nvmlPciInfo_t *info) {
  unsigned domain = gpu->pci_domain, bus = gpu->pci_bus & 0xFF, device = gpu->pci_device & 0x1F;
  memset(info, 0, sizeof *info);
  info->domain = domain;
  info->bus = bus;
  info->device = device;
  info->pciDeviceId = gpu->pci_id;
  info->pciSubSystemId = gpu->pci_subsystem;
  snprintf(info->busId, sizeof info->busId, NVML_DEVICE_PCI_BUS_ID_FMT, domain, bus, device);
  snprintf(info->busIdLegacy, sizeof info->busIdLegacy, NVML_DEVICE_PCI_BUS_ID_LEGACY_FMT,
           domain & 0xFFFF, bus, device);
}

nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, nvmlDevice_t *device) {
  ENTER(nvmlDeviceGetHandleByPciBusId_v2);
  for (unsigned slot = 0; slot < FAKE_MAX_GPUS; slot++) {
    if (!fake_state->gpus[slot].present) continue;
    nvmlPciInfo_t info;
    describe_pci(&fake_state->gpus[slot], &info);
    if (!strcasecmp(bus_id, info.busId) || !strcasecmp(bus_id, info.busIdLegacy)) {
      return hand_out(FN_nvmlDeviceGetHandleByPciBusId_v2, slot, device);
    }
  }
  return NVML_ERROR_NOT_FOUND;
}

nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t *info) {
  ENTER_WHOLE(nvmlDeviceGetPciInfo_v3, target);
  describe_pci(target.gpu, info);
  return NVML_SUCCESS;
}

/* Of a MIG instance: its index under the parent. */
nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned int *index) {
  ENTER_DEVICE(nvmlDeviceGetIndex, target);
  *index = target.mig ? (unsigned)(target.mig - target.gpu->mig) : index_of(target.slot);
  return NVML_SUCCESS;
}
