/* /// kerf
version = 1
[[step]]
launch = "sharing_interleaved"
grid = ["16 * threads"]
args = ["x", "out", "numel(x)", "16 * threads"]
/// */
// As a GPU's threads would: each task takes every so-manieth element.
extern "C" void sharing_interleaved(const float* x, float* out, int64_t n, int64_t tasks, int64_t task) {
  for (int64_t i = task; i < n; i += tasks) out[i] = x[i] * 2.0f + 1.0f;
}
