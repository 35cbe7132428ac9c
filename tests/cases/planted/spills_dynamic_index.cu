/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 4096"
[[step]]
launch = "spills_dynamic_index"
grid = ["numel(x) // 256"]
block = [256]
args = ["x", "out", "numel(x)", 64]
/// */
// An array that is indexed by a variable lies in local memory.
extern "C" __global__ void spills_dynamic_index(const float* x, float* out, int64_t n, int64_t steps) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  float kept[64];
  const float v = x[i];
  kept[63] = v;
  for (int64_t s = 0; s < steps; ++s) kept[s % 64] = kept[(s + 63) % 64] * 0.5f + v;
  out[i] = kept[(steps + 63) % 64];
}
