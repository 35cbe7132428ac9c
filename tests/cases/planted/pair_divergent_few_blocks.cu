/* /// kerf
version = 1
supports = "x.shape[0] == 256 and x.shape[1] == 1024"
[[step]]
launch = "pair_divergent_few_blocks"
grid = [12]
block = [128]
args = ["x", "out", "numel(x)"]
/// */
// Lanes that go two ways, in twelve blocks.
extern "C" __global__ void pair_divergent_few_blocks(const float* x, float* out, int64_t n) {
  for (int64_t i = blockIdx.x * 128ll + threadIdx.x; i < n; i += gridDim.x * 128ll) {
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
}
