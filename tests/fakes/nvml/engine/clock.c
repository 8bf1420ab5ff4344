/* Time and blocking.  Waiting is a futex on the bell of the shared state: no wake-ups
 * while nothing happens, so that a client's own idle cost can be measured. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

static uint64_t read_clock_us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct timespec span(uint64_t microseconds) {
  struct timespec time = {
      .tv_sec = (time_t)(microseconds / 1000000),
      .tv_nsec = (long)(microseconds % 1000000) * 1000,
  };
  return time;
}

uint64_t fake_clock_us(void) { return read_clock_us(CLOCK_MONOTONIC); }

uint64_t fake_wall_us(void) { return read_clock_us(CLOCK_REALTIME); }

void fake_sleep_us(uint64_t microseconds) {
  struct timespec time = span(microseconds);
  clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

uint32_t fake_bell(void) { return __atomic_load_n(&fake_state->bell, __ATOMIC_ACQUIRE); }

/* Returns once the bell rang after it read `heard`, at the latest after `microseconds`; may
 * return early, so callers loop. */
void fake_wait_bell(uint32_t heard, uint64_t microseconds) {
  struct timespec time = span(microseconds);
  syscall(SYS_futex, &fake_state->bell, FUTEX_WAIT, heard, &time, NULL, 0);
}
