/* /// kerf
version = 1
supports = "x.shape[0] == 262144 and x.shape[1] == 256"
[[step]]
launch = "late_pair_spills_uncoalesced"
grid = ["x.shape[0] // 128"]
block = [128]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A thread a row, its sums in local memory.
extern "C" __global__ void late_pair_spills_uncoalesced(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t row = blockIdx.x * 128ll + threadIdx.x;
  float ring[128];
  for (int k = 0; k < 128; ++k) ring[k] = 0;
  int at = 0;
  for (int64_t j = 0; j < n; ++j) {
    ring[at] += x[row * n + j];
    at = (at * 5 + 1) % 128;
  }
  float s = 0;
  for (int k = 0; k < 128; ++k) s += ring[k];
  out[row] = s;
}
