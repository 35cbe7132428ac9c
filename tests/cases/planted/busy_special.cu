/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 4096"
[[step]]
launch = "busy_special"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)"]
/// */
// Both ways are computed for every element: the unit of special functions is full.
extern "C" __global__ void busy_special(const float* x, float* out, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= n) return;
  float a = x[i], b = a;
#pragma unroll
  for (int s = 0; s < 16; ++s) {
    a = __sinf(a) + 0.5f;
    b = __cosf(b) * 0.5f;
  }
  out[i] = x[i] > 0 ? a : b;
}
