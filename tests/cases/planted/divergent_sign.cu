/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 4096"
[[step]]
launch = "divergent_sign"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)"]
/// */
// Lanes go two ways, by their data.
extern "C" __global__ void divergent_sign(const float* x, float* out, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= n) return;
  float v = x[i];
  if (v > 0) {
#pragma unroll 1
    for (int s = 0; s < 16; ++s) v = sinf(v) + 0.5f;
  } else {
#pragma unroll 1
    for (int s = 0; s < 16; ++s) v = cosf(v) * 0.5f;
  }
  out[i] = v;
}
