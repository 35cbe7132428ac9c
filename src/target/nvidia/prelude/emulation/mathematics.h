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
