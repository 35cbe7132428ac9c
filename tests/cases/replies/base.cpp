/* /// kerf
version = 1
[[step]]
launch = "k"
grid = ["x.shape[0]"]
args = ["x", "out", "x.shape[1]"]
/// */

extern "C" void k(const float* x, float* out, int64_t n, int64_t row) {
  for (int64_t i = row * n; i < (row + 1) * n; ++i) out[i] = x[i] > 0 ? x[i] : 0;
}
