/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 8192"
[[step]]
launch = "barrier_tree"
grid = ["x.shape[0]"]
block = [1024]
args = ["x", "out", "x.shape[1]"]
/// */
// A tree with ten barriers for every thousand elements.
extern "C" __global__ void barrier_tree(const float* x, float* out, int64_t n) {
  __shared__ float tile[1024];
  float s = 0;
  for (int64_t c = 0; c < n; c += 1024) {
    tile[threadIdx.x] = x[blockIdx.x * n + c + threadIdx.x];
    __syncthreads();
    for (int half = 512; half > 0; half /= 2) {
      if (threadIdx.x < half) tile[threadIdx.x] += tile[threadIdx.x + half];
      __syncthreads();
    }
    s += tile[0];
    __syncthreads();
  }
  if (threadIdx.x == 0) out[blockIdx.x] = s;
}
