/* Events: a ring in the shared state, and sets that each keep their place in it.
 *
 * A waiter sleeps until the bell rings.  A set that falls a whole ring behind
 * loses the oldest events. */
#include <pthread.h>
#include <string.h>

#include "engine.h"

#define MAX_SETS 64

struct watch {
  unsigned long long types;
  uint32_t since; /* events before registration are not delivered */
};

struct event_set {
  bool used;
  uint32_t next;
  struct watch watches[FAKE_MAX_GPUS];
};

/* Sets are never returned to the heap: a waiter whose set is freed under it finds out. */
static struct event_set sets[MAX_SETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint32_t head(void) {
  return __atomic_load_n(&fake_state->event_head, __ATOMIC_ACQUIRE);
}

static struct event_set *find_set(nvmlEventSet_t handle) {
  struct event_set *set = (struct event_set *)handle;
  if (set < sets || set >= sets + MAX_SETS || !set->used) return NULL;
  return set;
}

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t *handle) {
  ENTER(nvmlEventSetCreate);
  nvmlReturn_t result = NVML_ERROR_MEMORY;
  pthread_mutex_lock(&lock);
  for (struct event_set *set = sets; set < sets + MAX_SETS; set++) {
    if (set->used) continue;
    memset(set, 0, sizeof *set);
    set->used = true;
    set->next = head();
    *handle = (nvmlEventSet_t)set;
    result = NVML_SUCCESS;
    break;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t handle) {
  ENTER(nvmlEventSetFree);
  pthread_mutex_lock(&lock);
  struct event_set *set = find_set(handle);
  if (set) set->used = false;
  pthread_mutex_unlock(&lock);
  return set ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

GETTER(nvmlDeviceGetSupportedEventTypes, unsigned long long, event_types)

nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types,
                                      nvmlEventSet_t handle) {
  ENTER_WHOLE(nvmlDeviceRegisterEvents, target);
  if (types & ~target.gpu->event_types) return NVML_ERROR_NOT_SUPPORTED;
  pthread_mutex_lock(&lock);
  struct event_set *set = find_set(handle);
  if (set) {
    struct watch *watch = &set->watches[target.slot];
    if (!watch->types) watch->since = head();
    watch->types |= types;
  }
  pthread_mutex_unlock(&lock);
  return set ? NVML_SUCCESS : NVML_ERROR_INVALID_ARGUMENT;
}

static bool wanted(const struct event_set *set, uint32_t number, const struct fake_event *event) {
  const struct watch *watch = &set->watches[event->gpu];
  return (watch->types & event->kind) && (int32_t)(number - watch->since) >= 0;
}

static bool take(struct event_set *set, uint32_t newest, nvmlEventData_t *out) {
  if (newest - set->next > FAKE_MAX_EVENTS) set->next = newest - FAKE_MAX_EVENTS;
  while (set->next != newest) {
    uint32_t number = set->next++;
    const struct fake_event *event = &fake_state->events[number % FAKE_MAX_EVENTS];
    if (!wanted(set, number, event)) continue;
    *out = (nvmlEventData_t){
        .device = fake_handle(event->gpu),
        .eventType = event->kind,
        .eventData = event->data,
        .gpuInstanceId = FAKE_NO_INSTANCE,
        .computeInstanceId = FAKE_NO_INSTANCE,
    };
    return true;
  }
  return false;
}

static bool any_lost(const struct event_set *set) {
  for (unsigned slot = 0; slot < FAKE_MAX_GPUS; slot++) {
    const struct fake_gpu *gpu = &fake_state->gpus[slot];
    if (set->watches[slot].types && (gpu->lost || !gpu->present)) return true;
  }
  return false;
}

/* NVML_ERROR_TIMEOUT here means that there is nothing to tell yet. */
static nvmlReturn_t poll_set(nvmlEventSet_t handle, uint32_t newest, nvmlEventData_t *out) {
  nvmlReturn_t result = NVML_ERROR_TIMEOUT;
  pthread_mutex_lock(&lock);
  struct event_set *set = find_set(handle);
  if (!set || !out) {
    result = NVML_ERROR_INVALID_ARGUMENT;
  } else if (take(set, newest, out)) {
    result = NVML_SUCCESS;
  } else if (any_lost(set)) {
    result = NVML_ERROR_GPU_IS_LOST;
  }
  pthread_mutex_unlock(&lock);
  return result;
}

static nvmlReturn_t wait_set(nvmlEventSet_t handle, nvmlEventData_t *out, unsigned timeout_ms) {
  uint64_t deadline = fake_clock_us() + timeout_ms * 1000ull;
  for (;;) {
    uint32_t bell = fake_bell();
    nvmlReturn_t result = poll_set(handle, head(), out);
    if (result != NVML_ERROR_TIMEOUT) return result;
    uint64_t now = fake_clock_us();
    if (now >= deadline) return NVML_ERROR_TIMEOUT;
    fake_wait_bell(bell, deadline - now);
  }
}

nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t handle, nvmlEventData_t *out,
                                 unsigned int timeout_ms) {
  ENTER(nvmlEventSetWait_v2);
  return wait_set(handle, out, timeout_ms);
}

/* The first version leaves the instance ids alone; no client of ours can tell. */
nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t handle, nvmlEventData_t *out,
                              unsigned int timeout_ms) {
  ENTER(nvmlEventSetWait);
  return wait_set(handle, out, timeout_ms);
}
