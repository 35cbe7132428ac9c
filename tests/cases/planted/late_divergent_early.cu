/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 4096"
[[step]]
launch = "late_divergent_early"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)", "x.shape[1]"]
/// */
// Odd and even lanes go different ways, each as often as it needs.
extern "C" __global__ void late_divergent_early(const float* x, float* out, int64_t total, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= total) return;
  const float v = x[i];
  int left = (int)(i % n) % 64;
  float y = 1;
#pragma unroll 1
  while (true) {
    if (left == 0) break;
    if (left % 2 == 1) {
      y *= v;
      left -= 1;
    } else {
      y = y * v * v;
      left -= 2;
    }
  }
  out[i] = y;
}
