/* /// kerf
version = 1
supports = "x.shape[0] % 2 == 0 and x.shape[1] >= x.shape[0]"
[[step]]
launch = "imbalance_triangle"
grid = [2]
args = ["x", "out", "x.shape[0] // 2", "x.shape[1]"]
/// */
// As many rows for each task, but later rows are longer.
extern "C" void imbalance_triangle(const float* x, float* out, int64_t rows, int64_t n, int64_t task) {
  for (int64_t row = task * rows; row < (task + 1) * rows; ++row) {
    double sums[8] = {};
    for (int64_t i = 0; i <= row; ++i) sums[i % 8] += (double)x[row * n + i];
    out[row] = (float)(sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]);
  }
}
