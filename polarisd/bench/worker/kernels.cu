// The integer kernels of the proofs and of the benchmarks: docs/proof.md says what they compute.
//
// One source, two compilers.  NVRTC builds it for a GPU, without any #include; g++ builds it
// with POLARIS_HOST for the processor, where the same bodies run over plain loops.  All
// arithmetic is modulo 2^64.  Every kernel parameter is 64 bits wide, so that whoever
// launches one need not know which is which.

typedef unsigned long long u64;
typedef unsigned int u32;

#ifdef POLARIS_HOST

#include <cmath>
#include <cstring>

#define KERNEL extern "C" void
#define DEVICE static inline

// A kernel does one part of `parts`; whoever wants threads calls it once for each.
#define SHARE u64 part, u64 parts,
#define EACH(i, count) \
    for (u64 i = begin_of(part, parts, count), end = begin_of(part + 1, parts, count); i < end; ++i)
#define EACH_ROW(row, rows) EACH(row, rows)
#define LANE 0
#define LANES 1
enum { AHEAD = 1 };

// One processor thread carries several items side by side: their loads wait for memory
// together, and g++ makes vectors of them (but not of 16 or fewer, which it unrolls first).
enum { GROUP = 64 };

struct alignas(16) ulonglong2 { u64 x, y; };
struct alignas(16) float4 { float x, y, z, w; };

DEVICE u64 begin_of(u64 part, u64 parts, u64 count)
{
    return count / parts * part + count % parts * part / parts;
}

DEVICE u64 high_half(u64 a, u64 b)
{
    __extension__ typedef unsigned __int128 u128;
    return static_cast<u64>((static_cast<u128>(a) * b) >> 64);
}

DEVICE u32 bits_of(float f)
{
    u32 bits;
    std::memcpy(&bits, &f, sizeof bits);
    return bits;
}

DEVICE float with_bits(u32 bits)
{
    float f;
    std::memcpy(&f, &bits, sizeof f);
    return f;
}

DEVICE u32 rounded(float f) { return static_cast<u32>(static_cast<int>(std::nearbyint(f))); }
DEVICE void soon(const u64 *line) { __builtin_prefetch(line); }
DEVICE void add_up(u64 *sum, u64 term) { __atomic_fetch_add(sum, term, __ATOMIC_RELAXED); }

#else

// No launch has more threads to a block; kernel_device.py counts on it.
#define KERNEL extern "C" __global__ void __launch_bounds__(256)
#define DEVICE static __device__ __forceinline__

// 64 bits before the multiplication: a grid may have more threads than 32 bits count.
#define SHARE
#define EACH(i, count)                                                    \
    for (u64 i = static_cast<u64>(blockIdx.x) * blockDim.x + threadIdx.x; \
         i < count; i += static_cast<u64>(gridDim.x) * blockDim.x)
#define EACH_ROW(row, rows) for (u64 row = blockIdx.x; row < rows; row += gridDim.x)
// A block takes a row; its threads are the row's lanes.
#define LANE static_cast<u64>(threadIdx.x)
#define LANES static_cast<u64>(blockDim.x)
enum { AHEAD = 4 };

// Other warps hide the latency, and registers are what limits how many there are.
enum { GROUP = 1 };

DEVICE u64 high_half(u64 a, u64 b) { return __umul64hi(a, b); }
DEVICE u32 bits_of(float f) { return __float_as_uint(f); }
DEVICE float with_bits(u32 bits) { return __uint_as_float(bits); }
DEVICE u32 rounded(float f) { return static_cast<u32>(__float2int_rn(f)); }
DEVICE void soon(const u64 *) {}

// All 32 lanes must come here: blocks are whole warps, and a block's threads take the same
// rows.  One atomic addition a warp; addition commutes, so the order changes nothing.
DEVICE void add_up(u64 *sum, u64 term)
{
    for (int distance = 16; distance > 0; distance /= 2)
        term += __shfl_down_sync(0xFFFFFFFFu, term, distance);
    if (threadIdx.x % 32 == 0)
        atomicAdd(sum, term);
}

