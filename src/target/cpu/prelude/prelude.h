// The prelude: what every cpp candidate finds before its first line. It includes nothing, so that an empty candidate
// compiles in a few hundredths of a second, and works with g++ (12 or newer) and clang on any CPU.
//
// Types     int8_t … uint64_t, size_t; f32v i32v u32v f64v: what one register holds, vlen floats (16 with AVX-512, 8 without);
//           f32x8 f32x16 f64x8, i32x8 i32x16 i64x8, u32x16; bf16, f16 (storage formats)
// Memory    loadv storev (whole; partial: the first n lanes, any n; loadv also lanes from … to; f64v too), streamv, prefetch
// Lanes     splatv iotav select minv maxv absv sqrtv fmav shuffle; reductions sumv maxv minv; widen_low widen_high narrow
// Functions expv expm1_v logv log1pv tanhv erfv sigmoidv softplusv geluv siluv sinv cosv, and the same on one float
//           (exp1 … silu1, without branches, so that loops over them are vectorised; sinf, cosf); expf logf … are these
// All of these with 16 for v are for sixteen floats, of one register or two: load16, exp16 … (load8 store8 splat8 sum8: f64x8).
// Largest errors against double, in ulp (1 ulp is 1.2e-7 of the value or less), over every 2039th of the 2^32 floats and the
// edges (tests/integration/prelude_test.cc), the same for vectors and scalars: exp 1.5, expm1 1.6, log 0.9, log1p 1.3,
// tanh 5.0, erf 5.5, sigmoid 2.2, softplus 3.2, silu 3.5, sin and cos 2.0; gelu 3.2 ulp of its argument, for it loses digits where it nearly
// vanishes (x < -3), as the library's does. NaN gives NaN, infinities give the limits, denormals are numbers; tanh and erf are
// never beyond 1.
#pragma once
#define KERF_PRELUDE 1
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;
typedef __UINTPTR_TYPE__ uintptr_t;

typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x16 __attribute__((vector_size(64)));
typedef double f64x8 __attribute__((vector_size(64)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef int64_t i64x8 __attribute__((vector_size(64)));
typedef int8_t i8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef double f64x4 __attribute__((vector_size(32)));
typedef double f64x8_unaligned __attribute__((vector_size(64), aligned(8), may_alias));

// What one register holds. Wider vectors work, but g++ 12 keeps them in memory where a loop carries them, and takes
// comparisons, choices and conversions of them apart, lane by lane.
#if defined(__AVX512F__)
constexpr int vlen = 16;
#else
constexpr int vlen = 8;
#endif
typedef float f32v __attribute__((vector_size(4 * vlen)));
typedef int32_t i32v __attribute__((vector_size(4 * vlen)));
typedef uint32_t u32v __attribute__((vector_size(4 * vlen)));
typedef double f64v __attribute__((vector_size(4 * vlen)));
typedef int32_t kerf_half_i32v __attribute__((vector_size(2 * vlen)));
typedef uint16_t kerf_u16v __attribute__((vector_size(2 * vlen)));
typedef float f32v_unaligned __attribute__((vector_size(4 * vlen), aligned(4), may_alias));
typedef int32_t i32v_unaligned __attribute__((vector_size(4 * vlen), aligned(4), may_alias));
typedef double f64v_unaligned __attribute__((vector_size(4 * vlen), aligned(8), may_alias));
typedef uint16_t kerf_u16v_unaligned __attribute__((vector_size(2 * vlen), aligned(2), may_alias));

// Storage formats of tensors: convert to float, compute, convert back.
struct bf16 { uint16_t bits; };
#ifdef __FLT16_MAX__
typedef _Float16 f16;
#endif

#define KERF_INLINE static inline __attribute__((always_inline))

// ---- halves, and vectors of one register each
KERF_INLINE f32x8 kerf_low(f32x16 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
KERF_INLINE f32x8 kerf_high(f32x16 v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }
KERF_INLINE i32x8 kerf_low(i32x16 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7); }
KERF_INLINE i32x8 kerf_high(i32x16 v) { return __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15); }
KERF_INLINE f32x4 kerf_low(f32x8 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
KERF_INLINE f32x4 kerf_high(f32x8 v) { return __builtin_shufflevector(v, v, 4, 5, 6, 7); }
KERF_INLINE f32x16 kerf_both(f32x8 a, f32x8 b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
KERF_INLINE i32x16 kerf_both(i32x8 a, i32x8 b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
KERF_INLINE f32x8 kerf_both(f32x4 a, f32x4 b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7); }
KERF_INLINE i32x8 kerf_both(i32x4 a, i32x4 b) { return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7); }
// f of sixteen lanes: of one vector of the machine's, or of two.
template <auto f, class... X> KERF_INLINE auto kerf_wide(X... x) {
  if constexpr (vlen == 16) {
    return f(x...);
  } else {
    return kerf_both(f(kerf_low(x)...), f(kerf_high(x)...));
  }
}

// Lanes of a and b, counted on: lane l is the one with number at(l).
template <int... l> struct KerfNumbers {};
#if defined(__clang__)
template <class, int... l> using kerf_numbers = KerfNumbers<l...>;
template <int n> using kerf_numbers_below = __make_integer_seq<kerf_numbers, int, n>;
#else
template <int n> using kerf_numbers_below = KerfNumbers<__integer_pack(n)...>;
#endif
template <class V, class At, int... l> KERF_INLINE V kerf_shuffle(V a, V b, At at, KerfNumbers<l...>) {
  return __builtin_shufflevector(a, b, at(l)...);
}
template <class V, class At> KERF_INLINE V shuffle(V a, V b, At at) {
  return kerf_shuffle(a, b, at, kerf_numbers_below<sizeof(V) / sizeof(a[0])>());
}

// ---- making vectors, choosing lanes
KERF_INLINE f32v splatv(float s) { return s - f32v{}; }
KERF_INLINE i32v splatv(int32_t s) { return s - i32v{}; }
KERF_INLINE f64v splatv(double s) { return s - f64v{}; }
KERF_INLINE f32x16 splat16(float s) { return s - f32x16{}; }
KERF_INLINE f64x8 splat8(double s) { return s - f64x8{}; }
KERF_INLINE i32x16 splat16(int32_t s) { return s - i32x16{}; }
KERF_INLINE i32x16 iota16(int32_t first = 0) { return first + i32x16{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }
#if defined(__AVX512F__)
KERF_INLINE i32v iotav(int32_t first = 0) { return iota16(first); }
#else
KERF_INLINE i32v iotav(int32_t first = 0) { return first + i32v{0, 1, 2, 3, 4, 5, 6, 7}; }
#endif
// Where `mask` (a comparison's result) is true, `yes`, else `no`.
KERF_INLINE f32v select(i32v mask, f32v yes, f32v no) { return mask ? yes : no; }
KERF_INLINE i32v select(i32v mask, i32v yes, i32v no) { return mask ? yes : no; }
KERF_INLINE f64x8 select(i64x8 mask, f64x8 yes, f64x8 no) { return mask ? yes : no; }
KERF_INLINE float select(bool mask, float yes, float no) { return mask ? yes : no; }
KERF_INLINE int32_t select(bool mask, int32_t yes, int32_t no) { return mask ? yes : no; }
// Lane by lane. A NaN in b wins, one in a loses; maxnan and minnan keep every NaN, as the library's do.
KERF_INLINE f32v maxv(f32v a, f32v b) { return a > b ? a : b; }
KERF_INLINE f32v minv(f32v a, f32v b) { return a < b ? a : b; }
KERF_INLINE f32v maxnanv(f32v a, f32v b) { return ((a > b) | (a != a)) ? a : b; }
KERF_INLINE f32v minnanv(f32v a, f32v b) { return ((a < b) | (a != a)) ? a : b; }
#if !defined(__AVX512F__)
KERF_INLINE f32x16 select(i32x16 mask, f32x16 yes, f32x16 no) {
  return kerf_both(select(kerf_low(mask), kerf_low(yes), kerf_low(no)), select(kerf_high(mask), kerf_high(yes), kerf_high(no)));
}
KERF_INLINE i32x16 select(i32x16 mask, i32x16 yes, i32x16 no) {
  return kerf_both(select(kerf_low(mask), kerf_low(yes), kerf_low(no)), select(kerf_high(mask), kerf_high(yes), kerf_high(no)));
}
#endif
KERF_INLINE f32x16 max16(f32x16 a, f32x16 b) { return kerf_wide<static_cast<f32v (*)(f32v, f32v)>(maxv)>(a, b); }
KERF_INLINE f32x16 min16(f32x16 a, f32x16 b) { return kerf_wide<static_cast<f32v (*)(f32v, f32v)>(minv)>(a, b); }
KERF_INLINE f32x16 maxnan16(f32x16 a, f32x16 b) { return kerf_wide<maxnanv>(a, b); }
KERF_INLINE f32x16 minnan16(f32x16 a, f32x16 b) { return kerf_wide<minnanv>(a, b); }

// ---- memory
KERF_INLINE f32v loadv(const float* p) { return *(const f32v_unaligned*)p; }
KERF_INLINE i32v loadv(const int32_t* p) { return *(const i32v_unaligned*)p; }
KERF_INLINE f64v loadv(const double* p) { return *(const f64v_unaligned*)p; }
KERF_INLINE void storev(float* p, f32v v) { *(f32v_unaligned*)p = v; }
KERF_INLINE void storev(int32_t* p, i32v v) { *(i32v_unaligned*)p = v; }
KERF_INLINE void storev(double* p, f64v v) { *(f64v_unaligned*)p = v; }
// Which lanes a partial load or store touches: from `first` to before `past`.
#if defined(__AVX512F__)
KERF_INLINE uint16_t kerf_mask16(int64_t n) { return n >= 16 ? 0xffff : n <= 0 ? 0 : (uint16_t)((1u << n) - 1); }
#else
KERF_INLINE int32_t kerf_bounded(int64_t n) { return (int32_t)(n > vlen ? vlen : n < 0 ? 0 : n); }
#endif
// Lanes from `first` to before `past`; the others are `fill`, and their memory is not touched. Any `first` and `past` will do.
KERF_INLINE f32v loadv(const float* p, int64_t first, int64_t past, float fill) {
#if defined(__AVX512F__)
  return (f32v)__builtin_ia32_loadups512_mask((const float*)p, splatv(fill), (short)(kerf_mask16(past) & ~kerf_mask16(first)));
#elif defined(__AVX__)
  const i32v lane = iotav(), m = (lane >= kerf_bounded(first)) & (lane < kerf_bounded(past));
  return m ? (f32v)__builtin_ia32_maskloadps256((const f32v*)p, m) : splatv(fill);
#else
  f32v v = splatv(fill);
  for (int64_t i = first < 0 ? 0 : first; i < past && i < vlen; ++i) v[i] = p[i];
  return v;
#endif
}
// The first n lanes; the others are `fill`.
KERF_INLINE f32v loadv(const float* p, int64_t n, float fill = 0) { return loadv(p, 0, n, fill); }
KERF_INLINE void storev(float* p, f32v v, int64_t n) {
#if defined(__AVX512F__)
  __builtin_ia32_storeups512_mask((float*)p, v, (short)kerf_mask16(n));
#elif defined(__AVX__)
  __builtin_ia32_maskstoreps256((f32v*)p, iotav() < kerf_bounded(n), v);
#else
  for (int64_t i = 0; i < n && i < vlen; ++i) p[i] = v[i];
#endif
}
// Past the caches, for results that nobody reads soon; p must be aligned to a vector (stream16: to 64 bytes). Other threads see it after the launch.
KERF_INLINE void streamv(float* p, f32v v) {
#if defined(__clang__)
  __builtin_nontemporal_store(v, (f32v*)p);
#elif defined(__AVX512F__)
  __builtin_ia32_movntps512(p, v);
#elif defined(__AVX__)
  __builtin_ia32_movntps256(p, v);
#else
  storev(p, v);
#endif
}
// 16-bit formats, round to nearest even, NaN stays NaN.
KERF_INLINE f32v loadv(const bf16* p) {
  kerf_u16v v = *(const kerf_u16v_unaligned*)p;
  return (f32v)(__builtin_convertvector(v, u32v) << 16);
}
KERF_INLINE void storev(bf16* p, f32v v) {
  u32v b = (u32v)v, rounded = (b + 0x7fff + ((b >> 16) & 1)) >> 16;
  *(kerf_u16v_unaligned*)p = __builtin_convertvector((v != v) ? (0x7fc0 | (b >> 16)) : rounded, kerf_u16v);
}
#ifdef __FLT16_MAX__
KERF_INLINE f32v loadv(const f16* p) {
  f32v v;
  for (int i = 0; i < vlen; ++i) v[i] = (float)p[i];
  return v;
}
KERF_INLINE void storev(f16* p, f32v v) {
  for (int i = 0; i < vlen; ++i) p[i] = (f16)v[i];
}
#endif
// Sixteen lanes: the same, of one vector or of two.
template <class T> KERF_INLINE auto kerf_load16(const T* p) {
  if constexpr (vlen == 16) return loadv(p);
  else return kerf_both(loadv(p), loadv(p + 8));
}
template <class T, class V> KERF_INLINE void kerf_store16(T* p, V v) {
  if constexpr (vlen == 16) storev(p, v);
  else storev(p, kerf_low(v)), storev(p + 8, kerf_high(v));
}
KERF_INLINE f32x16 load16(const float* p) { return kerf_load16(p); }
KERF_INLINE i32x16 load16(const int32_t* p) { return kerf_load16(p); }
KERF_INLINE f32x16 load16(const bf16* p) { return kerf_load16(p); }
KERF_INLINE void store16(float* p, f32x16 v) { kerf_store16(p, v); }
KERF_INLINE void store16(int32_t* p, i32x16 v) { kerf_store16(p, v); }
KERF_INLINE void store16(bf16* p, f32x16 v) { kerf_store16(p, v); }
#ifdef __FLT16_MAX__
KERF_INLINE f32x16 load16(const f16* p) { return kerf_load16(p); }
KERF_INLINE void store16(f16* p, f32x16 v) { kerf_store16(p, v); }
#endif
#if defined(__AVX512F__)
KERF_INLINE f32x16 load16(const float* p, int64_t first, int64_t past, float fill) { return loadv(p, first, past, fill); }
KERF_INLINE void store16(float* p, f32x16 v, int64_t n) { storev(p, v, n); }
KERF_INLINE void stream16(float* p, f32x16 v) { streamv(p, v); }
#else
KERF_INLINE f32x16 load16(const float* p, int64_t first, int64_t past, float fill) {
  return kerf_both(loadv(p, first, past, fill), loadv(p + 8, first - 8, past - 8, fill));
}
KERF_INLINE void store16(float* p, f32x16 v, int64_t n) { storev(p, kerf_low(v), n), storev(p + 8, kerf_high(v), n - 8); }
KERF_INLINE void stream16(float* p, f32x16 v) { streamv(p, kerf_low(v)), streamv(p + 8, kerf_high(v)); }
#endif
KERF_INLINE f32x16 load16(const float* p, int64_t n, float fill = 0) { return load16(p, 0, n, fill); }
KERF_INLINE f64x8 load8(const double* p) { return *(const f64x8_unaligned*)p; }
KERF_INLINE void store8(double* p, f64x8 v) { *(f64x8_unaligned*)p = v; }
// Makes streamed stores visible: call it once at the end of a task that used streamv or stream16.
KERF_INLINE void stream_end() {
#if defined(__SSE2__)
  __builtin_ia32_sfence();
#else
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}
KERF_INLINE bool alignedv(const void* p) { return ((uintptr_t)p & (sizeof(f32v) - 1)) == 0; }  // for streamv
KERF_INLINE bool aligned64(const void* p) { return ((uintptr_t)p & 63) == 0; }
KERF_INLINE void prefetch(const void* p) { __builtin_prefetch(p, 0, 3); }

// ---- reductions, as a tree
KERF_INLINE float sumv(f32x8 a) {
  a += __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
  a += __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5);
  return a[0] + a[1];
}
KERF_INLINE float kerf_larger(float a, float b) { return a > b || a != a ? a : b; }
KERF_INLINE float kerf_smaller(float a, float b) { return a < b || a != a ? a : b; }
// A NaN in any lane is the result.
KERF_INLINE float maxv(f32x8 a) {
  const f32x8 b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
  a = ((a > b) | (a != a)) ? a : b;
  return kerf_larger(kerf_larger(a[0], a[1]), kerf_larger(a[2], a[3]));
}
KERF_INLINE float minv(f32x8 a) {
  const f32x8 b = __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3);
  a = ((a < b) | (a != a)) ? a : b;
  return kerf_smaller(kerf_smaller(a[0], a[1]), kerf_smaller(a[2], a[3]));
}
KERF_INLINE float sumv(f32x16 v) { return sumv(kerf_low(v) + kerf_high(v)); }
KERF_INLINE float maxv(f32x16 v) {
  const f32x8 a = kerf_low(v), b = kerf_high(v);
  return maxv(((a > b) | (a != a)) ? a : b);
}
KERF_INLINE float minv(f32x16 v) {
  const f32x8 a = kerf_low(v), b = kerf_high(v);
  return minv(((a < b) | (a != a)) ? a : b);
}
KERF_INLINE float sum16(f32x16 v) { return sumv(v); }
KERF_INLINE float max16(f32x16 v) { return maxv(v); }
KERF_INLINE float min16(f32x16 v) { return minv(v); }
KERF_INLINE double sum8(f64x8 v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
// The first and the second half of the lanes as doubles, for sums that must not lose digits.
KERF_INLINE f64x4 kerf_widen(f32x4 v) { return __builtin_convertvector(v, f64x4); }
KERF_INLINE f64x8 kerf_widen(f32x8 v) {
#if defined(__AVX512F__) && !defined(__clang__)
  return (f64x8)__builtin_ia32_cvtps2pd512_mask(v, f64x8{}, -1, 4);      // g++ 12 would convert halves
#else
  return __builtin_convertvector(v, f64x8);
#endif
}
KERF_INLINE f64x4 widen_low(f32x8 v) { return kerf_widen(kerf_low(v)); }
KERF_INLINE f64x4 widen_high(f32x8 v) { return kerf_widen(kerf_high(v)); }
KERF_INLINE f64x8 widen_low(f32x16 v) { return kerf_widen(kerf_low(v)); }
KERF_INLINE f64x8 widen_high(f32x16 v) { return kerf_widen(kerf_high(v)); }
KERF_INLINE f32x8 narrow(f64x4 low, f64x4 high) {
  return kerf_both(__builtin_convertvector(low, f32x4), __builtin_convertvector(high, f32x4));
}
KERF_INLINE f32x16 narrow(f64x8 low, f64x8 high) {
  return kerf_both(__builtin_convertvector(low, f32x8), __builtin_convertvector(high, f32x8));
}

// ---- the same code for one float and for a vector
template <class F> struct KerfInt;
template <> struct KerfInt<float> { using type = int32_t; };
template <> struct KerfInt<f32v> { using type = i32v; };
template <class F> using kerf_int = typename KerfInt<F>::type;
KERF_INLINE int32_t kerf_to_int(float v) { return (int32_t)v; }
KERF_INLINE i32v kerf_to_int(f32v v) { return __builtin_convertvector(v, i32v); }
KERF_INLINE float kerf_to_float(int32_t v) { return (float)v; }
KERF_INLINE f32v kerf_to_float(i32v v) { return __builtin_convertvector(v, f32v); }
KERF_INLINE float kerf_as_float(int32_t v) { return __builtin_bit_cast(float, v); }
KERF_INLINE f32v kerf_as_float(i32v v) { return (f32v)v; }
KERF_INLINE int32_t kerf_as_int(float v) { return __builtin_bit_cast(int32_t, v); }
KERF_INLINE i32v kerf_as_int(f32v v) { return (i32v)v; }
template <class F> KERF_INLINE F kerf_all(float s) { return s - F{}; }
template <class F> KERF_INLINE F kerf_abs(F x) { return kerf_as_float(kerf_as_int(x) & 0x7fffffff); }
template <class F> KERF_INLINE F kerf_with_sign(F magnitude, F sign) {
  return kerf_as_float(kerf_as_int(magnitude) | (kerf_as_int(sign) & (int32_t)0x80000000));
}

// x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) - 1 as r + r^2 P(r), P minimax of degree 4 (3e-9).
template <class F> KERF_INLINE F kerf_exp_split(F x, F& r) {
  F n = (x * 1.442695022f + 12582912.0f) - 12582912.0f;
  r = (x - n * 0.693359375f) + n * 2.121944417e-4f;
  return n;
}
template <class F> KERF_INLINE F kerf_expm1_poly(F r) {
  F p = 1.395171974e-3f * r + 8.369598538e-3f;
  p = p * r + 4.166618735e-2f;
  p = p * r + 1.666651219e-1f;
  p = p * r + 0.5f;
  return p * (r * r) + r;
}
// The smaller and the larger of x and a constant; NaN stays NaN. (g++ does not see that one instruction does it.)
KERF_INLINE float kerf_at_most(float x, float c) { return x > c ? c : x; }
KERF_INLINE float kerf_at_least(float x, float c) { return x < c ? c : x; }
#if defined(__AVX512F__) && !defined(__clang__)
KERF_INLINE f32v kerf_at_most(f32v x, float c) { return __builtin_ia32_minps512_mask(splatv(c), x, x, (short)-1, 4); }
KERF_INLINE f32v kerf_at_least(f32v x, float c) { return __builtin_ia32_maxps512_mask(splatv(c), x, x, (short)-1, 4); }
#elif defined(__AVX__) && !defined(__clang__)
KERF_INLINE f32v kerf_at_most(f32v x, float c) { return __builtin_ia32_minps256(splatv(c), x); }
KERF_INLINE f32v kerf_at_least(f32v x, float c) { return __builtin_ia32_maxps256(splatv(c), x); }
#else
KERF_INLINE f32v kerf_at_most(f32v x, float c) { return x > c ? splatv(c) : x; }
KERF_INLINE f32v kerf_at_least(f32v x, float c) { return x < c ? splatv(c) : x; }
#endif
// p 2^n for whole n, in two factors, so that neither overflows.
template <class F> KERF_INLINE F kerf_scale(F p, F n) {
  auto e = kerf_to_int(n), half = e >> 1;
  return p * kerf_as_float((half + 127) << 23) * kerf_as_float((e - half + 127) << 23);
}
#if defined(__AVX512F__)
KERF_INLINE f32v kerf_scale(f32v p, f32v n) { return (f32v)__builtin_ia32_scalefps512_mask(p, n, p, (short)-1, 4); }
#endif
template <class F> KERF_INLINE F kerf_exp(F x) {
  x = kerf_at_most(kerf_at_least(x, -104.0f), 89.0f);
  F r, n = kerf_exp_split(x, r);
  return kerf_scale(kerf_expm1_poly(r) + 1.0f, n);
}
template <class F> KERF_INLINE F kerf_expm1(F x) {
  F a = kerf_at_most(kerf_at_least(x, -18.0f), 89.0f);
  F r, n = kerf_exp_split(a, r), p = kerf_expm1_poly(r);
  F s = kerf_as_float((kerf_to_int(n) + 126) << 23);                     // 2^(n-1)
  F y = (s * p + (s - 0.5f)) * 2.0f;
  return select(kerf_abs(x) < 1e-4f, x + x * x * 0.5f, y);
}
// x = 2^e (1 + f) with 1 + f in [0.707, 1.414); log(1 + f) = f - f^2/2 + f^3 P(f), P minimax of degree 8 (7e-10).
template <class F> KERF_INLINE F kerf_log_poly(F f) {
  F p = 6.915587932e-2f * f - 1.178987399e-1f;
  p = p * f + 1.187290773e-1f;
  p = p * f - 1.238433197e-1f;
  p = p * f + 1.421866566e-1f;
  p = p * f - 1.666925251e-1f;
  p = p * f + 2.000222653e-1f;
  p = p * f - 2.499998659e-1f;
  p = p * f + 3.333331048e-1f;
  return p * f;
}
template <class F> KERF_INLINE F kerf_log(F x) {
  auto tiny = x < 1.17549435e-38f;
  F a = select(tiny, x * 8388608.0f, x);
  auto bits = kerf_as_int(a) - 0x3f3504f3;
  F e = kerf_to_float(bits >> 23) - select(tiny, kerf_all<F>(23.0f), kerf_all<F>(0.0f));
  F f = kerf_as_float((bits & 0x007fffff) + 0x3f3504f3) - 1.0f, q = f * f;
  F y = f + (e * -2.121944417e-4f + (q * kerf_log_poly(f) - 0.5f * q)) + e * 0.693359375f;
  y = select(x == 0.0f, kerf_all<F>(-__builtin_inff()), y);
  y = select(x < 0.0f, kerf_all<F>(__builtin_nanf("")), y);
  return select((x == __builtin_inff()) | (x != x), x, y);
}
template <class F> KERF_INLINE F kerf_log1p(F x) {
  F u = x + 1.0f, lost = (x - (u - 1.0f)) / u;                           // what the addition rounded away
  F y = kerf_log(u) + select((u == __builtin_inff()) | (u <= 0.0f), kerf_all<F>(0.0f), lost);
  return select(kerf_abs(x) < 1e-4f, x - x * x * 0.5f, y);
}
// x P(x^2) / Q(x^2) up to 9, where 1 begins (2e-8); above 1 from there on.
template <class F> KERF_INLINE F kerf_tanh(F x) {
  F a = kerf_at_most(kerf_abs(x), 9.6f), t = a * a, p = 1.335455460e-08f * t + 2.060900019e-05f, q = 7.776513075e-07f * t + 3.285626456e-04f;
  p = p * t + 3.495582922e-03f;
  q = q * t + 2.587696217e-02f;
  p = p * t + 1.338102118e-01f;
  q = q * t + 4.671433677e-01f;
  p = p * t + 1.0f;
  q = q * t + 1.0f;
  return kerf_with_sign(kerf_at_most(a * p / q, 1.0f), x);
}
// x P(x^2) / Q(x^2) up to 3.93, where 1 begins (2e-8); above 1 from 4 on.
template <class F> KERF_INLINE F kerf_erf(F x) {
  F a = kerf_at_most(kerf_abs(x), 4.1f), t = a * a, p = 2.041971427e-06f * t + 2.848087334e-04f, q = 3.800408855e-05f * t + 1.165213426e-03f;
  p = p * t + 3.779611507e-03f;
  q = q * t + 1.499744171e-02f;
  p = p * t + 5.279029288e-02f;
  q = q * t + 1.142575411e-01f;
  p = p * t + 1.907838733e-01f;
  q = q * t + 5.024105249e-01f;
  p = p * t + 1.128379145e+00f;
  q = q * t + 1.0f;
  return kerf_with_sign(kerf_at_most(a * p / q, 1.0f), x);
}
template <class F> KERF_INLINE F kerf_sigmoid(F x) {                          // the bound: exp(30) + 1 is exp(30)
  F e = kerf_exp(kerf_at_most(x, 30.0f));
  return e / (e + 1.0f);
}
template <class F> KERF_INLINE F kerf_softplus(F x) {                         // log(1 + exp(x)) = max(x, 0) + log(1 + e), e <= 1
  F e = kerf_exp(kerf_as_float(kerf_as_int(x) | (int32_t)0x80000000)), s = e / (e + 2.0f), t = s * s;
  F p = 2.817833394e-01f * t + 2.796060297e-01f;                                     // log(1 + e) = 2 atanh(s) = s P(s^2) up to 1/3 (4e-9)
  p = p * t + 4.002491027e-01f;
  p = p * t + 6.666631468e-01f;
  p = p * t + 2.0f;
  return kerf_at_least(x, 0.0f) + s * p;
}
template <class F> KERF_INLINE F kerf_gelu(F x) { return 0.5f * x * (1.0f + kerf_erf(x * 0.707106781f)); }
template <class F> KERF_INLINE F kerf_silu(F x) { return x * kerf_sigmoid(x); }

// x = n pi/2 + r with |r| <= pi/4, in double, where n pi/2 is exact to 33 + 20 bits; Cephes' polynomials of r; n + `quarters` says
// which and with what sign. Beyond 2^20 lanes are the C library's.
[[gnu::noinline, gnu::cold]] static f32v kerf_far_angles(f32v x, f32v y, int quarters) {
  for (int l = 0; l < vlen; ++l)
    if (!(__builtin_fabsf(x[l]) <= 1048576.0f)) y[l] = quarters != 0 ? __builtin_cosf(x[l]) : __builtin_sinf(x[l]);
  return y;
}
KERF_INLINE f64v kerf_angle_split(f64v x, kerf_half_i32v& n) {
  f64v whole = (x * 6.36619772367581382433e-01 + 6755399441055744.0) - 6755399441055744.0;
  n = __builtin_convertvector(whole, kerf_half_i32v);
  return (x - whole * 1.57079632673412561417e+00) - whole * 6.07710050650619224932e-11;
}
KERF_INLINE f32v kerf_sine(f32v x, int32_t quarters) {
  kerf_half_i32v a, b;
  const f64v low = kerf_angle_split(widen_low(x), a), high = kerf_angle_split(widen_high(x), b);
  const i32v n = kerf_both(a, b) + quarters;
  const f32v r = narrow(low, high), t = r * r;
  f32v s = -1.9515295891e-4f * t + 8.3321608736e-3f, c = 2.443315711809948e-5f * t - 1.388731625493765e-3f;
  s = (s * t - 1.6666654611e-1f) * (t * r) + r;
  c = (c * t + 4.166664568298827e-2f) * (t * t) + (1.0f - 0.5f * t);
  const f32v y = (f32v)((i32v)select((n & 1) != 0, c, s) ^ ((n & 2) << 30));
  return maxv(kerf_abs(x)) <= 1048576.0f ? y : kerf_far_angles(x, y, quarters);
}

KERF_INLINE f32x16 abs16(f32x16 x) { return (f32x16)((i32x16)x & 0x7fffffff); }
KERF_INLINE f32x16 fma16(f32x16 a, f32x16 b, f32x16 c) { return a * b + c; }
KERF_INLINE f32v absv(f32v x) { return kerf_abs(x); }
KERF_INLINE f32v fmav(f32v a, f32v b, f32v c) { return a * b + c; }
KERF_INLINE f32v sqrtv(f32v x) {
#if defined(__clang__)
  return __builtin_elementwise_sqrt(x);
#elif defined(__AVX512F__)
  return (f32v)__builtin_ia32_sqrtps512_mask(x, x, (short)-1, 4);
#elif defined(__AVX__)
  return __builtin_ia32_sqrtps256(x);
#else
  for (int i = 0; i < vlen; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// ---- functions: a vector, sixteen floats, one float, the C library's name
KERF_INLINE f32v expv(f32v x) { return kerf_exp(x); }
KERF_INLINE f32v expm1_v(f32v x) { return kerf_expm1(x); }
KERF_INLINE f32v logv(f32v x) { return kerf_log(x); }
KERF_INLINE f32v log1pv(f32v x) { return kerf_log1p(x); }
KERF_INLINE f32v tanhv(f32v x) { return kerf_tanh(x); }
KERF_INLINE f32v erfv(f32v x) { return kerf_erf(x); }
KERF_INLINE f32v sinv(f32v x) { return kerf_sine(x, 0); }
KERF_INLINE f32v cosv(f32v x) { return kerf_sine(x, 1); }
KERF_INLINE f32v sigmoidv(f32v x) { return kerf_sigmoid(x); }
KERF_INLINE f32v softplusv(f32v x) { return kerf_softplus(x); }
KERF_INLINE f32v geluv(f32v x) { return kerf_gelu(x); }
KERF_INLINE f32v siluv(f32v x) { return kerf_silu(x); }
KERF_INLINE f32x16 sqrt16(f32x16 x) { return kerf_wide<sqrtv>(x); }
KERF_INLINE f32x16 exp16(f32x16 x) { return kerf_wide<expv>(x); }
KERF_INLINE f32x16 expm1_16(f32x16 x) { return kerf_wide<expm1_v>(x); }
KERF_INLINE f32x16 log16(f32x16 x) { return kerf_wide<logv>(x); }
KERF_INLINE f32x16 log1p16(f32x16 x) { return kerf_wide<log1pv>(x); }
KERF_INLINE f32x16 tanh16(f32x16 x) { return kerf_wide<tanhv>(x); }
KERF_INLINE f32x16 erf16(f32x16 x) { return kerf_wide<erfv>(x); }
KERF_INLINE f32x16 sin16(f32x16 x) { return kerf_wide<sinv>(x); }
KERF_INLINE f32x16 cos16(f32x16 x) { return kerf_wide<cosv>(x); }
KERF_INLINE f32x16 sigmoid16(f32x16 x) { return kerf_wide<sigmoidv>(x); }
KERF_INLINE f32x16 softplus16(f32x16 x) { return kerf_wide<softplusv>(x); }
KERF_INLINE f32x16 gelu16(f32x16 x) { return kerf_wide<geluv>(x); }
KERF_INLINE f32x16 silu16(f32x16 x) { return kerf_wide<siluv>(x); }
KERF_INLINE float exp1(float x) { return kerf_exp(x); }
KERF_INLINE float expm1_1(float x) { return kerf_expm1(x); }
KERF_INLINE float log1(float x) { return kerf_log(x); }
KERF_INLINE float log1p1(float x) { return kerf_log1p(x); }
KERF_INLINE float tanh1(float x) { return kerf_tanh(x); }
KERF_INLINE float erf1(float x) { return kerf_erf(x); }
KERF_INLINE float sigmoid1(float x) { return kerf_sigmoid(x); }
KERF_INLINE float softplus1(float x) { return kerf_softplus(x); }
KERF_INLINE float gelu1(float x) { return kerf_gelu(x); }
KERF_INLINE float silu1(float x) { return kerf_silu(x); }
KERF_INLINE float abs1(float x) { return __builtin_fabsf(x); }
KERF_INLINE float sqrt1(float x) { return __builtin_sqrtf(x); }
#define expf exp1
#define expm1f expm1_1
#define logf log1
#define log1pf log1p1
#define tanhf tanh1
#define erff erf1
#define sqrtf __builtin_sqrtf
#define fabsf __builtin_fabsf
#define fmaxf __builtin_fmaxf
#define fminf __builtin_fminf
#define floorf __builtin_floorf
#define ceilf __builtin_ceilf
#define truncf __builtin_truncf
#define rintf __builtin_rintf
#define roundf __builtin_roundf
#define powf __builtin_powf
#define sinf __builtin_sinf
#define cosf __builtin_cosf
#define sqrt __builtin_sqrt
#define fabs __builtin_fabs
#define fmax __builtin_fmax
#define fmin __builtin_fmin
#define floor __builtin_floor
#define ceil __builtin_ceil
#define exp __builtin_exp
#define log __builtin_log
#define pow __builtin_pow
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")

// ---- 16-bit formats, round to nearest even, NaN stays NaN
KERF_INLINE float to_f32(bf16 v) { return kerf_as_float((int32_t)((uint32_t)v.bits << 16)); }
KERF_INLINE bf16 to_bf16(float v) {
  uint32_t b = (uint32_t)kerf_as_int(v), rounded = (b + 0x7fff + ((b >> 16) & 1)) >> 16;
  return {(uint16_t)(v != v ? 0x7fc0 | (b >> 16) : rounded)};
}
#ifdef __FLT16_MAX__
KERF_INLINE float to_f32(f16 v) { return (float)v; }
KERF_INLINE f16 to_f16(float v) { return (f16)v; }
#endif

#pragma GCC diagnostic pop
