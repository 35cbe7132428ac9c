/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "conflicts_transpose"
grid = ["x.shape[1] // 32", "x.shape[0] // 32"]
block = [32, 8]
args = ["x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// A tile without padding: 32 lanes of a column share a bank.
extern "C" __global__ void conflicts_transpose(const float* x, float* out, int64_t m, int64_t n) {
  __shared__ float tile[32][32];
  const int64_t column = blockIdx.x * 32, row = blockIdx.y * 32;
  for (int k = threadIdx.y; k < 32; k += 8) tile[k][threadIdx.x] = x[(row + k) * n + column + threadIdx.x];
  __syncthreads();
  for (int k = threadIdx.y; k < 32; k += 8) out[(column + k) * m + row + threadIdx.x] = tile[threadIdx.x][k];
}
