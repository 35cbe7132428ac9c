/* /// kerf
version = 1
supports = "x.shape[0] == 280 and x.shape[1] == 1024"
[[step]]
launch = "late_tail_two"
grid = ["numel(x) // 1024"]
block = [1024]
args = ["x", "out", "numel(x)", 64]
/// */
// 280 blocks, of which 264 fit at a time.
extern "C" __global__ void late_tail_two(const float* x, float* out, int64_t n, int64_t steps) {
  const int64_t i = blockIdx.x * 1024ll + threadIdx.x;
  const float v = x[i];
  float y = v;
#pragma unroll 1
  for (int r = 0; r < 100; ++r) {
    y = v * (float)(r >= 0);
#pragma unroll 1
    for (int64_t s = 0; s < steps; ++s) y = y * 0.5f + v;
  }
  out[i] = y;
}
