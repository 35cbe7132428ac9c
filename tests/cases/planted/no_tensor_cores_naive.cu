/* /// kerf
version = 1
supports = "A.shape[0] == 1024 and A.shape[1] == 1024 and B.shape[1] == 1024"
[[step]]
launch = "no_tensor_cores_naive"
grid = ["B.shape[1] // 16", "A.shape[0] // 16"]
block = [16, 16]
args = ["A", "B", "out", "B.shape[1]", "A.shape[1]"]
/// */
// Scalar multiply-adds on bfloat16.
static __device__ float value(unsigned short b) { return __uint_as_float((unsigned)b << 16); }
static __device__ unsigned short bits(float v) {
  const unsigned b = __float_as_uint(v);
  return (unsigned short)((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}

extern "C" __global__ void no_tensor_cores_naive(const unsigned short* A, const unsigned short* B, unsigned short* out, int64_t n, int64_t k) {
  const int64_t row = blockIdx.y * 16 + threadIdx.y, column = blockIdx.x * 16 + threadIdx.x;
  float s = 0;
  for (int64_t t = 0; t < k; ++t) s += value(A[row * k + t]) * value(B[t * n + column]);
  out[row * n + column] = bits(s);
}
