/* /// kerf
version = 1
supports = "A.shape[0] == 2048 and A.shape[1] == 2048 and B.shape[1] == 2048"
[[step]]
launch = "no_tensor_cores_wide"
grid = ["B.shape[1] // 256", "A.shape[0] // 8"]
block = [256]
args = ["A", "B", "out", "B.shape[1]", "A.shape[1]"]
/// */
// Eight rows a thread, operands from the caches, scalar arithmetic.
static __device__ float value(unsigned short b) { return __uint_as_float((unsigned)b << 16); }
static __device__ unsigned short bits(float v) {
  const unsigned b = __float_as_uint(v);
  return (unsigned short)((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}

extern "C" __global__ void no_tensor_cores_wide(const unsigned short* A, const unsigned short* B, unsigned short* out, int64_t n, int64_t k) {
  const int64_t row = blockIdx.y * 8, column = blockIdx.x * 256ll + threadIdx.x;
  float s[8] = {};
#pragma unroll 4
  for (int64_t t = 0; t < k; ++t) {
    const float b = value(B[t * n + column]);
    for (int u = 0; u < 8; ++u) s[u] += value(A[(row + u) * k + t]) * b;
  }
  for (int u = 0; u < 8; ++u) out[(row + u) * n + column] = bits(s[u]);
}
