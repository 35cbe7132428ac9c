/* /// kerf
version = 1
supports = "x.ndim == 3 and x.shape[0] == 6 and x.shape[1] == 128 and x.shape[2] == 1023 and x.shape[1] <= 128"
[tune]
THREADS = [256, 512]
[[step]]
launch = "argmax_kernel"
grid = ["cdiv(x.shape[2], THREADS // 8 * 1) * x.shape[0]"]
block = ["THREADS"]
args = ["cdiv(x.shape[2], THREADS // 8 * 1)", "x.shape[2]", "x.shape[1]", "x", "out"]
/// */

__device__ inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// A vector from memory; of `left` elements at the end of a tensor.
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
__device__ inline void put(float* to, const float (&v)[1]) { *to = v[0]; }
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
__device__ inline float infinity() { return __int_as_float(0x7f800000); }
__device__ inline float not_a_number() { return __int_as_float(0x7fc00000); }
// The larger one; NaN if either is.
__device__ inline float greater(float a, float b) { return a > b || a != a ? a : b; }
// The smaller one; NaN if either is.
__device__ inline float smaller(float a, float b) { return a < b || a != a ? a : b; }
// What two threads have becomes one.
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
// An element's value and position; of equal ones the first, NaN beyond every number.
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
// Joins what the `slices` threads of each of the block's columns have. All of them get the result.
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

// i < x.shape[0], j < x.shape[1], k < x.shape[2]
extern "C" __global__ void __launch_bounds__(THREADS) argmax_kernel(int64_t pieces, int64_t K, int64_t J, const float* __restrict__ x_from, int64_t* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int64_t row = tile / pieces, piece = tile % pieces;
  const int64_t i = row;
  const int slice = threadIdx.x / (THREADS / 8);
  const int64_t wanted = (piece * (THREADS / 8) + threadIdx.x % (THREADS / 8)) * 1;
  const int64_t k = least(wanted, K - 1);
  const int count = (int)(J);
  constexpr int items = (128 + 8 - 1) / (8);  // vectors a thread
  Place argmax_of_pass_1[1][1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) {
    argmax_of_pass_1[0][e] = Place{-infinity(), 2147483647};
  }
  const float* const x_at = x_from + i * J * K + k;
  float x_[items][1];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      get(x_[v], x_at + at * K);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 1; ++e) {
        consider<true>(argmax_of_pass_1[0][e], x_[v][e], at);
      }
    }
  }
  int64_t argmax[1];
  #pragma unroll
  for (int e = 0; e < 1; ++e) argmax[e] = among<THREADS / 8, 8>(argmax_of_pass_1[0][e], Beyond<true>()).at;
  if (slice == 0 && k == wanted) {
    int64_t* const out_at = out_to + i * K + k;
    scatter(out_at, argmax, 1);
  }
}
