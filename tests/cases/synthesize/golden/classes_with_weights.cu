/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 64 and x.shape[1] == 1000 and t.ndim == 1 and t.shape[0] == 64 and w.ndim == 1 and w.shape[0] == 1000 and (x.shape[1]) % 4 == 0 and x.shape[1] <= 1000 and (x.shape[0]) % 4 == 0 and w.shape[0] <= 1000 and (x.shape[0] == 64 and x.shape[1] == 1000 and t.shape[0] == 64 and w.shape[0] == 1000)"
[tune]
THREADS1 = [128, 256]
THREADS2 = [256, 512]
THREADS3 = [256, 128]
[[scratch]]
name = "loss_rows"
dtype = "f32"
shape = ["x.shape[0]"]
[[scratch]]
name = "loss_counts"
dtype = "f32"
shape = ["x.shape[0]"]
[[step]]
launch = "loss_rows_kernel"
grid = ["x.shape[0]"]
block = ["THREADS1"]
args = ["x.shape[1]", "t", "f32(x.shape[1])", "x", "w", "loss_rows"]
[[step]]
launch = "loss_counts_kernel"
grid = ["cdiv(x.shape[0], THREADS2 // 8 * 4)"]
block = ["THREADS2"]
args = ["x.shape[0]", "w.shape[0]", "t", "w", "loss_counts"]
[[step]]
launch = "loss_kernel"
grid = ["cdiv(1, THREADS3 // 8)"]
block = ["THREADS3"]
args = ["loss_rows.shape[0]", "loss_rows", "loss_counts", "out"]
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

// i < x.shape[0], j < x.shape[1]
extern "C" __global__ void __launch_bounds__(THREADS1) loss_rows_kernel(int64_t J, const int64_t* __restrict__ t_from, float loss_rows_count_value, const float* __restrict__ x_from, const float* __restrict__ w_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x;
  const int64_t row = tile;
  const int64_t i = row;
  const int count = (int)(J);
  constexpr int items = (1000 + THREADS1 * 4 - 1) / (THREADS1 * 4);  // vectors a thread
  const int64_t t_ = t_from[i];
  const float loss_rows_17 = 0.1f / loss_rows_count_value;
  const bool loss_rows_23 = t_ == -100.0f;
  float max_of_pass_1[1][4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    max_of_pass_1[0][e] = -infinity();
  }
  const float* const x_at = x_from + i * J;
  float x_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      get(x_[v], x_at + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        max_of_pass_1[0][e] = greater(x_[v][e], max_of_pass_1[0][e]);
      }
    }
  }
  const float max_of_pass_1_0 = across<THREADS1>(joined(max_of_pass_1[0], Greater()), Greater());
  const float loss_rows = max_of_pass_1_0;
  float sum_of_pass_2[1][4] = {};
  float w_[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      const int j = at;
      get(w_[v], w_from + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float j_index = (float)(j + e);
        const bool loss_rows_6 = j_index == t_;
        const float loss_rows_10 = loss_rows_6 ? w_[v][e] : 0.0f;
        sum_of_pass_2[0][e] += loss_rows_10;
      }
    }
  }
  const double sum_of_pass_2_0 = across<THREADS1>(in_double(sum_of_pass_2[0]), Plus());
  const double loss_rows_11 = sum_of_pass_2_0;
  float sum_of_pass_3[2][4] = {};
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      const int j = at;
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float loss_rows_1 = x_[v][e] - loss_rows;
        const float loss_rows_2 = expf(loss_rows_1);
        const float j_index = (float)(j + e);
        const bool loss_rows_6 = j_index == t_;
        const float loss_rows_7 = loss_rows_6 ? loss_rows_1 : 0.0f;
        sum_of_pass_3[0][e] += loss_rows_2;
        sum_of_pass_3[1][e] += loss_rows_7;
      }
    }
  }
  const double sum_of_pass_3_0 = across<THREADS1>(in_double(sum_of_pass_3[0]), Plus());
  const double sum_of_pass_3_1 = across<THREADS1>(in_double(sum_of_pass_3[1]), Plus());
  const double loss_rows_3 = sum_of_pass_3_0;
  const double loss_rows_8 = sum_of_pass_3_1;
  const float loss_rows_4 = logf((float)loss_rows_3);
  const double loss_rows_9 = loss_rows_4 - loss_rows_8;
  const double loss_rows_12 = loss_rows_11 * loss_rows_9;
  const double loss_rows_20 = loss_rows_12 * 0.9f;
  float sum_of_pass_4[1][4] = {};
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * THREADS1 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const float loss_rows_1 = x_[v][e] - loss_rows;
        const float loss_rows_13 = loss_rows_4 - loss_rows_1;
        const float loss_rows_14 = loss_rows_13 * w_[v][e];
        sum_of_pass_4[0][e] += loss_rows_14;
      }
    }
  }
  const double sum_of_pass_4_0 = across<THREADS1>(in_double(sum_of_pass_4[0]), Plus());
  const double loss_rows_15 = sum_of_pass_4_0;
  const double loss_rows_18 = loss_rows_15 * loss_rows_17;
  const double loss_rows_21 = loss_rows_20 + loss_rows_18;
  const float loss_rows_24 = loss_rows_23 ? 0.0f : (float)loss_rows_21;
  if (lane == 0) {
    out_to[i] = loss_rows_24;
  }
}

