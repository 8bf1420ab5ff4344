/* Processes on a device, of three kinds, in the two layouts NVML has had: version 1 knows
 * pid and memory, versions 2 and 3 add the MIG instance.
 *
 * A whole GPU lists the processes of all its instances, an instance its own.  A buffer that
 * is too small gives INSUFFICIENT_SIZE and the number needed. */
#include "engine.h"

enum kind { COMPUTE, GRAPHICS, MPS }; /* the order of KINDS in layout.py */

static bool belongs(const struct fake_process *process, enum kind kind,
                    const struct target *target) {
  if (process->pid == 0 || process->kind != kind) return false;
  return !target->mig || process->gpu_instance == target->mig->gpu_instance;
}

static void describe(const struct fake_process *process, nvmlProcessInfo_v2_t *info) {
  *info = (nvmlProcessInfo_v2_t){
      .pid = process->pid,
      .usedGpuMemory = process->memory,
      .gpuInstanceId = process->gpu_instance,
      .computeInstanceId = process->compute_instance,
  };
}

static void describe_v1(const struct fake_process *process, nvmlProcessInfo_v1_t *info) {
  *info = (nvmlProcessInfo_v1_t){.pid = process->pid, .usedGpuMemory = process->memory};
}

/* Exactly one of `infos` and `infos_v1` is given, or neither to ask for the number. */
static nvmlReturn_t list(const struct target *target, enum kind kind, unsigned *count,
                         nvmlProcessInfo_v2_t *infos, nvmlProcessInfo_v1_t *infos_v1) {
  if (!count) return NVML_ERROR_INVALID_ARGUMENT;
  unsigned room = infos || infos_v1 ? *count : 0;
  unsigned found = 0;
  for (unsigned i = 0; i < FAKE_MAX_PROCESSES; i++) {
    const struct fake_process *process = &target->gpu->processes[i];
    if (!belongs(process, kind, target)) continue;
    if (found < room && infos) describe(process, &infos[found]);
    if (found < room && infos_v1) describe_v1(process, &infos_v1[found]);
    found++;
  }
  *count = found;
  return found <= room ? NVML_SUCCESS : NVML_ERROR_INSUFFICIENT_SIZE;
}

#define LIST(function, kind)                                                  \
  nvmlReturn_t function(nvmlDevice_t device, unsigned int *count,             \
                        nvmlProcessInfo_v2_t *infos) {                        \
    ENTER_DEVICE(function, target);                                           \
    return list(&target, kind, count, infos, NULL);                           \
  }

#define LIST_V1(function, kind)                                               \
  nvmlReturn_t function(nvmlDevice_t device, unsigned int *count,             \
                        nvmlProcessInfo_v1_t *infos) {                        \
    ENTER_DEVICE(function, target);                                           \
    return list(&target, kind, count, NULL, infos);                           \
  }

LIST(nvmlDeviceGetComputeRunningProcesses_v3, COMPUTE)
LIST(nvmlDeviceGetComputeRunningProcesses_v2, COMPUTE)
LIST_V1(nvmlDeviceGetComputeRunningProcesses, COMPUTE)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v3, GRAPHICS)
LIST(nvmlDeviceGetGraphicsRunningProcesses_v2, GRAPHICS)
LIST_V1(nvmlDeviceGetGraphicsRunningProcesses, GRAPHICS)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v3, MPS)
LIST(nvmlDeviceGetMPSComputeRunningProcesses_v2, MPS)
LIST_V1(nvmlDeviceGetMPSComputeRunningProcesses, MPS)
