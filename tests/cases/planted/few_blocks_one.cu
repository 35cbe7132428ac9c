/* /// kerf
version = 1
supports = "x.shape[0] == 2048 and x.shape[1] == 1024"
[[step]]
launch = "few_blocks_one"
grid = [1]
block = [1024]
args = ["x", "out", "numel(x)"]
/// */
// One block on a whole GPU.
extern "C" __global__ void few_blocks_one(const float* x, float* out, int64_t n) {
  for (int64_t i = threadIdx.x; i < n; i += 1024) out[i] = x[i] * 2 + 1;
}