#endif

// ---- words

enum : u64 { GOLDEN = 0x9E3779B97F4A7C15ull };

DEVICE u64 scramble(u64 z, u64 key)
{
    z ^= z >> 30;
    z *= 0xBF58476D1CE4E5B9ull;
    z ^= key;
    z ^= z >> 27;
    z *= 0x94D049BB133111EBull;
    return z ^ (z >> 31);
}

DEVICE u64 word_at(u64 counter, u64 k0, u64 k1)
{
    return scramble(counter * GOLDEN + k0, k1);
}

// ---- operands: 9-bit integers v in -256..255, four to a word, or the word's bytes as int8

// v as fp32, without a conversion instruction, which GPUs are slow at: 2^23 + m has the bits
// of m at its end, and subtracting 2^23 + 256 is exact.  Zero comes out as +0.
DEVICE float nine_bits(u64 word, int lane)
{
    const u32 m = static_cast<u32>(word >> (16 * lane)) & 511u;
    return with_bits(0x4B000000u | m) - 8388864.0f;
}

// Nine bits are a sign and eight: they fit the significand that bf16 keeps.
DEVICE u64 as_bf16(float v)
{
    return bits_of(v) >> 16;
}

// The exponent moves from bias 127 to 15.  |v| is 0 or at least 1: never a subnormal.
DEVICE u64 as_fp16(float v)
{
    const u32 bits = bits_of(v);
    const u32 magnitude = bits & 0x7FFFFFFFu;
    const u32 moved = magnitude == 0 ? 0 : (magnitude >> 13) - ((127 - 15) << 10);
    return moved | (bits >> 31 << 15);
}

KERNEL generate_bf16(SHARE u64 *out, u64 words, u64 first_word, u64 k0, u64 k1)
{
    EACH(i, words) {
        const u64 w = word_at(first_word + i, k0, k1);
        out[i] = as_bf16(nine_bits(w, 0)) | as_bf16(nine_bits(w, 1)) << 16
               | as_bf16(nine_bits(w, 2)) << 32 | as_bf16(nine_bits(w, 3)) << 48;
    }
}

KERNEL generate_fp16(SHARE u64 *out, u64 words, u64 first_word, u64 k0, u64 k1)
{
    EACH(i, words) {
        const u64 w = word_at(first_word + i, k0, k1);
        out[i] = as_fp16(nine_bits(w, 0)) | as_fp16(nine_bits(w, 1)) << 16
               | as_fp16(nine_bits(w, 2)) << 32 | as_fp16(nine_bits(w, 3)) << 48;
    }
}

KERNEL generate_int8(SHARE u64 *out, u64 words, u64 first_word, u64 k0, u64 k1)
{
    EACH(i, words)
        out[i] = word_at(first_word + i, k0, k1);
}

// ---- digests: leaves[row] += the digest of a row; the caller has zeroed the leaves

// A row is `loads` times 16 bytes: a pair of words, which four int32 in memory are as well.
DEVICE u64 digest_term(ulonglong2 pair, u64 j, u64 k0, u64 k1)
{
    return scramble((pair.x ^ k0) + j * GOLDEN, pair.y ^ k1);
}

// The same four integers as fp32.
DEVICE u64 digest_term(float4 quad, u64 j, u64 k0, u64 k1)
{
    ulonglong2 pair;
    pair.x = rounded(quad.x) | static_cast<u64>(rounded(quad.y)) << 32;
    pair.y = rounded(quad.z) | static_cast<u64>(rounded(quad.w)) << 32;
    return digest_term(pair, j, k0, k1);
}

