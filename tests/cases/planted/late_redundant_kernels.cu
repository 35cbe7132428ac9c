/* /// kerf
version = 1
supports = "x.shape[0] == 264 and x.shape[1] == 262144"
[[scratch]]
name = "part"
dtype = "f32"
shape = ["x.shape[0]", 2]
[[step]]
launch = "late_redundant_kernels_max"
grid = ["x.shape[0]"]
block = [1024]
args = ["x", "part", "x.shape[1]"]
[[step]]
launch = "late_redundant_kernels_sum"
grid = ["x.shape[0]"]
block = [1024]
args = ["x", "part", "x.shape[1]"]
[[step]]
launch = "late_redundant_kernels"
grid = ["x.shape[0]"]
block = [1024]
args = ["x", "part", "out", "x.shape[1]"]
/// */
// Three kernels, each of which reads everything.
extern "C" __global__ void late_redundant_kernels_max(const float* x, float* part, int64_t n) {
  __shared__ float warps[32];
  float m = -3.0e38f;
  for (int64_t j = threadIdx.x; j < n; j += 1024) m = fmaxf(m, x[blockIdx.x * n + j]);
  for (int d = 16; d > 0; d /= 2) m = fmaxf(m, __shfl_xor_sync(0xffffffffu, m, d));
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = m;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int w = 0; w < 32; ++w) m = fmaxf(m, warps[w]);
    part[blockIdx.x * 2] = m;
  }
}
extern "C" __global__ void late_redundant_kernels_sum(const float* x, float* part, int64_t n) {
  __shared__ float warps[32];
  const float m = part[blockIdx.x * 2];
  float s = 0;
  for (int64_t j = threadIdx.x; j < n; j += 1024) s += expf(x[blockIdx.x * n + j] - m);
  for (int d = 16; d > 0; d /= 2) s += __shfl_xor_sync(0xffffffffu, s, d);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = s;
  __syncthreads();
  if (threadIdx.x == 0) {
    s = 0;
    for (int w = 0; w < 32; ++w) s += warps[w];
    part[blockIdx.x * 2 + 1] = s;
  }
}
extern "C" __global__ void late_redundant_kernels(const float* x, const float* part, float* out, int64_t n) {
  const float m = part[blockIdx.x * 2], s = part[blockIdx.x * 2 + 1];
  for (int64_t j = threadIdx.x; j < n; j += 1024) out[blockIdx.x * n + j] = expf(x[blockIdx.x * n + j] - m) / s;
}
