/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "row_sum_block"
grid = ["x.shape[0]"]
block = [256]
args = ["x", "out", "x.shape[1]"]
/// */
// A block a row, coalesced, one barrier: nothing is wrong.
static __device__ float warp_sum(float v) {
  for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
  return v;
}

extern "C" __global__ void row_sum_block(const float4* x, float* out, int64_t n) {
  __shared__ float part[8];
  float s = 0;
  for (int64_t j = threadIdx.x; j < n / 4; j += 256) {
    const float4 v = x[blockIdx.x * (n / 4) + j];
    s += (v.x + v.y) + (v.z + v.w);
  }
  s = warp_sum(s);
  if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = s;
  __syncthreads();
  if (threadIdx.x == 0) {
    float t = 0;
    for (int w = 0; w < 8; ++w) t += part[w];
    out[blockIdx.x] = t;
  }
}
