/* /// kerf
version = 1
supports = "x.shape[1] % 8 == 0"
[[step]]
launch = "healthy_row_sums"
grid = ["x.shape[0]"]
args = ["x", "out", "x.shape[1]"]
/// */
// Sums of neighbouring rows share a cache line, to which each task writes once.
extern "C" void healthy_row_sums(const float* x, float* out, int64_t n, int64_t row) {
  double sums[8] = {};
  for (int64_t i = 0; i < n; i += 8)
    for (int64_t k = 0; k < 8; ++k) sums[k] += (double)x[row * n + i + k];
  out[row] = (float)(sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]);
}
