/* /// kerf
version = 1
supports = "A.shape[0] == 2048 and A.shape[1] == 1024 and B.shape[1] == 1024"
[[step]]
launch = "late_no_tensor_cores"
grid = ["B.shape[1] // 32", "A.shape[0] // 32"]
block = [32, 32]
args = ["A", "B", "out", "B.shape[1]", "A.shape[1]"]
/// */
// One element a thread from tiles of 32.
static __device__ float value(unsigned short b) { return __uint_as_float((unsigned)b << 16); }
static __device__ unsigned short bits(float v) {
  const unsigned b = __float_as_uint(v);
  return (unsigned short)((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}

extern "C" __global__ void late_no_tensor_cores(const unsigned short* A, const unsigned short* B, unsigned short* out, int64_t n, int64_t k) {
  __shared__ float a[32][33], b[32][33];
  const int64_t row = blockIdx.y * 32 + threadIdx.y, column = blockIdx.x * 32 + threadIdx.x;
  float s = 0;
  for (int64_t t = 0; t < k; t += 32) {
    a[threadIdx.y][threadIdx.x] = value(A[row * k + t + threadIdx.x]);
    b[threadIdx.y][threadIdx.x] = value(B[(t + threadIdx.y) * n + column]);
    __syncthreads();
    for (int j = 0; j < 32; ++j) s += a[threadIdx.y][j] * b[j][threadIdx.x];
    __syncthreads();
  }
  out[row * n + column] = bits(s);
}
