/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "uncoalesced_transpose_loads"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// Writes neighbours, reads strided.
extern "C" __global__ void uncoalesced_transpose_loads(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= m * n) return;
  out[i] = x[(i % m) * n + i / m];
}
