/* /// kerf
version = 1
supports = "x.shape[0] == 256 and x.shape[1] == 1024"
[[step]]
launch = "pair_conflicts_few_blocks"
grid = [8]
block = [256]
args = ["x", "out", "numel(x)", 64]
/// */
// Conflicts of all lanes, in eight blocks.
extern "C" __global__ void pair_conflicts_few_blocks(const float* x, float* out, int64_t n, int64_t steps) {
  __shared__ float own[256 * 32];
  volatile float* mine = own + threadIdx.x * 32;
  for (int64_t i = blockIdx.x * 256ll + threadIdx.x; i < n; i += gridDim.x * 256ll) {
    const float v = x[i];
    mine[0] = v;
    for (int64_t s = 0; s < steps; ++s) mine[0] = mine[0] * 0.5f + v;
    out[i] = mine[0];
  }
}
