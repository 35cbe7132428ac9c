/* /// kerf
version = 1
supports = "x.shape[0] == 65536 and x.shape[1] == 512"
[[step]]
launch = "occupancy_tiny_blocks"
grid = ["x.shape[0]"]
block = [8]
args = ["x", "out", "x.shape[1]"]
/// */
// Blocks of eight threads: a quarter of a warp, and no more than 32 warps an SM.
extern "C" __global__ void occupancy_tiny_blocks(const float* x, float* out, int64_t n) {
  float s = 0;
#pragma unroll 1
  for (int64_t j = threadIdx.x; j < n; j += 8) s += x[blockIdx.x * n + j];
  for (int d = 4; d > 0; d /= 2) s += __shfl_down_sync(0xffu, s, d);
  if (threadIdx.x == 0) out[blockIdx.x] = s;
}
