/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "uncoalesced_transpose_stores"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// Reads neighbours, writes strided.
extern "C" __global__ void uncoalesced_transpose_stores(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= m * n) return;
  out[(i % n) * m + i / n] = x[i];
}
