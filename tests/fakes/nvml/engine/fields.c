/* nvmlDeviceGetFieldValues: one call, many values, each with its own return code.
 *
 * A field that a plain function tells too comes from the same place, so the two agree.  A
 * test or a model may make any field fail, or give it a value of its own. */
#include "engine.h"

struct reading {
  nvmlValueType_t type;
  unsigned long long value;
};

#define UINT(source) (struct reading){NVML_VALUE_TYPE_UNSIGNED_INT, source}
#define ULONG(source) (struct reading){NVML_VALUE_TYPE_UNSIGNED_LONG_LONG, source}

/* NVLink data: of one link (they share evenly), or of all with scope UINT_MAX. */
static unsigned long long share(const struct fake_gpu *gpu, unsigned scope, uint64_t total) {
  return scope == UINT32_MAX ? total : total / gpu->nvlinks;
}

static nvmlReturn_t read_nvlink(const struct fake_gpu *gpu, const nvmlFieldValue_t *field,
                                struct reading *out) {
  if (gpu->nvlinks == 0) return NVML_ERROR_NOT_SUPPORTED;
  if (field->scopeId != UINT32_MAX && field->scopeId >= gpu->nvlinks) {
    return NVML_ERROR_INVALID_ARGUMENT;
  }
  bool tx = field->fieldId == NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX;
  *out = ULONG(share(gpu, field->scopeId, tx ? gpu->nvlink_tx_kib : gpu->nvlink_rx_kib));
  return NVML_SUCCESS;
}

static nvmlReturn_t read_ecc(const struct fake_gpu *gpu, uint64_t total, struct reading *out) {
  if (gpu->ecc_mode != NVML_FEATURE_ENABLED) return NVML_ERROR_NOT_SUPPORTED;
  *out = ULONG(total);
  return NVML_SUCCESS;
}

static nvmlReturn_t read_remapping(const struct fake_gpu *gpu, uint32_t rows,
                                   struct reading *out) {
  if (fake_mig_on(gpu)) return NVML_ERROR_NOT_SUPPORTED;
  *out = UINT(rows);
  return NVML_SUCCESS;
}

static nvmlReturn_t read_known(const struct fake_gpu *gpu, const nvmlFieldValue_t *field,
                               struct reading *out) {
  switch (field->fieldId) {
    case NVML_FI_DEV_ECC_SBE_VOL_TOTAL: return read_ecc(gpu, gpu->ecc_corrected_volatile, out);
    case NVML_FI_DEV_ECC_SBE_AGG_TOTAL: return read_ecc(gpu, gpu->ecc_corrected_aggregate, out);
    case NVML_FI_DEV_ECC_DBE_VOL_TOTAL: return read_ecc(gpu, gpu->ecc_uncorrected_volatile, out);
    case NVML_FI_DEV_ECC_DBE_AGG_TOTAL: return read_ecc(gpu, gpu->ecc_uncorrected_aggregate, out);
    case NVML_FI_DEV_REMAPPED_COR: return read_remapping(gpu, gpu->remapped_corrected, out);
    case NVML_FI_DEV_REMAPPED_UNC: return read_remapping(gpu, gpu->remapped_uncorrected, out);
    case NVML_FI_DEV_REMAPPED_PENDING: return read_remapping(gpu, gpu->remap_pending, out);
    case NVML_FI_DEV_REMAPPED_FAILURE: return read_remapping(gpu, gpu->remap_failed, out);
    case NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_TX:
    case NVML_FI_DEV_NVLINK_THROUGHPUT_DATA_RX: return read_nvlink(gpu, field, out);

    case NVML_FI_DEV_MEMORY_TEMP: *out = UINT(gpu->memory_temp); break;
    case NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION: *out = ULONG(gpu->energy_mj); break;
    case NVML_FI_DEV_NVLINK_LINK_COUNT: *out = UINT(gpu->nvlinks); break;
    case NVML_FI_DEV_PCIE_REPLAY_COUNTER: *out = UINT(gpu->pcie_replays); break;
    case NVML_FI_DEV_PCIE_COUNT_TX_BYTES: *out = UINT(gpu->pcie_tx_bytes); break;
    case NVML_FI_DEV_PCIE_COUNT_RX_BYTES: *out = UINT(gpu->pcie_rx_bytes); break;
    case NVML_FI_DEV_POWER_AVERAGE:
    case NVML_FI_DEV_POWER_INSTANT: *out = UINT(gpu->power_mw); break;
    case NVML_FI_DEV_POWER_MIN_LIMIT: *out = UINT(gpu->power_min_mw); break;
    case NVML_FI_DEV_POWER_MAX_LIMIT: *out = UINT(gpu->power_max_mw); break;
    case NVML_FI_DEV_POWER_DEFAULT_LIMIT: *out = UINT(gpu->power_default_mw); break;
    case NVML_FI_DEV_POWER_CURRENT_LIMIT: *out = UINT(gpu->power_limit_mw); break;
    case NVML_FI_DEV_PERF_POLICY_POWER: *out = ULONG(gpu->throttle_power_ns); break;
    case NVML_FI_DEV_CLOCKS_EVENT_REASON_SW_THERM_SLOWDOWN:
      *out = ULONG(gpu->throttle_sw_thermal_ns);
      break;
    case NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_THERM_SLOWDOWN:
      *out = ULONG(gpu->throttle_hw_thermal_ns);
      break;
    case NVML_FI_DEV_CLOCKS_EVENT_REASON_HW_POWER_BRAKE_SLOWDOWN:
      *out = ULONG(gpu->throttle_brake_ns);
      break;
    case NVML_FI_DEV_GET_GPU_RECOVERY_ACTION: *out = UINT(gpu->recovery_action); break;
    default: return NVML_ERROR_NOT_SUPPORTED;
  }
  return NVML_SUCCESS;
}

static nvmlReturn_t read_field(const struct fake_gpu *gpu, const nvmlFieldValue_t *field,
                               struct reading *out) {
  unsigned id = field->fieldId;
  if (id == 0 || id >= fake_state->field_max) return NVML_ERROR_INVALID_ARGUMENT;
  if (gpu->field_error[id]) return gpu->field_error[id];
  if (!gpu->field_type[id]) return read_known(gpu, field, out);
  *out = (struct reading){gpu->field_type[id] - 1, gpu->field_value[id]};
  return NVML_SUCCESS;
}

static void fill(nvmlFieldValue_t *field, const struct reading *reading) {
  field->valueType = reading->type;
  switch (reading->type) {
    case NVML_VALUE_TYPE_UNSIGNED_INT: field->value.uiVal = (unsigned)reading->value; break;
    case NVML_VALUE_TYPE_SIGNED_INT: field->value.siVal = (int)reading->value; break;
    case NVML_VALUE_TYPE_UNSIGNED_LONG: field->value.ulVal = reading->value; break;
    case NVML_VALUE_TYPE_DOUBLE: field->value.dVal = (double)reading->value; break;
    default: field->value.ullVal = reading->value; break;
  }
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *fields) {
  ENTER_WHOLE(nvmlDeviceGetFieldValues, target);
  if (count < 1 || !fields) return NVML_ERROR_INVALID_ARGUMENT;
  for (nvmlFieldValue_t *field = fields; field < fields + count; field++) {
    struct reading reading;
    field->timestamp = (long long)fake_wall_us();
    field->latencyUsec = 0;
    field->nvmlReturn = read_field(target.gpu, field, &reading);
    if (field->nvmlReturn == NVML_SUCCESS) fill(field, &reading);
  }
  return NVML_SUCCESS;
}
