/* What the files of the fake library share.
 *
 * Every function of the API first "enters": it counts the call, serves the latency and the
 * failure a test injected, and finds the device behind the handle.  layout.h (the shared
 * state) and functions.h (one id per function of nvml.h) are written by build.py. */
#ifndef FAKE_NVML_ENGINE_H
#define FAKE_NVML_ENGINE_H

#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include <nvml.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "functions.h"
#include "layout.h"

#define MIB (1024ull * 1024ull)

/* The device a handle stands for; `mig` is NULL for a whole GPU. */
struct target {
  unsigned slot;
  struct fake_gpu *gpu;
  struct fake_mig *mig;
};

extern struct fake_state *fake_state;

/* lifecycle.c */
nvmlReturn_t fake_enter(enum fake_function function);
nvmlReturn_t fake_enter_gpu(enum fake_function function, struct fake_gpu *gpu);
nvmlReturn_t fake_stub(enum fake_function function, const void *first_argument);
nvmlReturn_t fake_copy_text(char *buffer, unsigned length, const char *text);

/* clock.c */
uint64_t fake_clock_us(void);
uint64_t fake_wall_us(void);
void fake_sleep_us(uint64_t microseconds);
uint32_t fake_bell(void);
void fake_wait_bell(uint32_t heard, uint64_t microseconds);

/* handles.c */
nvmlDevice_t fake_handle(unsigned slot);
nvmlDevice_t fake_mig_handle(unsigned slot, unsigned instance);
bool fake_is_handle(const void *pointer);
nvmlReturn_t fake_resolve(nvmlDevice_t device, struct target *target);
nvmlReturn_t fake_enter_device(enum fake_function function, nvmlDevice_t device,
                               struct target *target);
nvmlReturn_t fake_enter_whole(enum fake_function function, nvmlDevice_t device,
                              struct target *target);

static inline bool fake_mig_on(const struct fake_gpu *gpu) {
  return gpu->mig_mode == NVML_DEVICE_MIG_ENABLE;
}

/* Begin a function of the API.  ENTER_WHOLE refuses handles of MIG instances. */
#define ENTER(function)                                     \
  do {                                                      \
    nvmlReturn_t entered = fake_enter(FN_##function);       \
    if (entered != NVML_SUCCESS) return entered;            \
  } while (0)

#define ENTER_DEVICE(function, target)                                        \
  struct target target;                                                       \
  do {                                                                        \
    nvmlReturn_t entered = fake_enter_device(FN_##function, device, &target); \
    if (entered != NVML_SUCCESS) return entered;                              \
  } while (0)

#define ENTER_WHOLE(function, target)                                        \
  struct target target;                                                      \
  do {                                                                       \
    nvmlReturn_t entered = fake_enter_whole(FN_##function, device, &target); \
    if (entered != NVML_SUCCESS) return entered;                             \
  } while (0)

/* A getter that hands out one number of the slot. */
#define GETTER(function, type, field)                           \
  nvmlReturn_t function(nvmlDevice_t device, type *value) {     \
    ENTER_WHOLE(function, target);                              \
    if (!value) return NVML_ERROR_INVALID_ARGUMENT;             \
    *value = target.gpu->field;                                 \
    return NVML_SUCCESS;                                        \
  }

#endif
