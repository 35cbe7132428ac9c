/* /// kerf
version = 1
supports = "A.shape[0] == 2048 and A.shape[1] == 2048 and B.shape[1] == 2048"
[[step]]
launch = "no_tensor_cores_tiled"
grid = ["B.shape[1] // 64", "A.shape[0] // 64"]
block = [256]
args = ["A", "B", "out", "B.shape[1]", "A.shape[1]"]
/// */
// A good tile for scalar units, and no tensor core.
static __device__ float value(unsigned short b) { return __uint_as_float((unsigned)b << 16); }
static __device__ unsigned short bits(float v) {
  const unsigned b = __float_as_uint(v);
  return (unsigned short)((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}

extern "C" __global__ void no_tensor_cores_tiled(const unsigned short* A, const unsigned short* B, unsigned short* out, int64_t n, int64_t k) {
  __shared__ float a[16][65], b[16][64];
  const int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  const int64_t row = blockIdx.y * 64, column = blockIdx.x * 64;
  float s[4][4] = {};
  for (int64_t t = 0; t < k; t += 16) {
    for (int e = threadIdx.x; e < 1024; e += 256) {
      a[e % 16][e / 16] = value(A[(row + e / 16) * k + t + e % 16]);
      b[e / 64][e % 64] = value(B[(t + e / 64) * n + column + e % 64]);
    }
    __syncthreads();
#pragma unroll
    for (int j = 0; j < 16; ++j)
      for (int u = 0; u < 4; ++u)
        for (int v = 0; v < 4; ++v) s[u][v] += a[j][ty * 4 + u] * b[j][tx + v * 16];
    __syncthreads();
  }
  for (int u = 0; u < 4; ++u)
    for (int v = 0; v < 4; ++v) out[(row + ty * 4 + u) * n + column + tx + v * 16] = bits(s[u][v]);
}
