/* /// kerf
version = 1
supports = "x.shape[0] == 65536 and x.shape[1] == 1024"
[[step]]
launch = "conflicts_columns"
grid = ["x.shape[0] // 32"]
block = [256]
args = ["x", "out", "x.shape[1]"]
/// */
// One warp sums rows of a tile, its lanes 128 words apart.
extern "C" __global__ void conflicts_columns(const float* x, float* out, int64_t n) {
  __shared__ float tile[32 * 128];
  const int row = threadIdx.x / 8, lane = threadIdx.x % 8;
  double s = 0;
  for (int64_t c = 0; c < n; c += 128) {
    for (int k = threadIdx.x; k < 32 * 128; k += 256) tile[k] = x[(blockIdx.x * 32 + k / 128) * n + c + k % 128];
    __syncthreads();
    float part = 0;
    for (int k = 0; k < 128; ++k)
      if (threadIdx.x < 32) part += tile[threadIdx.x * 128 + k];
    s += part;
    __syncthreads();
  }
  if (threadIdx.x < 32) out[blockIdx.x * 32 + threadIdx.x] = (float)s + 0.0f * (row + lane);
}
