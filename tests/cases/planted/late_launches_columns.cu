/* /// kerf
version = 1
supports = "x.shape[0] == 96 and x.shape[1] == 8192"
[loops]
t = "x.shape[0]"
[[step]]
launch = "late_launches_columns"
grid = ["x.shape[1] // 256"]
block = [256]
args = ["x", "out", "t", "x.shape[1]"]
for = "t"
/// */
// A launch for each row that is added.
extern "C" __global__ void late_launches_columns(const float* x, float* out, int64_t row, int64_t n) {
  const int64_t j = blockIdx.x * 256ll + threadIdx.x;
  out[j] = (row == 0 ? 0.0f : out[j]) + x[row * n + j];
}
