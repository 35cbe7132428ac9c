/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 4096"
[[step]]
launch = "late_conflicts_16"
grid = ["numel(x) // 256"]
block = [256]
args = ["x", "out", "numel(x)", 64]
/// */
// Each thread keeps its value 16 words from the next: 16 lanes a bank.
extern "C" __global__ void late_conflicts_16(const float* x, float* out, int64_t n, int64_t steps) {
  __shared__ float own[256 * 16];
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  volatile float* mine = own + threadIdx.x * 16;
  const float v = x[i];
  mine[0] = v;
  for (int64_t s = 0; s < steps; ++s) mine[0] = mine[0] * 0.5f + v;
  out[i] = mine[0];
}
