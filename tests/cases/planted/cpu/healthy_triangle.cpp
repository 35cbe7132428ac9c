/* /// kerf
version = 1
supports = "x.shape[1] >= x.shape[0]"
[[step]]
launch = "healthy_triangle"
grid = ["x.shape[0]"]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// Unequal rows, a task each, the long ones first.
extern "C" void healthy_triangle(const float* x, float* out, int64_t rows, int64_t n, int64_t task) {
  const int64_t row = rows - 1 - task;
  double sums[8] = {};
  for (int64_t i = 0; i <= row; ++i) sums[i % 8] += (double)x[row * n + i];
  out[row] = (float)(sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]);
}
