// CUDA C++ on the CPU: what stands before a candidate that the emulation compiles, after src/runner/emulation/abi.h. It
// includes nothing. Names that the language has are here or are errors of the compiler, which kerf reports as
// `unavailable: …`: textures, matrix units, clusters, printf and allocation are not emulated.
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

// ---- vectors
struct char1 { signed char x; };
KERF_DEVICE char1 make_char1(signed char x) { return {x}; }
struct __attribute__((aligned(2))) char2 { signed char x, y; };
KERF_DEVICE char2 make_char2(signed char x, signed char y) { return {x, y}; }
struct char3 { signed char x, y, z; };
KERF_DEVICE char3 make_char3(signed char x, signed char y, signed char z) { return {x, y, z}; }
struct __attribute__((aligned(4))) char4 { signed char x, y, z, w; };
KERF_DEVICE char4 make_char4(signed char x, signed char y, signed char z, signed char w) { return {x, y, z, w}; }
struct uchar1 { unsigned char x; };
KERF_DEVICE uchar1 make_uchar1(unsigned char x) { return {x}; }
struct __attribute__((aligned(2))) uchar2 { unsigned char x, y; };
KERF_DEVICE uchar2 make_uchar2(unsigned char x, unsigned char y) { return {x, y}; }
struct uchar3 { unsigned char x, y, z; };
KERF_DEVICE uchar3 make_uchar3(unsigned char x, unsigned char y, unsigned char z) { return {x, y, z}; }
struct __attribute__((aligned(4))) uchar4 { unsigned char x, y, z, w; };
KERF_DEVICE uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) { return {x, y, z, w}; }
struct short1 { short x; };
KERF_DEVICE short1 make_short1(short x) { return {x}; }
struct __attribute__((aligned(4))) short2 { short x, y; };
KERF_DEVICE short2 make_short2(short x, short y) { return {x, y}; }
struct short3 { short x, y, z; };
KERF_DEVICE short3 make_short3(short x, short y, short z) { return {x, y, z}; }
struct __attribute__((aligned(8))) short4 { short x, y, z, w; };
KERF_DEVICE short4 make_short4(short x, short y, short z, short w) { return {x, y, z, w}; }
struct ushort1 { unsigned short x; };
KERF_DEVICE ushort1 make_ushort1(unsigned short x) { return {x}; }
struct __attribute__((aligned(4))) ushort2 { unsigned short x, y; };
KERF_DEVICE ushort2 make_ushort2(unsigned short x, unsigned short y) { return {x, y}; }
struct ushort3 { unsigned short x, y, z; };
KERF_DEVICE ushort3 make_ushort3(unsigned short x, unsigned short y, unsigned short z) { return {x, y, z}; }
struct __attribute__((aligned(8))) ushort4 { unsigned short x, y, z, w; };
KERF_DEVICE ushort4 make_ushort4(unsigned short x, unsigned short y, unsigned short z, unsigned short w) { return {x, y, z, w}; }
struct int1 { int x; };
KERF_DEVICE int1 make_int1(int x) { return {x}; }
struct __attribute__((aligned(8))) int2 { int x, y; };
KERF_DEVICE int2 make_int2(int x, int y) { return {x, y}; }
struct int3 { int x, y, z; };
KERF_DEVICE int3 make_int3(int x, int y, int z) { return {x, y, z}; }
struct __attribute__((aligned(16))) int4 { int x, y, z, w; };
KERF_DEVICE int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
struct uint1 { unsigned x; };
KERF_DEVICE uint1 make_uint1(unsigned x) { return {x}; }
struct __attribute__((aligned(8))) uint2 { unsigned x, y; };
KERF_DEVICE uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
struct __attribute__((aligned(16))) uint4 { unsigned x, y, z, w; };
KERF_DEVICE uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
struct float1 { float x; };
KERF_DEVICE float1 make_float1(float x) { return {x}; }
struct __attribute__((aligned(8))) float2 { float x, y; };
KERF_DEVICE float2 make_float2(float x, float y) { return {x, y}; }
struct float3 { float x, y, z; };
KERF_DEVICE float3 make_float3(float x, float y, float z) { return {x, y, z}; }
struct __attribute__((aligned(16))) float4 { float x, y, z, w; };
KERF_DEVICE float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
struct long1 { long x; };
KERF_DEVICE long1 make_long1(long x) { return {x}; }
struct __attribute__((aligned(16))) long2 { long x, y; };
KERF_DEVICE long2 make_long2(long x, long y) { return {x, y}; }
struct long3 { long x, y, z; };
KERF_DEVICE long3 make_long3(long x, long y, long z) { return {x, y, z}; }
struct __attribute__((aligned(16))) long4 { long x, y, z, w; };
KERF_DEVICE long4 make_long4(long x, long y, long z, long w) { return {x, y, z, w}; }
struct ulong1 { unsigned long x; };
KERF_DEVICE ulong1 make_ulong1(unsigned long x) { return {x}; }
struct __attribute__((aligned(16))) ulong2 { unsigned long x, y; };
KERF_DEVICE ulong2 make_ulong2(unsigned long x, unsigned long y) { return {x, y}; }
struct ulong3 { unsigned long x, y, z; };
KERF_DEVICE ulong3 make_ulong3(unsigned long x, unsigned long y, unsigned long z) { return {x, y, z}; }
struct __attribute__((aligned(16))) ulong4 { unsigned long x, y, z, w; };
KERF_DEVICE ulong4 make_ulong4(unsigned long x, unsigned long y, unsigned long z, unsigned long w) { return {x, y, z, w}; }
struct longlong1 { long long x; };
KERF_DEVICE longlong1 make_longlong1(long long x) { return {x}; }
struct __attribute__((aligned(16))) longlong2 { long long x, y; };
KERF_DEVICE longlong2 make_longlong2(long long x, long long y) { return {x, y}; }
struct longlong3 { long long x, y, z; };
KERF_DEVICE longlong3 make_longlong3(long long x, long long y, long long z) { return {x, y, z}; }
struct __attribute__((aligned(16))) longlong4 { long long x, y, z, w; };
KERF_DEVICE longlong4 make_longlong4(long long x, long long y, long long z, long long w) { return {x, y, z, w}; }
struct ulonglong1 { unsigned long long x; };
KERF_DEVICE ulonglong1 make_ulonglong1(unsigned long long x) { return {x}; }
struct __attribute__((aligned(16))) ulonglong2 { unsigned long long x, y; };
KERF_DEVICE ulonglong2 make_ulonglong2(unsigned long long x, unsigned long long y) { return {x, y}; }
struct ulonglong3 { unsigned long long x, y, z; };
KERF_DEVICE ulonglong3 make_ulonglong3(unsigned long long x, unsigned long long y, unsigned long long z) { return {x, y, z}; }
struct __attribute__((aligned(16))) ulonglong4 { unsigned long long x, y, z, w; };
KERF_DEVICE ulonglong4 make_ulonglong4(unsigned long long x, unsigned long long y, unsigned long long z, unsigned long long w) { return {x, y, z, w}; }
struct double1 { double x; };
KERF_DEVICE double1 make_double1(double x) { return {x}; }
struct __attribute__((aligned(16))) double2 { double x, y; };
KERF_DEVICE double2 make_double2(double x, double y) { return {x, y}; }
struct double3 { double x, y, z; };
KERF_DEVICE double3 make_double3(double x, double y, double z) { return {x, y, z}; }
struct __attribute__((aligned(16))) double4 { double x, y, z, w; };
KERF_DEVICE double4 make_double4(double x, double y, double z, double w) { return {x, y, z, w}; }

