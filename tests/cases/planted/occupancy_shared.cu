/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 4096"
[[step]]
launch = "occupancy_shared"
grid = [2640]
block = [64]
args = ["x", "out", "numel(x)"]
shared = "110000"
/// */
// 110 kB of shared memory for 64 threads: two blocks an SM.
extern "C" __global__ void occupancy_shared(const float* x, float* out, int64_t n) {
  extern __shared__ float tile[];
  for (int64_t i = blockIdx.x * 64ll + threadIdx.x; i < n; i += gridDim.x * 64ll) {
    tile[threadIdx.x] = x[i];
    out[i] = tile[threadIdx.x] * 2 + 1;
  }
}
