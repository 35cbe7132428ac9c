/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 4 and x.shape[1] == 64 and x.shape[2] == 64 and x.shape[3] == 64 and (x.shape[1] * x.shape[2] * x.shape[3]) % 4 == 0"
[tune]
THREADS = [512, 256]
[[scratch]]
name = "layer_norm_kernel_part1"
dtype = "f64"
shape = ["x.shape[0] * cdiv(x.shape[1] * x.shape[2] * x.shape[3], (cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16))", 3]
[[step]]
launch = "layer_norm_kernel_pass1"
grid = ["x.shape[0] * cdiv(x.shape[1] * x.shape[2] * x.shape[3], (cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16))"]
block = ["THREADS"]
args = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], (cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16))", "cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16", "x.shape[1] * x.shape[2] * x.shape[3]", "x", "layer_norm_kernel_part1"]
[[step]]
launch = "layer_norm_kernel"
grid = ["x.shape[0] * cdiv(x.shape[1] * x.shape[2] * x.shape[3], min(cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16, cdiv(32768, THREADS * 16) * THREADS * 16))"]
block = ["THREADS"]
args = ["cdiv(x.shape[1] * x.shape[2] * x.shape[3], (cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16))", "cdiv(x.shape[1] * x.shape[2] * x.shape[3], min(cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16, cdiv(32768, THREADS * 16) * THREADS * 16))", "x.shape[0]", "min(cdiv(cdiv(x.shape[1] * x.shape[2] * x.shape[3], max(1, 528 // x.shape[0])), THREADS * 16) * THREADS * 16, cdiv(32768, THREADS * 16) * THREADS * 16)", "x.shape[1] * x.shape[2] * x.shape[3]", "layer_norm_kernel_part1", "f32(x.shape[1] * x.shape[2] * x.shape[3])", "out", "x", "w", "b"]
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
// Count, mean, and sum of squares of deviations from it, joined pairwise.
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

// i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]: what each block has of pass 1
extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_kernel_pass1(int64_t chunks, int64_t length, int64_t J, const float* __restrict__ x_from, double* __restrict__ layer_norm_kernel_part1_to) {
  const int64_t row = blockIdx.x / (unsigned)chunks;
  [[maybe_unused]] const int lane = threadIdx.x;
  const int64_t chunk = blockIdx.x % (unsigned)chunks;
  const int64_t begin = chunk * length;
  const int count = (int)least(length, J - begin);
  const int64_t i = row;
  Moments moments_of_pass_1_lane = Moments{0, 0, 0};
  const float* const x_at = x_from + i * J + begin;
  for (int first = 0; first < count; first += THREADS * 4 * 4) {
    float term[4 * 4];
    int terms = 0;
    float x_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS + lane) * 4;
      if (at < count) {
        get(x_[v], x_at + at);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS + lane) * 4;
      if (at < count) {
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          term[v * 4 + e] = x_[v][e];
        }
        terms += 4;
      }
    }
    take_in(moments_of_pass_1_lane, term, terms);
  }
  const Moments moments_of_pass_1 = across<THREADS>(moments_of_pass_1_lane, JoinMoments());
  if (lane == 0) {
    layer_norm_kernel_part1_to[blockIdx.x * 3 + 0] = moments_of_pass_1.count;
    layer_norm_kernel_part1_to[blockIdx.x * 3 + 1] = moments_of_pass_1.mean;
    layer_norm_kernel_part1_to[blockIdx.x * 3 + 2] = moments_of_pass_1.squares;
  }
}

// i < x.shape[0], j < x.shape[1] * x.shape[2] * x.shape[3]
extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_kernel(int64_t chunks, int64_t pieces, int64_t I, int64_t length, int64_t J, const double* __restrict__ layer_norm_kernel_part1_from, float layer_norm_count_value, float* __restrict__ out_to, const float* __restrict__ x_from, const float* __restrict__ w_from, const float* __restrict__ b_from) {
  const int64_t row = blockIdx.x % (unsigned)(I);
  [[maybe_unused]] const int lane = threadIdx.x;
  const int64_t chunk = blockIdx.x / (unsigned)(I);
  const int64_t begin = chunk * length;
  const int count = (int)least(length, J - begin);
  const int64_t i = row;
  Moments moments_of_pass_1_all = Moments{0, 0, 0};
  for (int64_t block = threadIdx.x; block < chunks; block += THREADS) moments_of_pass_1_all = JoinMoments()(moments_of_pass_1_all, Moments{*(layer_norm_kernel_part1_from + (row * chunks + block) * 3 + 0), *(layer_norm_kernel_part1_from + (row * chunks + block) * 3 + 1), *(layer_norm_kernel_part1_from + (row * chunks + block) * 3 + 2)});
  const Moments moments_of_pass_1 = across<THREADS>(moments_of_pass_1_all, JoinMoments());
  const double layer_norm_1 = moments_of_pass_1.mean * moments_of_pass_1.count;
  const double layer_norm_5 = moments_of_pass_1.squares;
  const double layer_norm_2 = layer_norm_1 / layer_norm_count_value;
  const double layer_norm_6 = layer_norm_5 / layer_norm_count_value;
  const double layer_norm_7 = layer_norm_6 + 1e-05f;
  const float layer_norm_8 = 1.0f / sqrtf((float)layer_norm_7);
  float* const out_at = out_to + i * J + begin;
  const float* const x_at = x_from + i * J + begin;
  const float* const w_at = w_from + begin;
  const float* const b_at = b_from + begin;
  for (int first = 0; first < count; first += THREADS * 4 * 4) {
    float x_[4][4];
    float w_[4][4];
    float b_[4][4];
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS + lane) * 4;
      if (at < count) {
        get(x_[v], x_at + at);
        get(w_[v], w_at + at);
        get(b_[v], b_at + at);
      }
    }
    #pragma unroll
    for (int v = 0; v < 4; ++v) {
      const int at = first + (v * THREADS + lane) * 4;
      if (at < count) {
        float out[4];
        #pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float layer_norm_3 = x_[v][e] - (float)layer_norm_2;
          const float layer_norm_9 = layer_norm_3 * layer_norm_8;
          const float layer_norm_10 = layer_norm_9 * w_[v][e];
          const float layer_norm_11 = layer_norm_10 + b_[v][e];
          out[e] = layer_norm_11;
        }
        put(out_at + at, out);
      }
    }
  }
}
