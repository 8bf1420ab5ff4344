/* What a device does right now: heat, fans, power, clocks, use. */
#include "engine.h"

/* Encoder and decoder use is averaged over this many microseconds. */
#define CODEC_PERIOD_US 167000

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, nvmlTemperatureSensors_t sensor,
                                      unsigned int *celsius) {
  ENTER_WHOLE(nvmlDeviceGetTemperature, target);
  if (sensor != NVML_TEMPERATURE_GPU) return NVML_ERROR_INVALID_ARGUMENT;
  *celsius = target.gpu->temp;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *reading) {
  ENTER_WHOLE(nvmlDeviceGetTemperatureV, target);
  if (reading->version != nvmlTemperature_v1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
  if (reading->sensorType != NVML_TEMPERATURE_GPU) return NVML_ERROR_INVALID_ARGUMENT;
  reading->temperature = (int)target.gpu->temp;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device,
                                               nvmlTemperatureThresholds_t threshold,
                                               unsigned int *celsius) {
  ENTER_WHOLE(nvmlDeviceGetTemperatureThreshold, target);
  switch (threshold) {
    case NVML_TEMPERATURE_THRESHOLD_SHUTDOWN: *celsius = target.gpu->temp_shutdown; break;
    case NVML_TEMPERATURE_THRESHOLD_SLOWDOWN: *celsius = target.gpu->temp_slowdown; break;
    case NVML_TEMPERATURE_THRESHOLD_MEM_MAX: *celsius = target.gpu->temp_memory_max; break;
    case NVML_TEMPERATURE_THRESHOLD_GPU_MAX: *celsius = target.gpu->temp_gpu_max; break;
    default: return NVML_ERROR_NOT_SUPPORTED;
  }
  return *celsius ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t nvmlDeviceGetFanSpeed(nvmlDevice_t device, unsigned int *percent) {
  ENTER_WHOLE(nvmlDeviceGetFanSpeed, target);
  if (target.gpu->fans == 0) return NVML_ERROR_NOT_SUPPORTED;
  *percent = target.gpu->fan_speed;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned int fan,
                                      unsigned int *percent) {
  ENTER_WHOLE(nvmlDeviceGetFanSpeed_v2, target);
  if (target.gpu->fans == 0) return NVML_ERROR_NOT_SUPPORTED;
  if (fan >= target.gpu->fans) return NVML_ERROR_INVALID_ARGUMENT;
  *percent = target.gpu->fan_speed;
  return NVML_SUCCESS;
}

GETTER(nvmlDeviceGetNumFans, unsigned int, fans)
GETTER(nvmlDeviceGetPowerUsage, unsigned int, power_mw)
GETTER(nvmlDeviceGetEnforcedPowerLimit, unsigned int, power_limit_mw)
GETTER(nvmlDeviceGetPowerManagementLimit, unsigned int, power_limit_mw)
GETTER(nvmlDeviceGetPowerManagementDefaultLimit, unsigned int, power_default_mw)
GETTER(nvmlDeviceGetTotalEnergyConsumption, unsigned long long, energy_mj)
GETTER(nvmlDeviceGetPerformanceState, nvmlPstates_t, pstate)
GETTER(nvmlDeviceGetPowerState, nvmlPstates_t, pstate)
GETTER(nvmlDeviceGetCurrentClocksEventReasons, unsigned long long, reasons)
GETTER(nvmlDeviceGetCurrentClocksThrottleReasons, unsigned long long, reasons)

nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device,
                                                          unsigned int *lowest,
                                                          unsigned int *highest) {
  ENTER_WHOLE(nvmlDeviceGetPowerManagementLimitConstraints, target);
  *lowest = target.gpu->power_min_mw;
  *highest = target.gpu->power_max_mw;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t clock,
                                    unsigned int *mhz) {
  ENTER_WHOLE(nvmlDeviceGetClockInfo, target);
  if (clock >= NVML_CLOCK_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
  *mhz = target.gpu->clocks[clock];
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, nvmlClockType_t clock,
                                       unsigned int *mhz) {
  ENTER_WHOLE(nvmlDeviceGetMaxClockInfo, target);
  if (clock >= NVML_CLOCK_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
  *mhz = target.gpu->max_clocks[clock];
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *rates) {
  ENTER_WHOLE(nvmlDeviceGetUtilizationRates, target);
  if (fake_mig_on(target.gpu)) return NVML_ERROR_NOT_SUPPORTED;
  rates->gpu = target.gpu->util_gpu;
  rates->memory = target.gpu->util_memory;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t device, unsigned int *percent,
                                             unsigned int *period_us) {
  ENTER_WHOLE(nvmlDeviceGetEncoderUtilization, target);
  if (fake_mig_on(target.gpu)) return NVML_ERROR_NOT_SUPPORTED;
  *percent = target.gpu->util_encoder;
  *period_us = CODEC_PERIOD_US;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t device, unsigned int *percent,
                                             unsigned int *period_us) {
  ENTER_WHOLE(nvmlDeviceGetDecoderUtilization, target);
  if (fake_mig_on(target.gpu)) return NVML_ERROR_NOT_SUPPORTED;
  *percent = target.gpu->util_decoder;
  *period_us = CODEC_PERIOD_US;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetViolationStatus(nvmlDevice_t device, nvmlPerfPolicyType_t policy,
                                          nvmlViolationTime_t *violation) {
  ENTER_WHOLE(nvmlDeviceGetViolationStatus, target);
  const struct fake_gpu *gpu = target.gpu;
  if (policy >= NVML_PERF_POLICY_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
  violation->referenceTime = fake_wall_us();
  violation->violationTime = 0;
  if (policy == NVML_PERF_POLICY_POWER) violation->violationTime = gpu->throttle_power_ns;
  if (policy == NVML_PERF_POLICY_THERMAL) {
    violation->violationTime = gpu->throttle_sw_thermal_ns + gpu->throttle_hw_thermal_ns;
  }
  return NVML_SUCCESS;
}
