/* /// kerf
version = 1
supports = "x.shape[0] % 3 == 0 and x.shape[1] % 8 == 0"
[[step]]
launch = "imbalance_three_tasks"
grid = [3]
args = ["x", "out", "x.shape[0] // 3", "x.shape[1]"]
/// */
// Three equal tasks.
extern "C" void imbalance_three_tasks(const float* x, float* out, int64_t rows, int64_t n, int64_t task) {
  for (int64_t row = task * rows; row < (task + 1) * rows; ++row) {
    double sums[8] = {};
    for (int64_t i = 0; i < n; i += 8)
      for (int64_t k = 0; k < 8; ++k) sums[k] += (double)x[row * n + i + k];
    out[row] = (float)(sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]);
  }
}
