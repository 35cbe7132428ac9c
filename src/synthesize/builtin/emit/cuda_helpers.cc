#include <algorithm>
#include <array>

#include "synthesize/builtin/emit/cuda.h"

namespace kerf {
namespace {

struct Helper {
  const char* name;
  const char* needs;  // other helpers, or ""
  const char* text;
};

constexpr std::array helpers = {
    Helper{"least", "", R"(__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
)"},
    Helper{"get", "", R"(// A vector from memory; of `left` elements at the end of a tensor.
__device__ inline void get(float (&to)[1], const float* from) { to[0] = *from; }
__device__ inline void get(float (&to)[2], const float* from) {
  const float2 v = *(const float2*)from;
  to[0] = v.x, to[1] = v.y;
}
__device__ inline void get(float (&to)[4], const float* from) {
  const float4 v = *(const float4*)from;
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}
template <class T, int width> __device__ inline void gather(T (&to)[width], const T* from, int64_t stride, int left = width) {
#pragma unroll
  for (int k = 0; k < width; ++k) to[k] = k < left ? from[k * stride] : T();
}
template <int width> __device__ inline void get(float (&to)[width], const float* from, int left) {
  if (left >= width) get(to, from); else gather(to, from, 1, left);
}
)"},
    Helper{"get_past", "get", R"(// What is read for the last time leaves the caches first.
__device__ inline void get_past(float (&to)[1], const float* from) { to[0] = __ldcs(from); }
__device__ inline void get_past(float (&to)[2], const float* from) {
  const float2 v = __ldcs((const float2*)from);
  to[0] = v.x, to[1] = v.y;
}
__device__ inline void get_past(float (&to)[4], const float* from) {
  const float4 v = __ldcs((const float4*)from);
  to[0] = v.x, to[1] = v.y, to[2] = v.z, to[3] = v.w;
}
template <int width> __device__ inline void get_past(float (&to)[width], const float* from, int left) {
  if (left >= width) get_past(to, from); else gather(to, from, 1, left);
}
)"},
    Helper{"put", "", R"(__device__ inline void put(float* to, const float (&v)[1]) { *to = v[0]; }
__device__ inline void put(float* to, const float (&v)[2]) { *(float2*)to = make_float2(v[0], v[1]); }
__device__ inline void put(float* to, const float (&v)[4]) { *(float4*)to = make_float4(v[0], v[1], v[2], v[3]); }
template <class T, int width> __device__ inline void scatter(T* to, const T (&v)[width], int64_t stride, int left = width) {
#pragma unroll
  for (int k = 0; k < width; ++k)
    if (k < left) to[k * stride] = v[k];
}
template <int width> __device__ inline void put(float* to, const float (&v)[width], int left) {
  if (left >= width) put(to, v); else scatter(to, v, 1, left);
}
)"},
    Helper{"put_past", "put", R"(// What this kernel does not read again leaves the caches first.
__device__ inline void put_past(float* to, const float (&v)[1]) { __stcs(to, v[0]); }
__device__ inline void put_past(float* to, const float (&v)[2]) { __stcs((float2*)to, make_float2(v[0], v[1])); }
__device__ inline void put_past(float* to, const float (&v)[4]) { __stcs((float4*)to, make_float4(v[0], v[1], v[2], v[3])); }
template <int width> __device__ inline void put_past(float* to, const float (&v)[width], int left) {
  if (left >= width) put_past(to, v); else scatter(to, v, 1, left);
}
)"},
    Helper{"infinity", "", R"(__device__ inline float infinity() { return __int_as_float(0x7f800000); }
__device__ inline float not_a_number() { return __int_as_float(0x7fc00000); }
)"},
    Helper{"greater", "", R"(// The larger one; NaN if either is.
__device__ inline float greater(float a, float b) { return a > b || a != a ? a : b; }
)"},
    Helper{"smaller", "", R"(// The smaller one; NaN if either is.
__device__ inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
)"},
    // __fdividef is within 2 ulp for divisors below 2^126, and 0 where the quotient is below 2^-126.
    Helper{"sigmoid", "", R"(__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + expf(-x)); }
)"},
    Helper{"softplus", "",
           R"(__device__ inline float softplus(float x) { return x > 0.0f ? x + log1pf(expf(-x)) : log1pf(expf(x)); }
)"},
    Helper{"join", "greater smaller infinity", R"(// What two threads have becomes one.
struct Plus { template <class T> __device__ T operator()(T a, T b) const { return a + b; } };
struct Times { template <class T> __device__ T operator()(T a, T b) const { return a * b; } };
struct Greater { __device__ float operator()(float a, float b) const { return greater(a, b); } };
struct Smaller { __device__ float operator()(float a, float b) const { return smaller(a, b); } };
template <class T> __device__ inline T of_lane(T v, int away) { return __shfl_xor_sync(~0u, v, away); }
template <int width, class J> __device__ inline float joined(const float (&v)[width], J join) {
  float all = v[0];
#pragma unroll
  for (int k = 1; k < width; ++k) all = join(all, v[k]);
  return all;
}
template <int width> __device__ inline double in_double(const float (&v)[width]) {
  double all = v[0];
#pragma unroll
  for (int k = 1; k < width; ++k) all += v[k];
  return all;
}
)"},
    Helper{"place", "join", R"(// An element's value and position; of equal ones the first, NaN beyond every number.
struct Place { float value; int at; };
template <bool larger> __device__ inline bool is_beyond(float a, float b) { return (larger ? a > b : a < b) || (a != a && b == b); }
template <bool larger> __device__ inline void consider(Place& best, float v, int at) {
  if (is_beyond<larger>(v, best.value) || best.at == 2147483647) best = Place{v, at};
}
template <bool larger> struct Beyond {
  __device__ Place operator()(Place a, Place b) const {
    const bool same = a.value == b.value || (a.value != a.value && b.value != b.value);
    if (a.at == 2147483647 || b.at == 2147483647) return a.at < b.at ? a : b;
    return is_beyond<larger>(a.value, b.value) || (same && a.at < b.at) ? a : b;
  }
};
template <int width, class J> __device__ inline Place joined(const Place (&v)[width], J join) {
  Place all = v[0];
#pragma unroll
  for (int k = 1; k < width; ++k) all = join(all, v[k]);
  return all;
}
__device__ inline Place of_lane(Place v, int away) { return {of_lane(v.value, away), of_lane(v.at, away)}; }
)"},
    Helper{"moments", "join", R"(// Count, mean, and sum of squares of deviations from it, joined pairwise.
struct Moments { double count, mean, squares; };
struct JoinMoments {
  __device__ Moments operator()(Moments a, Moments b) const {
    const double n = a.count + b.count;
    if (n == 0) return a;
    const double apart = b.mean - a.mean, share = b.count / n;
    return {n, a.mean + apart * share, a.squares + b.squares + apart * apart * a.count * share};
  }
};
__device__ inline Moments of_lane(Moments v, int away) {
  return {of_lane(v.count, away), of_lane(v.mean, away), of_lane(v.squares, away)};
}
// Joins the first n of the terms, about their own mean.
template <int most> __device__ inline void take_in(Moments& m, const float (&term)[most], int n) {
  if (n == 0) return;
  float sum = 0, squares = 0;
#pragma unroll
  for (int i = 0; i < most; ++i) sum += i < n ? term[i] : 0.0f;
  const float mean = sum * __frcp_rn((float)n);
#pragma unroll
  for (int i = 0; i < most; ++i) {
    const float apart = i < n ? term[i] - mean : 0.0f;
    squares += apart * apart;
  }
  const double all = m.count + n, apart = mean - m.mean, share = (double)((float)n * __frcp_rn((float)all));
  m.mean += apart * share;
  m.squares += squares + apart * apart * m.count * share;
  m.count = all;
}
)"},
    Helper{"exponentials", "join", R"(// The largest value, and the sum of exp(value - largest).
struct Exponentials { float top; double total; };
struct JoinExponentials {
  __device__ Exponentials operator()(Exponentials a, Exponentials b) const {
    const float top = greater(a.top, b.top);
    if (top == -infinity()) return a;
    return {top, a.total * expf(a.top - top) + b.total * expf(b.top - top)};
  }
};
__device__ inline Exponentials of_lane(Exponentials v, int away) { return {of_lane(v.top, away), of_lane(v.total, away)}; }
// NaN where nothing is above minus infinity.
__device__ inline double sum_of(Exponentials a) { return a.top == -infinity() ? (double)not_a_number() : a.total; }
template <int most> __device__ inline void take_in(Exponentials& a, const float (&term)[most], int n) {
  float top = a.top, sum = 0;
#pragma unroll
  for (int i = 0; i < most; ++i) top = i < n ? greater(term[i], top) : top;
  if (top == -infinity()) return;
#pragma unroll
  for (int i = 0; i < most; ++i) sum += i < n ? expf(term[i] - top) : 0.0f;
  a.total = (top == a.top ? a.total : a.total * expf(a.top - top)) + sum;
  a.top = top;
}
)"},
    Helper{
        "across", "join",
        R"(// Joins what `lanes` neighbouring threads have: those of a warp, or of the whole block. All get the result.
template <int lanes, class T, class J> __device__ inline T across(T v, J join) {
#pragma unroll
  for (int away = (lanes < 32 ? lanes : 32) / 2; away > 0; away /= 2) v = join(v, of_lane(v, away));
  if constexpr (lanes > 32) {
    constexpr int warps = lanes / 32;
    __shared__ T part[warps];
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    v = part[threadIdx.x % warps];
#pragma unroll
    for (int away = warps / 2; away > 0; away /= 2) v = join(v, of_lane(v, away));
    __syncthreads();
  }
  return v;
}
)"},
    Helper{
        "scan", "join",
        R"(// Scans vectors of `lanes` neighbouring threads, in double: those of a warp, or of the whole block. Vectors with a
// higher index lie behind all with a lower one; `so_far` is what comes before them.
template <int lanes, bool backward, int vectors, int width, class J>
__device__ inline void scan(float (&v)[vectors][width], double& so_far, J join) {
  constexpr int near = lanes < 32 ? lanes : 32, warps = lanes / near;
  __shared__ double part[warps == 1 ? 1 : vectors][warps];
  const int lane = threadIdx.x % near, warp = threadIdx.x % lanes / near;
  double up_to[vectors][width], all[vectors];
#pragma unroll
  for (int n = 0; n < vectors; ++n) {
#pragma unroll
    for (int k = 0; k < width; ++k) {
      const int e = backward ? width - 1 - k : k;
      up_to[n][e] = k == 0 ? (double)v[n][e] : join(up_to[n][backward ? e + 1 : e - 1], (double)v[n][e]);
    }
    all[n] = up_to[n][backward ? 0 : width - 1];
#pragma unroll
    for (int away = 1; away < near; away *= 2) {
      const double other = __shfl_up_sync(~0u, all[n], away, near);
      if (lane >= away) all[n] = join(other, all[n]);
    }
    if (warps > 1 && lane == near - 1) part[warps == 1 ? 0 : n][warp] = all[n];
  }
  if (warps > 1) __syncthreads();
#pragma unroll
  for (int n = 0; n < vectors; ++n) {
    double before = so_far;
    if constexpr (warps == 1) {
      so_far = join(so_far, __shfl_sync(~0u, all[n], near - 1, near));
    } else {
#pragma unroll
      for (int k = 0; k < warps; ++k) {
        if (k == warp) before = so_far;
        so_far = join(so_far, part[n][k]);
      }
    }
    const double other = __shfl_up_sync(~0u, all[n], 1, near);
    if (lane > 0) before = join(before, other);
#pragma unroll
    for (int e = 0; e < width; ++e) v[n][e] = (float)join(before, up_to[n][e]);
  }
  if (warps > 1) __syncthreads();
}
)"},
    Helper{"steps", "join", R"(// The next elements of `width` columns.
template <int vectors, int width, class J> __device__ inline void steps(float (&v)[vectors][width], double (&so_far)[width], J join) {
#pragma unroll
  for (int n = 0; n < vectors; ++n)
#pragma unroll
    for (int e = 0; e < width; ++e) v[n][e] = (float)(so_far[e] = join(so_far[e], (double)v[n][e]));
}
)"},
    Helper{"among", "join",
           R"(// Joins what the `slices` threads of each of the block's columns have. All of them get the result.
template <int columns, int slices, class T, class J> __device__ inline T among(T v, J join) {
  if constexpr (slices > 1) {
    __shared__ T part[columns * slices];
    const int me = threadIdx.x;
    part[me] = v;
    __syncthreads();
#pragma unroll
    for (int half = slices / 2; half > 0; half /= 2) {
      if (me < columns * half) part[me] = join(part[me], part[me + columns * half]);
      __syncthreads();
    }
    v = part[me % columns];
    __syncthreads();
  }
  return v;
}
)"},
};

}  // namespace

std::string cuda_helpers(const std::vector<std::string>& used) {
  const auto among = [](const std::string& names, const std::string& name) {
    return (" " + names + " ").find(" " + name + " ") != std::string::npos;
  };
  // What is needed by what is needed, too.
  std::vector<std::string> wanted = used;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    for (const Helper& helper : helpers)
      if (wanted[i] == helper.name)
        for (const Helper& other : helpers)
          if (among(helper.needs, other.name) && std::ranges::find(wanted, other.name) == wanted.end())
            wanted.emplace_back(other.name);
  std::string text;
  for (const Helper& helper : helpers)
    if (std::ranges::find(wanted, helper.name) != wanted.end()) text += helper.text;
  return text;
}

}  // namespace kerf
