/* /// kerf
version = 1
supports = "x.shape[0] == 262144 and x.shape[1] == 256"
[[step]]
launch = "uncoalesced_row_a_thread"
grid = ["cdiv(x.shape[0], 128)"]
block = [128]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A thread a row: the lanes of a warp read a row apart.
extern "C" __global__ void uncoalesced_row_a_thread(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 128ll + threadIdx.x;
  if (i >= m) return;
  float s = 0;
  for (int64_t j = 0; j < n; ++j) s += x[i * n + j];
  out[i] = s;
}
