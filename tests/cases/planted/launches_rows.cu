/* /// kerf
version = 1
supports = "x.shape[0] == 128 and x.shape[1] == 128"
[loops]
t = "x.shape[0]"
[[step]]
launch = "launches_rows"
grid = [1]
block = [32]
args = ["x", "out", "t", "x.shape[1]"]
for = "t"
/// */
// A launch of one warp for each short row.
static __device__ float warp_sum(float v) {
  for (int d = 16; d > 0; d /= 2) v += __shfl_down_sync(0xffffffffu, v, d);
  return v;
}

extern "C" __global__ void launches_rows(const float* x, float* out, int64_t row, int64_t n) {
  float s = 0;
  for (int64_t j = threadIdx.x; j < n; j += 32) s += x[row * n + j];
  s = warp_sum(s);
  if (threadIdx.x == 0) out[row] = s;
}
