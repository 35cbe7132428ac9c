/* /// kerf
version = 1
supports = "x.shape[0] == 2048 and x.shape[1] == 2048"
[[step]]
launch = "divergent_one_lane"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)"]
/// */
// Four lanes of each warp do all of its work.
extern "C" __global__ void divergent_one_lane(const float* x, float* out, int64_t n) {
  const int64_t first = (blockIdx.x * 256ll + threadIdx.x) / 32 * 32;
  if (threadIdx.x % 32 >= 4) return;
  for (int64_t i = first + threadIdx.x % 32; i < first + 32 && i < n; i += 4) {
    float a = x[i], b = a;
    const bool positive = a > 0;
    for (int s = 0; s < 16; ++s) {
      a = sinf(a) + 0.5f;
      b = cosf(b) * 0.5f;
    }
    out[i] = positive ? a : b;
  }
}
