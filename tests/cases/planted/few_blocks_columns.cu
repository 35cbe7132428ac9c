/* /// kerf
version = 1
supports = "x.shape[0] == 16384 and x.shape[1] == 1024"
[[step]]
launch = "few_blocks_columns"
grid = ["x.shape[1] // 256"]
block = [256]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A thread a column: four blocks.
extern "C" __global__ void few_blocks_columns(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t j = blockIdx.x * 256ll + threadIdx.x;
  double s = 0;
  for (int64_t i = 0; i < m; ++i) s += x[i * n + j];
  out[j] = static_cast<float>(s);
}
