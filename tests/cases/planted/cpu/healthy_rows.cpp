/* /// kerf
version = 1
[[step]]
launch = "healthy_rows"
grid = ["x.shape[0]"]
args = ["x", "out", "x.shape[1]"]
/// */
extern "C" void healthy_rows(const float* x, float* out, int64_t n, int64_t row) {
  for (int64_t i = 0; i < n; ++i) out[row * n + i] = x[row * n + i] * 2.0f + 1.0f;
}
