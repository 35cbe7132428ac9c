/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 2 and x.shape[1] == 300000 and (x.shape[1]) % 4 == 0 and x.shape[1] < 2147483648"
[tune]
THREADS = [128]
[[scratch]]
name = "sums_kernel_part"
dtype = "f64"
shape = ["(x.shape[0]) * cdiv(x.shape[1], (cdiv(cdiv(x.shape[1], max(1, 4224 // (x.shape[0]))), 512) * 512))", 1]
[[step]]
launch = "sums_kernel_pieces"
grid = ["cdiv((x.shape[0]) * cdiv(x.shape[1], (cdiv(cdiv(x.shape[1], max(1, 4224 // (x.shape[0]))), 512) * 512)), THREADS // 32)"]
block = ["THREADS"]
args = ["cdiv(x.shape[1], (cdiv(cdiv(x.shape[1], max(1, 4224 // (x.shape[0]))), 512) * 512))", "(cdiv(cdiv(x.shape[1], max(1, 4224 // (x.shape[0]))), 512) * 512)", "x.shape[0]", "x.shape[1]", "sums_kernel_part", "x"]
[[step]]
launch = "sums_kernel"
grid = ["cdiv((x.shape[0]) * cdiv(x.shape[1], (cdiv(cdiv(x.shape[1], max(1, 4224 // (x.shape[0]))), 512) * 512)), THREADS // 32)"]
block = ["THREADS"]
args = ["cdiv(x.shape[1], (cdiv(cdiv(x.shape[1], max(1, 4224 // (x.shape[0]))), 512) * 512))", "(cdiv(cdiv(x.shape[1], max(1, 4224 // (x.shape[0]))), 512) * 512)", "x.shape[0]", "x.shape[1]", "sums_kernel_part", "out", "x"]
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
// What is read for the last time leaves the caches first.
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
// What this kernel does not read again leaves the caches first.
__device__ inline void put_past(float* to, const float (&v)[1]) { __stcs(to, v[0]); }
__device__ inline void put_past(float* to, const float (&v)[2]) { __stcs((float2*)to, make_float2(v[0], v[1])); }
__device__ inline void put_past(float* to, const float (&v)[4]) { __stcs((float4*)to, make_float4(v[0], v[1], v[2], v[3])); }
template <int width> __device__ inline void put_past(float* to, const float (&v)[width], int left) {
  if (left >= width) put_past(to, v); else scatter(to, v, 1, left);
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
// Joins what `lanes` neighbouring threads have: those of a warp, or of the whole block. All get the result.
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
// Scans vectors of `lanes` neighbouring threads, in double: those of a warp, or of the whole block. Vectors with a
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

// i < x.shape[0], j < x.shape[1]: what each piece of a row comes to
extern "C" __global__ void __launch_bounds__(THREADS) sums_kernel_pieces(int64_t chunks, int64_t length, int64_t I, int64_t J, double* __restrict__ sums_kernel_part_to, const float* __restrict__ x_from) {
  const int lane = threadIdx.x % 32;
  const int64_t piece = least((int64_t)blockIdx.x * (THREADS / 32) + threadIdx.x / 32, I * chunks - 1);
  const int64_t row = piece / chunks, chunk = piece % chunks;
  const int64_t i = row;
  const int64_t begin = chunk * length;
  const int count = (int)least(length, J - begin);
  double sums_so_far = 0.0;
  const float* const x_at = x_from + i * J + begin;
  for (int first = 0; first < count; first += 32 * 16) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * 32 + lane) * 4;
      if (at < count) {
        get(x_[v], x_at + at);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * 32 + lane) * 4;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          sums_so_far = Plus()(sums_so_far, (double)x_[v][e]);
        }
      }
    }
  }
  sums_so_far = across<32>(sums_so_far, Plus());
  if (lane == 0) {
    sums_kernel_part_to[piece * 1 + 0] = sums_so_far;
  }
}

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS) sums_kernel(int64_t chunks, int64_t length, int64_t I, int64_t J, const double* __restrict__ sums_kernel_part_from, float* __restrict__ out_to, const float* __restrict__ x_from) {
  const int lane = threadIdx.x % 32;
  const int64_t piece = least((int64_t)blockIdx.x * (THREADS / 32) + threadIdx.x / 32, I * chunks - 1);
  const int64_t row = piece / chunks, chunk = piece % chunks;
  const int64_t i = row;
  const int64_t begin = chunk * length;
  const int count = (int)least(length, J - begin);
  double sums_so_far = 0.0;
  for (int64_t c = lane; c < chunk; c += 32) {
    sums_so_far = Plus()(sums_so_far, sums_kernel_part_from[(row * chunks + c) * 1 + 0]);
  }
  sums_so_far = across<32>(sums_so_far, Plus());
  float* const out_at = out_to + i * J + begin;
  const float* const x_at = x_from + i * J + begin;
  for (int first = 0; first < count; first += 32 * 16) {
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * 32 + lane) * 4;
      if (at < count) {
        get_past(x_[v], x_at + at);
      }
    }
    float sums_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v)
    #pragma unroll
      for (int e = 0; e < 4; ++e) sums_[v][e] = 0.0;
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * 32 + lane) * 4;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          sums_[v][e] = x_[v][e];
        }
      }
    }
    scan<32, false>(sums_, sums_so_far, Plus());
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * 32 + lane) * 4;
      if (at < count) {
        float out[4];
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          out[e] = sums_[v][e];
        }
        put_past(out_at + at, out);
      }
    }
  }
}
