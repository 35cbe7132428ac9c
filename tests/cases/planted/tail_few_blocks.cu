/* /// kerf
version = 1
supports = "x.shape[0] == 150 and x.shape[1] == 65536"
[[step]]
launch = "tail_few_blocks"
grid = ["x.shape[0]"]
block = [1024]
args = ["x", "out", "x.shape[1]"]
shared = "120000"
/// */
// 150 blocks, of which 132 fit at a time.
static __device__ float warp_sum(float v) {
  for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
  return v;
}

extern "C" __global__ void tail_few_blocks(const float* x, float* out, int64_t n) {
  extern __shared__ float part[];
  float s = 0;
  for (int64_t j = threadIdx.x; j < n; j += 1024) s += x[blockIdx.x * n + j];
  s = warp_sum(s);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = s;
  __syncthreads();
  if (threadIdx.x == 0) {
    float t = 0;
    for (int w = 0; w < 32; ++w) t += part[w];
    out[blockIdx.x] = t;
  }
}
