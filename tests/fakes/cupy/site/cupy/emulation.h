// A GPU's threads on one processor: the threads of a warp are fibers, so that they can
// wait for each other in a shuffle.  Included in front of CUDA source for g++.
#pragma once

#include <cmath>
#include <cstring>
#include <ucontext.h>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 { unsigned x, y, z; };
static uint3 gridDim, blockDim, blockIdx, threadIdx;

struct alignas(16) ulonglong2 { unsigned long long x, y; };
struct alignas(16) float4 { float x, y, z, w; };

namespace emulation {

enum { LANES = 32, STACK_BYTES = 1 << 16, PARAMETERS = 12 };
typedef unsigned long long word;
typedef void (*kernel)(word, word, word, word, word, word, word, word, word, word, word, word);

struct lane {
    ucontext_t context;
    alignas(16) char stack[STACK_BYTES];
    unsigned thread;
    bool done;
    bool waits;
    unsigned long shuffles;
    word shown[2];
};

static lane lanes[LANES];
static ucontext_t scheduler;
static int running;
static kernel current;
static word parameters[PARAMETERS];
static bool broken;

static void enter()
{
    const word *p = parameters;
    current(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11]);
    lanes[running].done = true;
}

static void pause()
{
    lane &me = lanes[running];
    me.waits = true;
    swapcontext(&me.context, &scheduler);
    threadIdx.x = me.thread;
}

static void run_warp(unsigned first_thread, int count)
{
    for (int i = 0; i < count; ++i) {
        lane &it = lanes[i];
        getcontext(&it.context);
        it.context.uc_stack.ss_sp = it.stack;
        it.context.uc_stack.ss_size = STACK_BYTES;
        it.context.uc_link = &scheduler;
        makecontext(&it.context, enter, 0);
        it.thread = first_thread + i;
        it.done = it.waits = false;
        it.shuffles = 0;
    }
    for (;;) {
        int waiting = 0, done = 0;
        for (int i = 0; i < count; ++i) {
            if (lanes[i].done)
                continue;
            running = i;
            lanes[i].waits = false;
            threadIdx.x = lanes[i].thread;
            swapcontext(&scheduler, &lanes[i].context);
        }
        for (int i = 0; i < count; ++i) {
            waiting += lanes[i].waits;
            done += lanes[i].done;
        }
        if (done == count)
            return;
        // A shuffle with all lanes in its mask, which some lane does not come to.
        if (waiting != LANES) {
            broken = true;
            return;
        }
    }
}

template <typename T> T shuffle_down(unsigned mask, T value, int distance)
{
    static_assert(sizeof(T) <= sizeof(word), "a shuffle moves up to 8 bytes");
    if (mask != 0xFFFFFFFFu)
        broken = true;
    lane &me = lanes[running];
    const int turn = me.shuffles++ & 1;
    std::memcpy(&me.shown[turn], &value, sizeof value);
    pause();
    const int from = running + distance;
    if (from < LANES)
        std::memcpy(&value, &lanes[from].shown[turn], sizeof value);
    return value;
}

} // namespace emulation

template <typename T> T __shfl_down_sync(unsigned mask, T value, int distance)
{
    return emulation::shuffle_down(mask, value, distance);
}

static inline unsigned long long atomicAdd(unsigned long long *at, unsigned long long value)
{
    const unsigned long long old = *at;
    *at += value;
    return old;
}

static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}

static inline unsigned __float_as_uint(float f)
{
    unsigned bits;
    std::memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float __uint_as_float(unsigned bits)
{
    float f;
    std::memcpy(&f, &bits, sizeof f);
    return f;
}

static inline int __float2int_rn(float f) { return (int)std::nearbyint(f); }

// 0, or 719 when a warp did what hangs or breaks a GPU.
extern "C" int emulation_launch(emulation::kernel kernel, const unsigned long long *given,
                                unsigned blocks, unsigned threads)
{
    using namespace emulation;
    current = kernel;
    std::memcpy(parameters, given, sizeof parameters);
    broken = false;
    gridDim = {blocks, 1, 1};
    blockDim = {threads, 1, 1};
    threadIdx = {0, 0, 0};
    for (unsigned block = 0; block < blocks && !broken; ++block) {
        blockIdx = {block, 0, 0};
        for (unsigned first = 0; first < threads && !broken; first += LANES)
            run_warp(first, threads - first < LANES ? (int)(threads - first) : (int)LANES);
    }
    return broken ? 719 : 0;
}