// ---- mathematics: the C library's functions; the fast variants are these, too, and hence more exact than on a GPU
extern "C" {
double sqrt(double) noexcept; float sqrtf(float) noexcept;
double exp(double) noexcept; float expf(float) noexcept;
double exp2(double) noexcept; float exp2f(float) noexcept;
double expm1(double) noexcept; float expm1f(float) noexcept;
double log(double) noexcept; float logf(float) noexcept;
double log2(double) noexcept; float log2f(float) noexcept;
double log10(double) noexcept; float log10f(float) noexcept;
double log1p(double) noexcept; float log1pf(float) noexcept;
double sin(double) noexcept; float sinf(float) noexcept;
double cos(double) noexcept; float cosf(float) noexcept;
double tan(double) noexcept; float tanf(float) noexcept;
double asin(double) noexcept; float asinf(float) noexcept;
double acos(double) noexcept; float acosf(float) noexcept;
double atan(double) noexcept; float atanf(float) noexcept;
double sinh(double) noexcept; float sinhf(float) noexcept;
double cosh(double) noexcept; float coshf(float) noexcept;
double tanh(double) noexcept; float tanhf(float) noexcept;
double asinh(double) noexcept; float asinhf(float) noexcept;
double acosh(double) noexcept; float acoshf(float) noexcept;
double atanh(double) noexcept; float atanhf(float) noexcept;
double erf(double) noexcept; float erff(float) noexcept;
double erfc(double) noexcept; float erfcf(float) noexcept;
double tgamma(double) noexcept; float tgammaf(float) noexcept;
double lgamma(double) noexcept; float lgammaf(float) noexcept;
double cbrt(double) noexcept; float cbrtf(float) noexcept;
double floor(double) noexcept; float floorf(float) noexcept;
double ceil(double) noexcept; float ceilf(float) noexcept;
double trunc(double) noexcept; float truncf(float) noexcept;
double round(double) noexcept; float roundf(float) noexcept;
double rint(double) noexcept; float rintf(float) noexcept;
double nearbyint(double) noexcept; float nearbyintf(float) noexcept;
double fabs(double) noexcept; float fabsf(float) noexcept;
double exp10(double) noexcept; float exp10f(float) noexcept;
double logb(double) noexcept; float logbf(float) noexcept;
double pow(double, double) noexcept; float powf(float, float) noexcept;
double atan2(double, double) noexcept; float atan2f(float, float) noexcept;
double hypot(double, double) noexcept; float hypotf(float, float) noexcept;
double fmod(double, double) noexcept; float fmodf(float, float) noexcept;
double remainder(double, double) noexcept; float remainderf(float, float) noexcept;
double fmax(double, double) noexcept; float fmaxf(float, float) noexcept;
double fmin(double, double) noexcept; float fminf(float, float) noexcept;
double fdim(double, double) noexcept; float fdimf(float, float) noexcept;
double copysign(double, double) noexcept; float copysignf(float, float) noexcept;
double nextafter(double, double) noexcept; float nextafterf(float, float) noexcept;
double fma(double, double, double) noexcept; float fmaf(float, float, float) noexcept;
double ldexp(double, int) noexcept; float ldexpf(float, int) noexcept; double frexp(double, int*) noexcept; float frexpf(float, int*) noexcept;
void sincos(double, double*, double*) noexcept; void sincosf(float, float*, float*) noexcept;
long lrint(double) noexcept; long lrintf(float) noexcept; long lround(double) noexcept; long lroundf(float) noexcept;
void* memcpy(void*, const void*, size_t) noexcept; void* memset(void*, int, size_t) noexcept;
}
KERF_DEVICE float sqrt(float x) { return sqrtf(x); }
KERF_DEVICE float exp(float x) { return expf(x); }
KERF_DEVICE float exp2(float x) { return exp2f(x); }
KERF_DEVICE float expm1(float x) { return expm1f(x); }
KERF_DEVICE float log(float x) { return logf(x); }
KERF_DEVICE float log2(float x) { return log2f(x); }
KERF_DEVICE float log10(float x) { return log10f(x); }
KERF_DEVICE float log1p(float x) { return log1pf(x); }
KERF_DEVICE float sin(float x) { return sinf(x); }
KERF_DEVICE float cos(float x) { return cosf(x); }
KERF_DEVICE float tan(float x) { return tanf(x); }
KERF_DEVICE float asin(float x) { return asinf(x); }
KERF_DEVICE float acos(float x) { return acosf(x); }
KERF_DEVICE float atan(float x) { return atanf(x); }
KERF_DEVICE float sinh(float x) { return sinhf(x); }
KERF_DEVICE float cosh(float x) { return coshf(x); }
KERF_DEVICE float tanh(float x) { return tanhf(x); }
KERF_DEVICE float asinh(float x) { return asinhf(x); }
KERF_DEVICE float acosh(float x) { return acoshf(x); }
KERF_DEVICE float atanh(float x) { return atanhf(x); }
KERF_DEVICE float erf(float x) { return erff(x); }
KERF_DEVICE float erfc(float x) { return erfcf(x); }
KERF_DEVICE float tgamma(float x) { return tgammaf(x); }
KERF_DEVICE float lgamma(float x) { return lgammaf(x); }
KERF_DEVICE float cbrt(float x) { return cbrtf(x); }
KERF_DEVICE float floor(float x) { return floorf(x); }
KERF_DEVICE float ceil(float x) { return ceilf(x); }
KERF_DEVICE float trunc(float x) { return truncf(x); }
KERF_DEVICE float round(float x) { return roundf(x); }
KERF_DEVICE float rint(float x) { return rintf(x); }
KERF_DEVICE float nearbyint(float x) { return nearbyintf(x); }
KERF_DEVICE float fabs(float x) { return fabsf(x); }
KERF_DEVICE float exp10(float x) { return exp10f(x); }
KERF_DEVICE float logb(float x) { return logbf(x); }
KERF_DEVICE float pow(float x, float y) { return powf(x, y); }
KERF_DEVICE float atan2(float x, float y) { return atan2f(x, y); }
KERF_DEVICE float hypot(float x, float y) { return hypotf(x, y); }
KERF_DEVICE float fmod(float x, float y) { return fmodf(x, y); }
KERF_DEVICE float remainder(float x, float y) { return remainderf(x, y); }
KERF_DEVICE float fmax(float x, float y) { return fmaxf(x, y); }
KERF_DEVICE float fmin(float x, float y) { return fminf(x, y); }
KERF_DEVICE float fdim(float x, float y) { return fdimf(x, y); }
KERF_DEVICE float copysign(float x, float y) { return copysignf(x, y); }
KERF_DEVICE float nextafter(float x, float y) { return nextafterf(x, y); }
KERF_DEVICE float fma(float x, float y, float z) { return fmaf(x, y, z); }
KERF_DEVICE float ldexp(float x, int e) { return ldexpf(x, e); }
KERF_DEVICE float rsqrtf(float x) { return 1 / sqrtf(x); }
KERF_DEVICE double rsqrt(double x) { return 1 / sqrt(x); }
KERF_DEVICE float rsqrt(float x) { return 1 / sqrtf(x); }
KERF_DEVICE float rcbrtf(float x) { return 1 / cbrtf(x); }
KERF_DEVICE float powif(float x, int n) { return __builtin_powif(x, n); }
KERF_DEVICE float normcdff(float x) { return 0.5f * erfcf(-0.70710678118654752f * x); }
KERF_DEVICE double normcdf(double x) { return 0.5 * erfc(-0.70710678118654752 * x); }
KERF_DEVICE float fdividef(float x, float y) { return x / y; }
KERF_DEVICE bool isnan(float x) { return __builtin_isnan(x); }
KERF_DEVICE bool isnan(double x) { return __builtin_isnan(x); }
KERF_DEVICE bool isinf(float x) { return __builtin_isinf(x); }
KERF_DEVICE bool isinf(double x) { return __builtin_isinf(x); }
KERF_DEVICE bool isfinite(float x) { return __builtin_isfinite(x); }
KERF_DEVICE bool isfinite(double x) { return __builtin_isfinite(x); }
KERF_DEVICE bool signbit(float x) { return __builtin_signbit(x); }
KERF_DEVICE bool signbit(double x) { return __builtin_signbit(x); }
KERF_DEVICE int abs(int x) { return x < 0 ? -x : x; }
KERF_DEVICE long abs(long x) { return x < 0 ? -x : x; }
KERF_DEVICE long long abs(long long x) { return x < 0 ? -x : x; }
KERF_DEVICE float abs(float x) { return __builtin_fabsf(x); }
KERF_DEVICE double abs(double x) { return __builtin_fabs(x); }
KERF_DEVICE long labs(long x) { return x < 0 ? -x : x; }
KERF_DEVICE long long llabs(long long x) { return x < 0 ? -x : x; }
KERF_DEVICE int max(int x, int y) { return x > y ? x : y; }
KERF_DEVICE unsigned max(unsigned x, unsigned y) { return x > y ? x : y; }
KERF_DEVICE long max(long x, long y) { return x > y ? x : y; }
KERF_DEVICE unsigned long max(unsigned long x, unsigned long y) { return x > y ? x : y; }
KERF_DEVICE long long max(long long x, long long y) { return x > y ? x : y; }
KERF_DEVICE unsigned long long max(unsigned long long x, unsigned long long y) { return x > y ? x : y; }
KERF_DEVICE unsigned max(int x, unsigned y) { return (unsigned)x > y ? x : y; }
KERF_DEVICE unsigned max(unsigned x, int y) { return x > (unsigned)y ? x : y; }
KERF_DEVICE float max(float x, float y) { return fmaxf(x, y); }
KERF_DEVICE double max(double x, double y) { return fmax(x, y); }
KERF_DEVICE double max(float x, double y) { return fmax((double)x, y); }
KERF_DEVICE double max(double x, float y) { return fmax(x, (double)y); }
KERF_DEVICE int min(int x, int y) { return x < y ? x : y; }
KERF_DEVICE unsigned min(unsigned x, unsigned y) { return x < y ? x : y; }
KERF_DEVICE long min(long x, long y) { return x < y ? x : y; }
KERF_DEVICE unsigned long min(unsigned long x, unsigned long y) { return x < y ? x : y; }
KERF_DEVICE long long min(long long x, long long y) { return x < y ? x : y; }
KERF_DEVICE unsigned long long min(unsigned long long x, unsigned long long y) { return x < y ? x : y; }
KERF_DEVICE unsigned min(int x, unsigned y) { return (unsigned)x < y ? x : y; }
KERF_DEVICE unsigned min(unsigned x, int y) { return x < (unsigned)y ? x : y; }
KERF_DEVICE float min(float x, float y) { return fminf(x, y); }
KERF_DEVICE double min(double x, double y) { return fmin(x, y); }
KERF_DEVICE double min(float x, double y) { return fmin((double)x, y); }
KERF_DEVICE double min(double x, float y) { return fmin(x, (double)y); }

