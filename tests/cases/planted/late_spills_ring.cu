/* /// kerf
version = 1
supports = "x.shape[0] == 65536 and x.shape[1] == 1024"
[[step]]
launch = "late_spills_ring"
grid = ["x.shape[0] // 4"]
block = [128]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// 128 sums a thread, chosen by a variable.
extern "C" __global__ void late_spills_ring(const float* x, float* out, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 128ll + threadIdx.x / 32;
  const int64_t row = blockIdx.x * 4ll + threadIdx.x / 32;
  float ring[128];
  for (int k = 0; k < 128; ++k) ring[k] = 0;
  int at = 0;
  for (int64_t j = threadIdx.x % 32; j < n; j += 32) {
    ring[at] += x[row * n + j];
    at = (at * 5 + 1) % 128;
  }
  float s = 0 * (float)i;
  for (int k = 0; k < 128; ++k) s += ring[k];
  for (int d = 16; d > 0; d /= 2) s += __shfl_down_sync(0xffffffffu, s, d);
  if (threadIdx.x % 32 == 0) out[row] = s;
}
