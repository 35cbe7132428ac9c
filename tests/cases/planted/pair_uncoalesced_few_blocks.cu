/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 512"
[[step]]
launch = "pair_uncoalesced_few_blocks"
grid = [8]
block = [256]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// Strided loads, and eight blocks to wait for them.
extern "C" __global__ void pair_uncoalesced_few_blocks(const float* x, float* out, int64_t m, int64_t n) {
  for (int64_t j = blockIdx.x; j < n; j += gridDim.x) {
    __shared__ float part[256];
    float s = 0;
    for (int64_t i = threadIdx.x; i < m; i += 256) s += x[i * n + j];
    part[threadIdx.x] = s;
    __syncthreads();
    if (threadIdx.x == 0) {
      float t = 0;
      for (int w = 0; w < 256; ++w) t += part[w];
      out[j] = t;
    }
    __syncthreads();
  }
}