KERF_DEVICE float __expf(float x) { return expf(x); }
KERF_DEVICE float __exp10f(float x) { return exp10f(x); }
KERF_DEVICE float __logf(float x) { return logf(x); }
KERF_DEVICE float __log2f(float x) { return log2f(x); }
KERF_DEVICE float __log10f(float x) { return log10f(x); }
KERF_DEVICE float __sinf(float x) { return sinf(x); }
KERF_DEVICE float __cosf(float x) { return cosf(x); }
KERF_DEVICE float __tanf(float x) { return tanf(x); }
KERF_DEVICE float __tanhf(float x) { return tanhf(x); }
KERF_DEVICE float __powf(float x, float y) { return powf(x, y); }
KERF_DEVICE float __fdividef(float x, float y) { return x / y; }
KERF_DEVICE float __saturatef(float x) { return x > 0 ? x < 1 ? x : 1 : 0; }
KERF_DEVICE float __frsqrt_rn(float x) { return 1 / sqrtf(x); }
KERF_DEVICE void __sincosf(float x, float* s, float* c) { sincosf(x, s, c); }
// Not contracted: each is rounded by itself.
KERF_DEVICE float __fadd_rn(float x, float y) { volatile float z = x + y; return z; }
KERF_DEVICE float __fsub_rn(float x, float y) { volatile float z = x - y; return z; }
KERF_DEVICE float __fmul_rn(float x, float y) { volatile float z = x * y; return z; }
KERF_DEVICE float __fdiv_rn(float x, float y) { volatile float z = x / y; return z; }
KERF_DEVICE double __dadd_rn(double x, double y) { volatile double z = x + y; return z; }
KERF_DEVICE double __dsub_rn(double x, double y) { volatile double z = x - y; return z; }
KERF_DEVICE double __dmul_rn(double x, double y) { volatile double z = x * y; return z; }
KERF_DEVICE double __ddiv_rn(double x, double y) { volatile double z = x / y; return z; }
KERF_DEVICE float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
KERF_DEVICE double __fma_rn(double x, double y, double z) { return fma(x, y, z); }
KERF_DEVICE float __frcp_rn(float x) { return 1 / x; }
KERF_DEVICE float __fsqrt_rn(float x) { return sqrtf(x); }
KERF_DEVICE double __drcp_rn(double x) { return 1 / x; }
KERF_DEVICE double __dsqrt_rn(double x) { return sqrt(x); }

