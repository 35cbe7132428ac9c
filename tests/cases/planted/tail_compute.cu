/* /// kerf
version = 1
supports = "x.shape[0] == 140 and x.shape[1] == 1024"
[[step]]
launch = "tail_compute"
grid = ["numel(x) // 1024"]
block = [1024]
args = ["x", "out", "numel(x)", 64]
shared = "120000"
/// */
// 140 equal blocks on 132 places.
extern "C" __global__ void tail_compute(const float* x, float* out, int64_t n, int64_t steps) {
  extern __shared__ float unused[];
  const int64_t i = blockIdx.x * 1024ll + threadIdx.x;
  const float v = x[i];
  float y = v;
  for (int64_t r = 0; r < 200; ++r) {
    y = v;
    for (int64_t s = 0; s < steps; ++s) y = y * 0.5f + v + 0 * (float)r;
  }
  out[i] = y;
}
