// CUDA C++ on the CPU: what stands before a candidate that the emulation compiles, after src/runner/emulation/abi.h:
// this file, then vectors.h, mathematics.h, memory.h and threads.h, which include nothing. Names that the language has
// are here or are errors of the compiler, which kerf reports as `unavailable: …`: textures, matrix units, clusters,
// printf and allocation are not emulated.
#define KERF_CUDA 1
#define __CUDACC__ 1
#define __CUDACC_RTC__ 1
#define __CUDA_ARCH__ 900
#define __global__
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __align__(n) __attribute__((aligned(n)))
// One object a system thread, on which a block runs from its beginning to its end.
#define __shared__ constinit thread_local

typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef unsigned long size_t;
typedef long ptrdiff_t;
typedef unsigned long uintptr_t;
typedef long intptr_t;

#define KERF_DEVICE static inline __attribute__((always_inline, unused))
#define KERF_LINE int kerf_line = __builtin_LINE()

KERF_DEVICE KerfBlock* kerf_block() {
  return (KerfBlock*)((uintptr_t)__builtin_frame_address(0) & ~(KerfBlock::region_bytes - 1));
}

// ---- indexes
typedef KerfExtent uint3;
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
  constexpr dim3(uint3 e) : x(e.x), y(e.y), z(e.z) {}
};
KERF_DEVICE uint3 make_uint3(unsigned x, unsigned y, unsigned z) { return {x, y, z}; }
#define threadIdx (kerf_block()->thread)
#define blockIdx (kerf_block()->block)
#define blockDim (kerf_block()->block_extent)
#define gridDim (kerf_block()->grid_extent)
static constexpr int warpSize __attribute__((unused)) = 32;
