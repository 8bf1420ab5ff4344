/* The library as a whole: mapping the state, init and shutdown, the driver version it was
 * loaded with, injected latency and failures, versions of the system. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine.h"

struct fake_state *fake_state;

static atomic_int sessions;
static char loaded_driver[sizeof(fake_state->driver)];

/* Runs when the library is loaded: a real libnvidia-ml belongs to one driver version, and a
 * process that keeps it mapped cannot follow an upgrade. */
__attribute__((constructor)) static void map_state(void) {
  const char *path = getenv("FAKE_NVML_STATE");
  if (!path) return;
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  size_t size = sizeof(struct fake_state);
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED) return;
  struct fake_state *state = memory;
  if (state->magic != FAKE_MAGIC) {
    munmap(memory, size);
    return;
  }
  memcpy(loaded_driver, state->driver, sizeof loaded_driver);
  fake_state = state;
}

static bool driver_changed(void) {
  return strncmp(loaded_driver, fake_state->driver, sizeof loaded_driver) != 0;
}

static void count(uint64_t *calls) { __atomic_fetch_add(calls, 1, __ATOMIC_RELAXED); }

/* Holds the caller for as long as a test asks; clearing the latency lets it go at once. */
static void serve_latency(const uint64_t *latency_us) {
  uint64_t start = fake_clock_us();
  for (;;) {
    uint32_t bell = fake_bell();
    uint64_t asked = __atomic_load_n(latency_us, __ATOMIC_ACQUIRE);
    if (asked == 0) return;
    uint64_t spent = fake_clock_us() - start;
    if (spent >= asked) return;
    fake_wait_bell(bell, asked - spent);
  }
}

static nvmlReturn_t enter_system(enum fake_function function) {
  count(&fake_state->calls[function]);
  serve_latency(&fake_state->latency_us[function]);
  if (driver_changed()) return NVML_ERROR_LIB_RM_VERSION_MISMATCH;
  return fake_state->failure[function];
}

nvmlReturn_t fake_enter(enum fake_function function) {
  if (atomic_load(&sessions) == 0) return NVML_ERROR_UNINITIALIZED;
  return enter_system(function);
}

nvmlReturn_t fake_enter_gpu(enum fake_function function, struct fake_gpu *gpu) {
  count(&gpu->calls[function]);
  serve_latency(&gpu->latency_us[function]);
  if (gpu->lost || !gpu->present) return NVML_ERROR_GPU_IS_LOST;
  if (gpu->failure[function]) return gpu->failure[function];
  return gpu->not_supported[function] ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
}

/* What a function that is declared in nvml.h but not written here answers. */
nvmlReturn_t fake_stub(enum fake_function function, const void *first_argument) {
  nvmlReturn_t entered = fake_enter(function);
  if (entered != NVML_SUCCESS) return entered;
  struct target target;
  if (fake_is_handle(first_argument) &&
      fake_resolve((nvmlDevice_t)first_argument, &target) == NVML_SUCCESS) {
    entered = fake_enter_gpu(function, target.gpu);
  }
  return entered != NVML_SUCCESS ? entered : NVML_ERROR_NOT_SUPPORTED;
}

nvmlReturn_t nvmlInitWithFlags(unsigned int flags) {
  (void)flags;
  if (!fake_state) return NVML_ERROR_DRIVER_NOT_LOADED;
  nvmlReturn_t entered = enter_system(FN_nvmlInitWithFlags);
  if (entered != NVML_SUCCESS) return entered;
  if (fake_state->init_error) return fake_state->init_error;
  atomic_fetch_add(&sessions, 1);
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

nvmlReturn_t nvmlInit(void) { return nvmlInitWithFlags(0); }

nvmlReturn_t nvmlShutdown(void) {
  int open = atomic_load(&sessions);
  do {
    if (open == 0) return NVML_ERROR_UNINITIALIZED;
  } while (!atomic_compare_exchange_weak(&sessions, &open, open - 1));
  count(&fake_state->calls[FN_nvmlShutdown]);
  return NVML_SUCCESS;
}

const DECLDIR char *nvmlErrorString(nvmlReturn_t result) {
  switch (result) {
    case NVML_SUCCESS: return "Success";
    case NVML_ERROR_UNINITIALIZED: return "Uninitialized";
    case NVML_ERROR_INVALID_ARGUMENT: return "Invalid Argument";
    case NVML_ERROR_NOT_SUPPORTED: return "Not Supported";
    case NVML_ERROR_NO_PERMISSION: return "Insufficient Permissions";
    case NVML_ERROR_NOT_FOUND: return "Not Found";
    case NVML_ERROR_INSUFFICIENT_SIZE: return "Insufficient Size";
    case NVML_ERROR_DRIVER_NOT_LOADED: return "Driver Not Loaded";
    case NVML_ERROR_TIMEOUT: return "Timeout";
    case NVML_ERROR_GPU_IS_LOST: return "GPU is lost";
    case NVML_ERROR_LIB_RM_VERSION_MISMATCH: return "Driver/library version mismatch";
    default: return "Unknown Error";
  }
}

nvmlReturn_t fake_copy_text(char *buffer, unsigned length, const char *text) {
  if (!buffer) return NVML_ERROR_INVALID_ARGUMENT;
  if (strlen(text) >= length) return NVML_ERROR_INSUFFICIENT_SIZE;
  strcpy(buffer, text);
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length) {
  ENTER(nvmlSystemGetDriverVersion);
  return fake_copy_text(version, length, fake_state->driver);
}

nvmlReturn_t nvmlSystemGetNVMLVersion(char *version, unsigned int length) {
  ENTER(nvmlSystemGetNVMLVersion);
  return fake_copy_text(version, length, fake_state->nvml);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *version) {
  ENTER(nvmlSystemGetCudaDriverVersion);
  *version = (int)fake_state->cuda_version;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
  ENTER(nvmlSystemGetCudaDriverVersion_v2);
  *version = (int)fake_state->cuda_version;
  return NVML_SUCCESS;
}
