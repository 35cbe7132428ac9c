/* /// kerf
version = 1
supports = "A.shape[0] == 2048 and A.shape[1] == 2048 and B.shape[1] == 2048"
[[step]]
launch = "occupancy_shared_product"
grid = ["B.shape[1] // 16", "A.shape[0] // 16"]
block = [16, 16]
args = ["A", "B", "out", "B.shape[1]", "A.shape[1]"]
shared = "200000"
/// */
// 200 kB of shared memory for a tile of 2 kB: one block an SM.
extern "C" __global__ void occupancy_shared_product(const float* A, const float* B, float* out, int64_t n, int64_t k) {
  extern __shared__ float tile[];
  float* a = tile;
  float* b = tile + 16 * 17;
  const int tx = threadIdx.x, ty = threadIdx.y;
  const int64_t row = blockIdx.y * 16 + ty, column = blockIdx.x * 16 + tx;
  float s = 0;
  for (int64_t t = 0; t < k; t += 16) {
    a[ty * 17 + tx] = A[row * k + t + tx];
    b[ty * 17 + tx] = B[(t + ty) * n + column];
    __syncthreads();
    for (int j = 0; j < 16; ++j) s += a[ty * 17 + j] * b[j * 17 + tx];
    __syncthreads();
  }
  out[row * n + column] = s;
}
