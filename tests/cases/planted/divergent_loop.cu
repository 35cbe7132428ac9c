/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 4096"
[[step]]
launch = "divergent_loop"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)", "x.shape[1]"]
/// */
// Each lane loops another number of times.
extern "C" __global__ void divergent_loop(const float* x, float* out, int64_t total, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= total) return;
  const float v = x[i];
  const int count = (int)(i % n) % 64;
  float y = 1;
#pragma unroll 1
  for (int s = 0; s < count; ++s) y *= v;
  out[i] = y;
}
