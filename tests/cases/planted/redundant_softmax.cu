/* /// kerf
version = 1
supports = "x.shape[0] == 264 and x.shape[1] == 262144"
[[step]]
launch = "redundant_softmax"
grid = ["x.shape[0]"]
block = [1024]
args = ["x", "out", "x.shape[1]"]
/// */
// Three passes over rows that no cache holds.
static __device__ float block_reduce(float v, bool largest) {
  __shared__ float part[32];
  for (int d = 16; d > 0; d /= 2) {
    const float o = __shfl_xor_sync(0xffffffffu, v, d);
    v = largest ? fmaxf(v, o) : v + o;
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
  __syncthreads();
  v = part[0];
  for (int w = 1; w < 32; ++w) v = largest ? fmaxf(v, part[w]) : v + part[w];
  return v;
}
extern "C" __global__ void redundant_softmax(const float* x, float* out, int64_t n) {
  const float* row = x + blockIdx.x * n;
  float m = -3.0e38f, s = 0;
  for (int64_t j = threadIdx.x; j < n; j += 1024) m = fmaxf(m, row[j]);
  m = block_reduce(m, true);
  for (int64_t j = threadIdx.x; j < n; j += 1024) s += expf(row[j] - m);
  s = block_reduce(s, false);
  for (int64_t j = threadIdx.x; j < n; j += 1024) out[blockIdx.x * n + j] = expf(row[j] - m) / s;
}