// ---- conversions: out of range the nearest value, NaN gives 0
template <class kf_T, class kf_F> KERF_DEVICE kf_T kerf_integer(kf_F x, kf_T low, kf_T high) {
  return x != x ? 0 : x <= (kf_F)low ? low : x >= (kf_F)high ? high : (kf_T)x;
}
KERF_DEVICE int __float2int_rn(float x) { return kerf_integer<int>(rintf(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE int __float2int_rz(float x) { return kerf_integer<int>(truncf(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE int __float2int_ru(float x) { return kerf_integer<int>(ceilf(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE int __float2int_rd(float x) { return kerf_integer<int>(floorf(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE unsigned __float2uint_rn(float x) { return kerf_integer<unsigned>(rintf(x), 0u, ~0u); }
KERF_DEVICE unsigned __float2uint_rz(float x) { return kerf_integer<unsigned>(truncf(x), 0u, ~0u); }
KERF_DEVICE unsigned __float2uint_ru(float x) { return kerf_integer<unsigned>(ceilf(x), 0u, ~0u); }
KERF_DEVICE unsigned __float2uint_rd(float x) { return kerf_integer<unsigned>(floorf(x), 0u, ~0u); }
KERF_DEVICE long long __float2ll_rn(float x) { return kerf_integer<long long>(rintf(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE long long __float2ll_rz(float x) { return kerf_integer<long long>(truncf(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE long long __float2ll_ru(float x) { return kerf_integer<long long>(ceilf(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE long long __float2ll_rd(float x) { return kerf_integer<long long>(floorf(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE unsigned long long __float2ull_rn(float x) { return kerf_integer<unsigned long long>(rintf(x), 0ull, ~0ull); }
KERF_DEVICE unsigned long long __float2ull_rz(float x) { return kerf_integer<unsigned long long>(truncf(x), 0ull, ~0ull); }
KERF_DEVICE unsigned long long __float2ull_ru(float x) { return kerf_integer<unsigned long long>(ceilf(x), 0ull, ~0ull); }
KERF_DEVICE unsigned long long __float2ull_rd(float x) { return kerf_integer<unsigned long long>(floorf(x), 0ull, ~0ull); }
KERF_DEVICE int __double2int_rn(double x) { return kerf_integer<int>(rint(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE int __double2int_rz(double x) { return kerf_integer<int>(trunc(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE int __double2int_ru(double x) { return kerf_integer<int>(ceil(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE int __double2int_rd(double x) { return kerf_integer<int>(floor(x), -2147483647 - 1, 2147483647); }
KERF_DEVICE unsigned __double2uint_rn(double x) { return kerf_integer<unsigned>(rint(x), 0u, ~0u); }
KERF_DEVICE unsigned __double2uint_rz(double x) { return kerf_integer<unsigned>(trunc(x), 0u, ~0u); }
KERF_DEVICE unsigned __double2uint_ru(double x) { return kerf_integer<unsigned>(ceil(x), 0u, ~0u); }
KERF_DEVICE unsigned __double2uint_rd(double x) { return kerf_integer<unsigned>(floor(x), 0u, ~0u); }
KERF_DEVICE long long __double2ll_rn(double x) { return kerf_integer<long long>(rint(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE long long __double2ll_rz(double x) { return kerf_integer<long long>(trunc(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE long long __double2ll_ru(double x) { return kerf_integer<long long>(ceil(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE long long __double2ll_rd(double x) { return kerf_integer<long long>(floor(x), -9223372036854775807ll - 1, 9223372036854775807ll); }
KERF_DEVICE unsigned long long __double2ull_rn(double x) { return kerf_integer<unsigned long long>(rint(x), 0ull, ~0ull); }
KERF_DEVICE unsigned long long __double2ull_rz(double x) { return kerf_integer<unsigned long long>(trunc(x), 0ull, ~0ull); }
KERF_DEVICE unsigned long long __double2ull_ru(double x) { return kerf_integer<unsigned long long>(ceil(x), 0ull, ~0ull); }
KERF_DEVICE unsigned long long __double2ull_rd(double x) { return kerf_integer<unsigned long long>(floor(x), 0ull, ~0ull); }
KERF_DEVICE float __int2float_rn(int x) { return (float)x; }
KERF_DEVICE double __int2double_rn(int x) { return (double)x; }
KERF_DEVICE float __uint2float_rn(unsigned x) { return (float)x; }
KERF_DEVICE double __uint2double_rn(unsigned x) { return (double)x; }
KERF_DEVICE float __ll2float_rn(long long x) { return (float)x; }
KERF_DEVICE double __ll2double_rn(long long x) { return (double)x; }
KERF_DEVICE float __ull2float_rn(unsigned long long x) { return (float)x; }
KERF_DEVICE double __ull2double_rn(unsigned long long x) { return (double)x; }
KERF_DEVICE double __int2double(int x) { return x; }
KERF_DEVICE float __double2float_rn(double x) { return (float)x; }
KERF_DEVICE int __float_as_int(float x) { return __builtin_bit_cast(int, x); }
KERF_DEVICE float __int_as_float(int x) { return __builtin_bit_cast(float, x); }
KERF_DEVICE unsigned __float_as_uint(float x) { return __builtin_bit_cast(unsigned, x); }
KERF_DEVICE float __uint_as_float(unsigned x) { return __builtin_bit_cast(float, x); }
KERF_DEVICE long long __double_as_longlong(double x) { return __builtin_bit_cast(long long, x); }
KERF_DEVICE double __longlong_as_double(long long x) { return __builtin_bit_cast(double, x); }

// ---- integers
KERF_DEVICE int __popc(unsigned x) { return __builtin_popcount(x); }
KERF_DEVICE int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
KERF_DEVICE int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned)x); }
KERF_DEVICE int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll((unsigned long long)x); }
KERF_DEVICE int __ffs(int x) { return __builtin_ffs(x); }
KERF_DEVICE int __ffsll(long long x) { return __builtin_ffsll(x); }
KERF_DEVICE unsigned __brev(unsigned x) {
  unsigned r = 0;
  for (int i = 0; i < 32; ++i) r |= (x >> i & 1) << (31 - i);
  return r;
}
KERF_DEVICE int __mul24(int x, int y) { return (x << 8 >> 8) * (y << 8 >> 8); }
KERF_DEVICE unsigned __umul24(unsigned x, unsigned y) { return (x & 0xffffff) * (y & 0xffffff); }
KERF_DEVICE int __mulhi(int x, int y) { return (int)((long)x * y >> 32); }
KERF_DEVICE unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((unsigned long)x * y >> 32); }
KERF_DEVICE unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return (unsigned long long)((unsigned __int128)x * y >> 64);
}
KERF_DEVICE int __dp4a(int a, int b, int c) {
  for (int i = 0; i < 32; i += 8) c += (int)(signed char)(a >> i) * (int)(signed char)(b >> i);
  return c;
}
KERF_DEVICE unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
  return n % 32 == 0 ? high : high << n % 32 | low >> (32 - n % 32);
}
KERF_DEVICE unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n) {
  return n % 32 == 0 ? low : low >> n % 32 | high << (32 - n % 32);
}
KERF_DEVICE unsigned __byte_perm(unsigned x, unsigned y, unsigned s) {
  const unsigned long both = (unsigned long)y << 32 | x;
  unsigned r = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned byte = (unsigned)(both >> (s >> 4 * i & 7) * 8 & 0xff);
    r |= (s >> (4 * i + 3) & 1 ? (byte & 0x80 ? 0xffu : 0u) : byte) << 8 * i;
  }
  return r;
}

// ---- memory
template <class kf_T> KERF_DEVICE kf_T __ldg(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldca(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldcg(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldcs(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldlu(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE kf_T __ldcv(const kf_T* p) { return *p; }
template <class kf_T> KERF_DEVICE void __stwb(kf_T* p, kf_T v) { *p = v; }
template <class kf_T> KERF_DEVICE void __stcg(kf_T* p, kf_T v) { *p = v; }
template <class kf_T> KERF_DEVICE void __stcs(kf_T* p, kf_T v) { *p = v; }
template <class kf_T> KERF_DEVICE void __stwt(kf_T* p, kf_T v) { *p = v; }
KERF_DEVICE void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
KERF_DEVICE void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
KERF_DEVICE void __threadfence_system() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
// Where a thread looks at memory that another one is to write, the others get their turn.
KERF_DEVICE bool kerf_waits(KERF_LINE) { return kerf_block()->yield(kerf_block(), kerf_line), true; }
KERF_DEVICE void __nanosleep(unsigned, KERF_LINE) { kerf_waits(kerf_line); }
template <class kf_T> KERF_DEVICE void kerf_ld(kf_T& to, const void* from, KERF_LINE) {
  kerf_waits(kerf_line);
  __atomic_load((const kf_T*)from, &to, __ATOMIC_SEQ_CST);
}
template <class kf_T> KERF_DEVICE void kerf_st(void* to, kf_T v) { __atomic_store((kf_T*)to, &v, __ATOMIC_SEQ_CST); }
KERF_DEVICE void __trap(KERF_LINE) { kerf_block()->trap(kerf_block(), kerf_line); }
#define __builtin_assume(x) ((void)0)
#define __assume(x) ((void)0)

// Addresses in shared memory as 32 bits: from the start of the block's region, or of the image's variables.
KERF_DEVICE size_t __cvta_generic_to_shared(const void* p) {
  KerfBlock* b = kerf_block();
  const uintptr_t at = (uintptr_t)p;
  return at - (uintptr_t)b->statics < b->static_bytes ? (at - (uintptr_t)b->statics) | 1u << 31 : at - (uintptr_t)b;
}
KERF_DEVICE void* __cvta_shared_to_generic(size_t p) {
  KerfBlock* b = kerf_block();
  return p >> 31 & 1 ? (void*)(b->statics + (p & ~(1u << 31))) : (void*)((uintptr_t)b + (unsigned)p);
}
KERF_DEVICE unsigned __isShared(const void* p) {
  KerfBlock* b = kerf_block();
  return (uintptr_t)p - (uintptr_t)b->statics < b->static_bytes || (uintptr_t)p - (uintptr_t)b < KerfBlock::region_bytes;
}
// Inline PTX that the emulation knows is rewritten to these.
KERF_DEVICE void kerf_cp_async(unsigned to, const void* from, unsigned bytes, unsigned filled, KERF_LINE) {
  KerfBlock* b = kerf_block();
  b->copy(b, kerf_line, __cvta_shared_to_generic(to), from, bytes, filled);
}
KERF_DEVICE void kerf_cp_async_commit() { kerf_block()->commit(kerf_block()); }
KERF_DEVICE void kerf_cp_async_wait(unsigned pending) { kerf_block()->wait(kerf_block(), pending); }
// Barriers in shared memory (mbarrier). A phase ends when all have arrived and all bytes that were announced have come.
struct kerf_mbarrier { unsigned phase : 1, count : 15, pending : 16; int bytes; };
KERF_DEVICE kerf_mbarrier* kerf_mbarrier_at(unsigned at) { return (kerf_mbarrier*)__cvta_shared_to_generic(at); }
KERF_DEVICE void kerf_mbarrier_may_end(kerf_mbarrier* b) {
  if (b->pending == 0 && b->bytes == 0) b->phase ^= 1, b->pending = b->count;
}
KERF_DEVICE void kerf_mbarrier_init(unsigned at, unsigned count) {
  *kerf_mbarrier_at(at) = kerf_mbarrier{0, count & 0x7fff, count & 0x7fff, 0};
}
KERF_DEVICE void kerf_mbarrier_expect(unsigned at, unsigned bytes) { kerf_mbarrier_at(at)->bytes += (int)bytes; }
KERF_DEVICE void kerf_mbarrier_arrive(unsigned at) {
  kerf_mbarrier* b = kerf_mbarrier_at(at);
  --b->pending;
  kerf_mbarrier_may_end(b);
}
// Whether the phase with this parity has ended; others run where it has not.
KERF_DEVICE bool kerf_mbarrier_passed(unsigned at, unsigned parity, KERF_LINE) {
  kerf_mbarrier* b = kerf_mbarrier_at(at);
  if (const unsigned come = kerf_block()->bulk_bytes(kerf_block(), b)) {
    b->bytes -= (int)come;
    kerf_mbarrier_may_end(b);
  }
  if (b->phase != (parity & 1)) return true;
  kerf_waits(kerf_line);
  return false;
}
KERF_DEVICE void kerf_bulk_copy(unsigned to, const void* from, unsigned bytes, unsigned barrier, KERF_LINE) {
  kerf_block()->bulk_copy(kerf_block(), kerf_line, __cvta_shared_to_generic(to), from, bytes, kerf_mbarrier_at(barrier));
}
// ---- tensor maps: a KerfTensorMap
struct alignas(64) CUtensorMap { unsigned long opaque[16]; };
static_assert(sizeof(KerfTensorMap) <= sizeof(CUtensorMap));
KERF_DEVICE void kerf_tensor_load(unsigned to, const void* map, KerfTensorPlace place, unsigned barrier, KERF_LINE) {
  KerfBlock* b = kerf_block();
  b->tensor_load(b, kerf_line, __cvta_shared_to_generic(to), map, place, kerf_mbarrier_at(barrier));
}
KERF_DEVICE void kerf_tensor_store(const void* map, KerfTensorPlace place, unsigned from, KERF_LINE) {
  KerfBlock* b = kerf_block();
  b->tensor_store(b, kerf_line, map, place, __cvta_shared_to_generic(from));
}
KERF_DEVICE void kerf_bulk_commit() { kerf_block()->bulk_commit(kerf_block()); }
KERF_DEVICE void kerf_bulk_wait(unsigned pending) { kerf_block()->bulk_wait(kerf_block(), pending); }
KERF_DEVICE unsigned kerf_lane() { return kerf_block()->linear % 32; }

// ---- barriers and warps
KERF_DEVICE void __syncthreads(KERF_LINE) { kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_none, 0); }
KERF_DEVICE int __syncthreads_count(int x, KERF_LINE) { return kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_count, x); }
KERF_DEVICE int __syncthreads_and(int x, KERF_LINE) { return kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_and, x); }
KERF_DEVICE int __syncthreads_or(int x, KERF_LINE) { return kerf_block()->barrier(kerf_block(), kerf_line, kerf_vote_or, x); }
KERF_DEVICE unsigned long kerf_warp(int line, KerfWarpOperation operation, unsigned mask, unsigned long value, unsigned argument = 0) {
  KerfBlock* b = kerf_block();
  return b->warp(b, line, operation, mask, value, argument);
}
KERF_DEVICE void __syncwarp(unsigned mask = ~0u, KERF_LINE) { kerf_warp(kerf_line, kerf_warp_sync, mask, 0); }
KERF_DEVICE unsigned __activemask() { return kerf_block()->lanes_alive; }
KERF_DEVICE unsigned __ballot_sync(unsigned mask, int x, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_ballot, mask, x != 0); }
KERF_DEVICE int __any_sync(unsigned mask, int x, KERF_LINE) { return kerf_warp(kerf_line, kerf_warp_ballot, mask, x != 0) != 0; }
KERF_DEVICE int __all_sync(unsigned mask, int x, KERF_LINE) { return kerf_warp(kerf_line, kerf_warp_ballot, mask, x == 0) == 0; }
template <class kf_T> KERF_DEVICE unsigned long kerf_bits(kf_T value) {
  static_assert(sizeof(kf_T) <= 8, "a lane gives at most 8 bytes");
  unsigned long bits = 0;
  __builtin_memcpy(&bits, &value, sizeof value);
  return bits;
}
template <class kf_T> KERF_DEVICE kf_T kerf_shuffle(unsigned mask, kf_T value, unsigned lane, int line) {
  const unsigned long bits = kerf_warp(line, kerf_warp_shuffle, mask, kerf_bits(value), lane);
  __builtin_memcpy(&value, &bits, sizeof value);
  return value;
}
template <class kf_T> KERF_DEVICE kf_T __shfl_sync(unsigned mask, kf_T v, int source, int width = 32, KERF_LINE) {
  return kerf_shuffle(mask, v, (kerf_lane() & ~(width - 1)) | (source & (width - 1)), kerf_line);
}
template <class kf_T> KERF_DEVICE kf_T __shfl_up_sync(unsigned mask, kf_T v, unsigned d, int width = 32, KERF_LINE) {
  const unsigned lane = kerf_lane();
  return kerf_shuffle(mask, v, (lane & (width - 1)) < d ? lane : lane - d, kerf_line);
}
template <class kf_T> KERF_DEVICE kf_T __shfl_down_sync(unsigned mask, kf_T v, unsigned d, int width = 32, KERF_LINE) {
  const unsigned lane = kerf_lane();
  return kerf_shuffle(mask, v, (lane & (width - 1)) + d >= (unsigned)width ? lane : lane + d, kerf_line);
}
template <class kf_T> KERF_DEVICE kf_T __shfl_xor_sync(unsigned mask, kf_T v, int m, int width = 32, KERF_LINE) {
  const unsigned lane = kerf_lane(), other = lane ^ (unsigned)m;
  return kerf_shuffle(mask, v, other > (lane | (width - 1)) ? lane : other, kerf_line);
}
template <class kf_T> KERF_DEVICE unsigned __match_any_sync(unsigned mask, kf_T v, KERF_LINE) {
  return (unsigned)kerf_warp(kerf_line, kerf_warp_match, mask, kerf_bits(v));
}
template <class kf_T> KERF_DEVICE unsigned __match_all_sync(unsigned mask, kf_T v, int* all, KERF_LINE) {
  const unsigned same = (unsigned)kerf_warp(kerf_line, kerf_warp_match, mask, kerf_bits(v));
  *all = same == (mask & kerf_block()->lanes_alive);
  return *all ? same : 0;
}
KERF_DEVICE unsigned __reduce_add_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_add, mask, v); }
KERF_DEVICE int __reduce_add_sync(unsigned mask, int v, KERF_LINE) { return (int)kerf_warp(kerf_line, kerf_warp_add, mask, (unsigned)v); }
KERF_DEVICE unsigned __reduce_and_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_and, mask, v); }
KERF_DEVICE unsigned __reduce_or_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_or, mask, v); }
KERF_DEVICE unsigned __reduce_xor_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_xor, mask, v); }
KERF_DEVICE unsigned __reduce_min_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_min, mask, v); }
KERF_DEVICE unsigned __reduce_max_sync(unsigned mask, unsigned v, KERF_LINE) { return (unsigned)kerf_warp(kerf_line, kerf_warp_max, mask, v); }
KERF_DEVICE int __reduce_min_sync(unsigned mask, int v, KERF_LINE) { return (int)kerf_warp(kerf_line, kerf_warp_signed_min, mask, (unsigned)v); }
KERF_DEVICE int __reduce_max_sync(unsigned mask, int v, KERF_LINE) { return (int)kerf_warp(kerf_line, kerf_warp_signed_max, mask, (unsigned)v); }

// ---- atomics: blocks run side by side on several threads. One that changes nothing may wait for another's
template <class kf_T, class kf_F> KERF_DEVICE kf_T kerf_update(kf_T* p, kf_F f, int line) {
  kf_T old;
  __atomic_load(p, &old, __ATOMIC_RELAXED);
  for (;;) {
    kf_T now = f(old);
    if (!__atomic_compare_exchange(p, &old, &now, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) continue;
    if (__builtin_memcmp(&old, &now, sizeof now) == 0) kerf_waits(line);
    return old;
  }
}
KERF_DEVICE int atomicAdd(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x + v; }, kerf_line); }
KERF_DEVICE unsigned atomicAdd(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x + v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicAdd(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x + v; }, kerf_line); }
KERF_DEVICE float atomicAdd(float* p, float v, KERF_LINE) { return kerf_update(p, [v](float x) { return x + v; }, kerf_line); }
KERF_DEVICE double atomicAdd(double* p, double v, KERF_LINE) { return kerf_update(p, [v](double x) { return x + v; }, kerf_line); }
KERF_DEVICE int atomicSub(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x - v; }, kerf_line); }
KERF_DEVICE unsigned atomicSub(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x - v; }, kerf_line); }
KERF_DEVICE int atomicExch(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int) { return v; }, kerf_line); }
KERF_DEVICE unsigned atomicExch(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned) { return v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicExch(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long) { return v; }, kerf_line); }
KERF_DEVICE float atomicExch(float* p, float v, KERF_LINE) { return kerf_update(p, [v](float) { return v; }, kerf_line); }
KERF_DEVICE int atomicMin(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE int atomicMax(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicMin(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicMax(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned long long atomicMin(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE unsigned long long atomicMax(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE long long atomicMin(long long* p, long long v, KERF_LINE) { return kerf_update(p, [v](long long x) { return v < x ? v : x; }, kerf_line); }
KERF_DEVICE long long atomicMax(long long* p, long long v, KERF_LINE) { return kerf_update(p, [v](long long x) { return v > x ? v : x; }, kerf_line); }
KERF_DEVICE int atomicAnd(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x & v; }, kerf_line); }
KERF_DEVICE int atomicOr(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x | v; }, kerf_line); }
KERF_DEVICE int atomicXor(int* p, int v, KERF_LINE) { return kerf_update(p, [v](int x) { return x ^ v; }, kerf_line); }
KERF_DEVICE unsigned atomicAnd(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x & v; }, kerf_line); }
KERF_DEVICE unsigned atomicOr(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x | v; }, kerf_line); }
KERF_DEVICE unsigned atomicXor(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x ^ v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicAnd(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x & v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicOr(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x | v; }, kerf_line); }
KERF_DEVICE unsigned long long atomicXor(unsigned long long* p, unsigned long long v, KERF_LINE) { return kerf_update(p, [v](unsigned long long x) { return x ^ v; }, kerf_line); }
KERF_DEVICE int atomicCAS(int* p, int expected, int v, KERF_LINE) { return kerf_update(p, [=](int x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicCAS(unsigned* p, unsigned expected, unsigned v, KERF_LINE) { return kerf_update(p, [=](unsigned x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned long long atomicCAS(unsigned long long* p, unsigned long long expected, unsigned long long v, KERF_LINE) { return kerf_update(p, [=](unsigned long long x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned short atomicCAS(unsigned short* p, unsigned short expected, unsigned short v, KERF_LINE) { return kerf_update(p, [=](unsigned short x) { return x == expected ? v : x; }, kerf_line); }
KERF_DEVICE unsigned atomicInc(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x >= v ? 0 : x + 1; }, kerf_line); }
KERF_DEVICE unsigned atomicDec(unsigned* p, unsigned v, KERF_LINE) { return kerf_update(p, [v](unsigned x) { return x == 0 || x > v ? v : x - 1; }, kerf_line); }
