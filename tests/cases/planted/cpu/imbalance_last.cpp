/* /// kerf
version = 1
supports = "x.shape[0] % 32 == 0 and x.shape[1] % 8 == 0"
[[step]]
launch = "imbalance_last"
grid = ["x.shape[0] // 32 + 1"]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// Sixteen rows a task, and what is left, half of all, for the last one.
extern "C" void imbalance_last(const float* x, float* out, int64_t rows, int64_t n, int64_t task) {
  const int64_t first = task * 16, behind = task == rows / 32 ? rows : first + 16;
  for (int64_t row = first; row < behind; ++row) {
    double sums[8] = {};
    for (int64_t i = 0; i < n; i += 8)
      for (int64_t k = 0; k < 8; ++k) sums[k] += (double)x[row * n + i + k];
    out[row] = (float)(sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]);
  }
}
