/* /// kerf
version = 1
supports = "numel(x) % 8 == 0"
[[step]]
launch = "imbalance_one_task"
grid = [1]
args = ["x", "out", "numel(x)"]
/// */
extern "C" void imbalance_one_task(const float* x, float* out, int64_t n, int64_t) {
  double sums[8] = {};
  for (int64_t i = 0; i < n; i += 8)
    for (int64_t k = 0; k < 8; ++k) sums[k] += (double)x[i + k];
  out[0] = (float)(sums[0] + sums[1] + sums[2] + sums[3] + sums[4] + sums[5] + sums[6] + sums[7]);
}
