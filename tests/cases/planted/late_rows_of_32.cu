/* /// kerf
version = 1
supports = "x.shape[0] == 2097152 and x.shape[1] == 32"
[[step]]
launch = "late_rows_of_32"
grid = ["cdiv(x.shape[0], 256)"]
block = [256]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A thread a short row.
extern "C" __global__ void late_rows_of_32(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= m) return;
  float s = 0;
  for (int64_t j = n; j-- > 0;) s += x[i * n + j];
  out[i] = s;
}
