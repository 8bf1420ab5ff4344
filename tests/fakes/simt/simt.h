// Stands in for what NVRTC knows by itself, so that g++ compiles kernels.cu as a GPU's
// compiler does, and runs it thread by thread.  Goes in front of the source.
//
// The 32 threads of a warp are coroutines.  Each runs up to a shuffle and waits there until
// all have come; that they do is checked, because on a GPU it is what a shuffle relies on.
// What it cannot show: timing, caches, and what runs at the same time as what.

#undef POLARIS_HOST

#include <ucontext.h>

#include <cmath>
#include <cstring>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(threads)

struct alignas(16) ulonglong2 { unsigned long long x, y; };
struct alignas(16) float4 { float x, y, z, w; };

namespace simt {

struct Dimension { unsigned x; };

enum { WARP = 32, STACK_BYTES = 1 << 16, MAX_ARGUMENTS = 8 };

struct Lane {
    ucontext_t context;
    alignas(16) char stack[STACK_BYTES];
    unsigned thread;
    bool ended, waits;
    unsigned long long value;
    int distance;
};

static Lane lanes[WARP];
static Lane *current;
static ucontext_t scheduler;
static const char *problem;
static Dimension block_index, thread_index, block_size, grid_size;

static void wait() { swapcontext(&current->context, &scheduler); }

}  // namespace simt

#define blockIdx simt::block_index
#define threadIdx simt::thread_index
#define blockDim simt::block_size
#define gridDim simt::grid_size

static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return static_cast<unsigned long long>((static_cast<unsigned __int128>(a) * b) >> 64);
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

// To the nearest, ties to even; the ends of the range for what is outside of it.
static inline int __float2int_rn(float f)
{
    if (std::isnan(f))
        return 0;
    if (f >= 2147483648.0f)
        return 2147483647;
    return f < -2147483648.0f ? -2147483647 - 1 : static_cast<int>(std::nearbyint(f));
}

static inline unsigned long long atomicAdd(unsigned long long *sum, unsigned long long term)
{
    const unsigned long long before = *sum;
    *sum += term;
    return before;
}

static inline unsigned long long
__shfl_down_sync(unsigned mask, unsigned long long value, int distance)
{
    simt::Lane *const lane = simt::current;
    if (mask != 0xFFFFFFFFu)
        simt::problem = "a shuffle names only some of the lanes";
    lane->waits = true;
    lane->value = value;
    lane->distance = distance;
    simt::wait();
    return lane->value;
}
