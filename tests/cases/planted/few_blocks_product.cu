/* /// kerf
version = 1
supports = "A.shape[0] == 64 and A.shape[1] == 32768 and B.shape[1] == 64"
[[step]]
launch = "few_blocks_product"
grid = ["B.shape[1] // 32", "A.shape[0] // 32"]
block = [32, 32]
args = ["A", "B", "out", "B.shape[1]", "A.shape[1]"]
/// */
// Four tiles of output and a long inner dimension that nobody splits.
extern "C" __global__ void few_blocks_product(const float* A, const float* B, float* out, int64_t n, int64_t k) {
  __shared__ float a[32][33], b[32][33];
  const int64_t row = blockIdx.y * 32 + threadIdx.y, column = blockIdx.x * 32 + threadIdx.x;
  double s = 0;
  for (int64_t t = 0; t < k; t += 32) {
    a[threadIdx.y][threadIdx.x] = A[row * k + t + threadIdx.x];
    b[threadIdx.y][threadIdx.x] = B[(t + threadIdx.y) * n + column];
    __syncthreads();
    for (int j = 0; j < 32; ++j) s += static_cast<double>(a[threadIdx.y][j]) * b[j][threadIdx.x];
    __syncthreads();
  }
  out[row * n + column] = static_cast<float>(s);
}