// i < w.shape[0], j < x.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS2) loss_counts_kernel(int64_t J, int64_t I, const int64_t* __restrict__ t_from, const float* __restrict__ w_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int slice = threadIdx.x / (THREADS2 / 8);
  const int64_t wanted = (tile * (THREADS2 / 8) + threadIdx.x % (THREADS2 / 8)) * 4;
  const int64_t j = least(wanted, J - 4);
  const int count = (int)(I);
  constexpr int items = (1000 + 8 - 1) / (8);  // vectors a thread
  int64_t t_[4];
  const int64_t* const t_at = t_from + j;
  gather(t_, t_at, 1);
  bool loss_counts_6[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    loss_counts_6[e] = t_[e] == -100.0f;
  }
  float sum_of_pass_1[1][4] = {};
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = v * 8 + slice;
    if (at < count) {
      const int i = at;
      const float w_ = w_from[i];
      const float i_index = (float)i;
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        const bool loss_counts_1 = i_index == t_[e];
        const float loss_counts_2 = loss_counts_1 ? w_ : 0.0f;
        sum_of_pass_1[0][e] += loss_counts_2;
      }
    }
  }
  float loss_counts_3[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) loss_counts_3[e] = (float)among<THREADS2 / 8, 8>((double)sum_of_pass_1[0][e], Plus());
  float loss_counts_4[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    loss_counts_4[e] = -(loss_counts_3[e]);
  }
  float loss_counts_7[4];
  #pragma unroll
  for (int e = 0; e < 4; ++e) {
    loss_counts_7[e] = loss_counts_6[e] ? 0.0f : loss_counts_4[e];
  }
  if (slice == 0 && j == wanted) {
    float* const out_at = out_to + j;
    put(out_at, loss_counts_7);
  }
}

// i < loss_rows.shape[0]
extern "C" __global__ void __launch_bounds__(THREADS3) loss_kernel(int64_t I, const float* __restrict__ loss_rows_from, const float* __restrict__ loss_counts_from, float* __restrict__ out_to) {
  const int64_t tile = blockIdx.x;
  const int lane = threadIdx.x % 8;
  const int64_t wanted = tile * (THREADS3 / 8) + threadIdx.x / 8;
  const int64_t row = least(wanted, 1 - 1);
  const int count = (int)(I);
  constexpr int items = (64 + 8 * 4 - 1) / (8 * 4);  // vectors a thread
  float sum_of_pass_1[2][4] = {};
  float loss_rows[items][4];
  float loss_counts[items][4];
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      get(loss_rows[v], loss_rows_from + at);
      get(loss_counts[v], loss_counts_from + at);
    }
  }
  #pragma unroll
  for (int v = 0; v < items; ++v) {
    const int at = (v * 8 + lane) * 4;
    if (at < count) {
      #pragma unroll
      for (int e = 0; e < 4; ++e) {
        sum_of_pass_1[0][e] += loss_rows[v][e];
        sum_of_pass_1[1][e] += loss_counts[v][e];
      }
    }
  }
  const double sum_of_pass_1_0 = across<8>(in_double(sum_of_pass_1[0]), Plus());
  const double sum_of_pass_1_1 = across<8>(in_double(sum_of_pass_1[1]), Plus());
  const double loss_total = sum_of_pass_1_0;
  const double loss_count = sum_of_pass_1_1;
  const double loss_quotient = loss_total / loss_count;
  const double loss = -(loss_quotient);
  if (lane == 0 && row == wanted) {
    out_to[0] = (float)loss;
  }
}
