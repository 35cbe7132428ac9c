/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "uncoalesced_column_order"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// Neighbouring threads walk down a column.
extern "C" __global__ void uncoalesced_column_order(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= m * n) return;
  const int64_t at = (i % m) * n + i / m;
  out[at] = x[at] * 2 + 1;
}
