/* MIG: instances of a GPU as devices of their own. */
#include "engine.h"

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *current,
                                  unsigned int *pending) {
  ENTER_WHOLE(nvmlDeviceGetMigMode, target);
  *current = target.gpu->mig_mode;
  *pending = target.gpu->mig_pending;
  return NVML_SUCCESS;
}

/* Zero where MIG is off or unknown. */
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
  ENTER_WHOLE(nvmlDeviceGetMaxMigDeviceCount, target);
  *count = fake_mig_on(target.gpu) ? FAKE_MAX_MIG : 0;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned int index,
                                                 nvmlDevice_t *instance) {
  ENTER_WHOLE(nvmlDeviceGetMigDeviceHandleByIndex, target);
  if (index >= FAKE_MAX_MIG) return NVML_ERROR_INVALID_ARGUMENT;
  if (!fake_mig_on(target.gpu) || !target.gpu->mig[index].present) return NVML_ERROR_NOT_FOUND;
  *instance = fake_mig_handle(target.slot, index);
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned int *answer) {
  ENTER_DEVICE(nvmlDeviceIsMigDeviceHandle, target);
  *answer = target.mig != NULL;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t device,
                                                          nvmlDevice_t *parent) {
  ENTER_DEVICE(nvmlDeviceGetDeviceHandleFromMigDeviceHandle, target);
  if (!target.mig) return NVML_ERROR_INVALID_ARGUMENT;
  *parent = fake_handle(target.slot);
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id) {
  ENTER_DEVICE(nvmlDeviceGetGpuInstanceId, target);
  if (!target.mig) return NVML_ERROR_INVALID_ARGUMENT;
  *id = target.mig->gpu_instance;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned int *id) {
  ENTER_DEVICE(nvmlDeviceGetComputeInstanceId, target);
  if (!target.mig) return NVML_ERROR_INVALID_ARGUMENT;
  *id = target.mig->compute_instance;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t device, nvmlDeviceAttributes_t *out) {
  ENTER_DEVICE(nvmlDeviceGetAttributes_v2, target);
  const struct fake_mig *mig = target.mig;
  if (!mig) return NVML_ERROR_NOT_SUPPORTED;
  *out = (nvmlDeviceAttributes_t){
      .multiprocessorCount = mig->multiprocessors,
      .sharedCopyEngineCount = mig->copy_engines,
      .sharedDecoderCount = mig->decoders,
      .sharedEncoderCount = mig->encoders,
      .sharedJpegCount = mig->jpegs,
      .sharedOfaCount = mig->ofas,
      .gpuInstanceSliceCount = mig->slices,
      .computeInstanceSliceCount = mig->slices,
      .memorySizeMB = mig->memory_total / MIB,
  };
  return NVML_SUCCESS;
}
