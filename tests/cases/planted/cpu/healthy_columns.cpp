/* /// kerf
version = 1
supports = "x.shape[1] % 16 == 0"
[[step]]
launch = "healthy_columns"
grid = ["x.shape[1] // 16"]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A task sums 16 columns, a cache line of the result.
extern "C" void healthy_columns(const float* x, float* out, int64_t rows, int64_t n, int64_t task) {
  double sums[16] = {};
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < 16; ++k) sums[k] += (double)x[row * n + task * 16 + k];
  for (int64_t k = 0; k < 16; ++k) out[task * 16 + k] = (float)sums[k];
}
