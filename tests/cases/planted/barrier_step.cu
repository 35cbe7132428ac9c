/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 1024"
[[step]]
launch = "barrier_step"
grid = ["numel(x) // 1024"]
block = [1024]
args = ["x", "out", "numel(x)", 64]
/// */
// One warp of 32 works between barriers.
extern "C" __global__ void barrier_step(const float* x, float* out, int64_t n, int64_t steps) {
  __shared__ float tile[1024];
  const int64_t i = blockIdx.x * 1024ll + threadIdx.x;
  const float v = x[i];
  tile[threadIdx.x] = v;
  __syncthreads();
  for (int64_t s = 0; s < steps; ++s) {
    if (threadIdx.x < 32)
      for (int k = threadIdx.x; k < 1024; k += 32) tile[k] = tile[k] * 0.5f + x[blockIdx.x * 1024ll + k];
    __syncthreads();
  }
  out[i] = tile[threadIdx.x];
}
