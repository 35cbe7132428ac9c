/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 4096"
[[step]]
launch = "spills_bounds"
grid = ["numel(x) // 65536"]
block = [1024]
args = ["x", "out", "numel(x)"]
/// */
// 128 values a thread where the bounds leave 32 registers.
extern "C" __global__ void __launch_bounds__(1024, 2) spills_bounds(const float* x, float* out, int64_t n) {
  const int64_t i = blockIdx.x * 65536ll + threadIdx.x;
  float v[64], y[64];
#pragma unroll
  for (int k = 0; k < 64; ++k) y[k] = v[k] = x[i + k * 1024];
#pragma unroll 1
  for (int s = 0; s < 64; ++s) {
#pragma unroll
    for (int k = 0; k < 64; ++k) y[k] = y[k] * 0.5f + v[k];
  }
#pragma unroll
  for (int k = 0; k < 64; ++k) out[i + k * 1024] = y[k];
}