// This thread's terms of a row.  Several loads are under way before the first is needed.
template <typename Load>
DEVICE u64 digest_share(const Load *__restrict__ row, u64 loads, u64 k0, u64 k1)
{
    u64 sum = 0;
    u64 j = LANE;
    for (; j + (AHEAD - 1) * LANES < loads; j += AHEAD * LANES) {
        Load ahead[AHEAD];
        for (int i = 0; i < AHEAD; ++i)
            ahead[i] = row[j + i * LANES];
        for (int i = 0; i < AHEAD; ++i)
            sum += digest_term(ahead[i], j + i * LANES, k0, k1);
    }
    for (; j < loads; j += LANES)
        sum += digest_term(row[j], j, k0, k1);
    return sum;
}

KERNEL digest_words(SHARE const ulonglong2 *words, u64 *leaves, u64 rows, u64 loads, u64 k0, u64 k1)
{
    EACH_ROW(row, rows)
        add_up(leaves + row, digest_share(words + row * loads, loads, k0, k1));
}

KERNEL digest_floats(SHARE const float4 *entries, u64 *leaves, u64 rows, u64 loads, u64 k0, u64 k1)
{
    EACH_ROW(row, rows)
        add_up(leaves + row, digest_share(entries + row * loads, loads, k0, k1));
}

// ---- memory

// A word costs `cost` scrambles, each of which needs the one before.
KERNEL fill(SHARE u64 *memory, u64 words, u64 first_word, u64 k0, u64 k1, u64 cost)
{
    EACH(group, (words + GROUP - 1) / GROUP) {
        const u64 at = group * GROUP;
        u64 z[GROUP];
        for (int lane = 0; lane < GROUP; ++lane)
            z[lane] = word_at(first_word + at + lane, k0, k1);
        for (u64 turn = 0; turn < cost; ++turn)
            for (int lane = 0; lane < GROUP; ++lane)
                z[lane] = scramble(z[lane], k1 + turn);
        for (int lane = 0; lane < GROUP && at + lane < words; ++lane)
            memory[at + lane] = z[lane];
    }
}

// A walker's state is as large as a line, so that moving a walker to where a line is costs
// as much as moving the line.  Which word of the line meets which of the state is turned by
// the state as well, so that words cannot be told apart by where they will be needed.
DEVICE u64 walker_digest(const u64 state[8], u64 k0, u64 k1)
{
    u64 sum = 0;
    for (int pair = 0; pair < 4; ++pair) {
        ulonglong2 words;
        words.x = state[2 * pair];
        words.y = state[2 * pair + 1];
        sum += digest_term(words, pair, k0, k1);
    }
    return sum;
}

KERNEL walk(SHARE const u64 *__restrict__ memory, u64 lines, u64 *__restrict__ states,
            u64 walkers, u64 steps, u64 k0, u64 k1)
{
    EACH(group, (walkers + GROUP - 1) / GROUP) {
        const u64 at = group * GROUP;
        u64 state[GROUP][8];
        for (int lane = 0; lane < GROUP; ++lane)
            for (int word = 0; word < 8; ++word)
                state[lane][word] = word_at(8 * (at + lane) + word, k0, k1);
        for (u64 step = 0; step < steps; ++step) {
            const u64 *line[GROUP];
            for (int lane = 0; lane < GROUP; ++lane) {
                line[lane] = memory + 8 * high_half(state[lane][0], lines);
                soon(line[lane]);
            }
            for (int lane = 0; lane < GROUP; ++lane) {
                const u64 turn = state[lane][0];
                // Backwards, so that the first word, which says where to go on, takes in all.
                for (int word = 7; word >= 0; --word)
                    state[lane][word] = scramble(state[lane][word] ^ line[lane][(word + turn) % 8],
                                                 state[lane][(word + 1) % 8]);
            }
        }
        for (int lane = 0; lane < GROUP && at + lane < walkers; ++lane)
            states[at + lane] = walker_digest(state[lane], k0, k1);
    }
}
