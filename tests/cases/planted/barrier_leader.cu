/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 4096"
[[step]]
launch = "barrier_leader"
grid = ["x.shape[0]"]
block = [256]
args = ["x", "out", "x.shape[1]"]
/// */
// One thread adds up while 255 wait.
extern "C" __global__ void barrier_leader(const float* x, float* out, int64_t n) {
  __shared__ float tile[256];
  double s = 0;
  for (int64_t c = 0; c < n; c += 256) {
    tile[threadIdx.x] = x[blockIdx.x * n + c + threadIdx.x];
    __syncthreads();
    if (threadIdx.x == 0)
      for (int k = 0; k < 256; ++k) s += tile[k];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = static_cast<float>(s);
}
