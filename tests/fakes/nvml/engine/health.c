/* What a device suffered: ECC errors, remapped rows, retired pages, NVLink. */
#include "engine.h"

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, nvmlEnableState_t *current,
                                  nvmlEnableState_t *pending) {
  ENTER_WHOLE(nvmlDeviceGetEccMode, target);
  *current = target.gpu->ecc_mode;
  *pending = target.gpu->ecc_pending;
  return NVML_SUCCESS;
}

static nvmlReturn_t count_ecc(const struct fake_gpu *gpu, nvmlMemoryErrorType_t error,
                              nvmlEccCounterType_t counter, unsigned long long *total) {
  if (error >= NVML_MEMORY_ERROR_TYPE_COUNT || counter >= NVML_ECC_COUNTER_TYPE_COUNT) {
    return NVML_ERROR_INVALID_ARGUMENT;
  }
  if (gpu->ecc_mode != NVML_FEATURE_ENABLED) return NVML_ERROR_NOT_SUPPORTED;
  bool now = counter == NVML_VOLATILE_ECC;
  if (error == NVML_MEMORY_ERROR_TYPE_CORRECTED) {
    *total = now ? gpu->ecc_corrected_volatile : gpu->ecc_corrected_aggregate;
  } else {
    *total = now ? gpu->ecc_uncorrected_volatile : gpu->ecc_uncorrected_aggregate;
  }
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, nvmlMemoryErrorType_t error,
                                         nvmlEccCounterType_t counter,
                                         unsigned long long *total) {
  ENTER_WHOLE(nvmlDeviceGetTotalEccErrors, target);
  return count_ecc(target.gpu, error, counter, total);
}

/* All errors are put down to DRAM; SRAM has none, older locations do not exist. */
nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device, nvmlMemoryErrorType_t error,
                                             nvmlEccCounterType_t counter,
                                             nvmlMemoryLocation_t location,
                                             unsigned long long *total) {
  ENTER_WHOLE(nvmlDeviceGetMemoryErrorCounter, target);
  if (location >= NVML_MEMORY_LOCATION_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
  if (location != NVML_MEMORY_LOCATION_DRAM && location != NVML_MEMORY_LOCATION_SRAM) {
    return NVML_ERROR_NOT_SUPPORTED;
  }
  nvmlReturn_t counted = count_ecc(target.gpu, error, counter, total);
  if (counted == NVML_SUCCESS && location == NVML_MEMORY_LOCATION_SRAM) *total = 0;
  return counted;
}

nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned int *corrected,
                                       unsigned int *uncorrected, unsigned int *pending,
                                       unsigned int *failed) {
  ENTER_WHOLE(nvmlDeviceGetRemappedRows, target);
  if (fake_mig_on(target.gpu)) return NVML_ERROR_NOT_SUPPORTED;
  *corrected = target.gpu->remapped_corrected;
  *uncorrected = target.gpu->remapped_uncorrected;
  *pending = target.gpu->remap_pending;
  *failed = target.gpu->remap_failed;
  return NVML_SUCCESS;
}

/* The addresses are invented: one page after the other. */
static nvmlReturn_t list_pages(const struct fake_gpu *gpu, nvmlPageRetirementCause_t cause,
                               unsigned *count, unsigned long long *addresses,
                               unsigned long long *timestamps) {
  if (!count || cause >= NVML_PAGE_RETIREMENT_CAUSE_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
  bool double_bit = cause == NVML_PAGE_RETIREMENT_CAUSE_DOUBLE_BIT_ECC_ERROR;
  unsigned room = *count;
  *count = double_bit ? gpu->retired_double_bit : gpu->retired_single_bit;
  if (*count == 0) return NVML_SUCCESS;
  if (!addresses || room < *count) return NVML_ERROR_INSUFFICIENT_SIZE;
  for (unsigned page = 0; page < *count; page++) {
    addresses[page] = (double_bit ? 0x200000u : 0x100000u) + page * 0x1000u;
    if (timestamps) timestamps[page] = 1700000000 + page;
  }
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetRetiredPages(nvmlDevice_t device, nvmlPageRetirementCause_t cause,
                                       unsigned int *count, unsigned long long *addresses) {
  ENTER_WHOLE(nvmlDeviceGetRetiredPages, target);
  return list_pages(target.gpu, cause, count, addresses, NULL);
}

nvmlReturn_t nvmlDeviceGetRetiredPages_v2(nvmlDevice_t device, nvmlPageRetirementCause_t cause,
                                          unsigned int *count, unsigned long long *addresses,
                                          unsigned long long *timestamps) {
  ENTER_WHOLE(nvmlDeviceGetRetiredPages_v2, target);
  return list_pages(target.gpu, cause, count, addresses, timestamps);
}

GETTER(nvmlDeviceGetRetiredPagesPendingStatus, nvmlEnableState_t, retired_pending)

static nvmlReturn_t check_link(const struct fake_gpu *gpu, unsigned link) {
  if (gpu->nvlinks == 0) return NVML_ERROR_NOT_SUPPORTED;
  return link < gpu->nvlinks ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned int link,
                                      nvmlEnableState_t *active) {
  ENTER_WHOLE(nvmlDeviceGetNvLinkState, target);
  nvmlReturn_t checked = check_link(target.gpu, link);
  if (checked == NVML_SUCCESS) *active = target.gpu->nvlink_up[link];
  return checked;
}

nvmlReturn_t nvmlDeviceGetNvLinkVersion(nvmlDevice_t device, unsigned int link,
                                        unsigned int *version) {
  ENTER_WHOLE(nvmlDeviceGetNvLinkVersion, target);
  nvmlReturn_t checked = check_link(target.gpu, link);
  if (checked == NVML_SUCCESS) *version = target.gpu->nvlink_version;
  return checked;
}
