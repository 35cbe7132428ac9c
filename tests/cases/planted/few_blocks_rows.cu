/* /// kerf
version = 1
supports = "x.shape[0] == 16 and x.shape[1] == 1048576"
[[step]]
launch = "few_blocks_rows"
grid = ["x.shape[0]"]
block = [256]
args = ["x", "out", "x.shape[1]"]
/// */
// Sixteen rows, a block each.
static __device__ double warp_sum(double v) {
  for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
  return v;
}

extern "C" __global__ void few_blocks_rows(const float* x, float* out, int64_t n) {
  __shared__ double part[8];
  double s = 0;
  for (int64_t j = threadIdx.x; j < n; j += 256) s += x[blockIdx.x * n + j];
  s = warp_sum(s);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = s;
  __syncthreads();
  if (threadIdx.x == 0) {
    double t = 0;
    for (int w = 0; w < 8; ++w) t += part[w];
    out[blockIdx.x] = static_cast<float>(t);
  }
}
