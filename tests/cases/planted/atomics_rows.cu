/* /// kerf
version = 1
supports = "x.shape[0] == 8 and x.shape[1] == 524288"
[[step]]
launch = "atomics_rows_zero"
grid = [1]
block = [1024]
args = ["out", "x.shape[0]"]
[[step]]
launch = "atomics_rows"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)", "x.shape[0]"]
/// */
// Eight words take the sums of four million threads.
extern "C" __global__ void atomics_rows(const float* x, float* out, int64_t total, int64_t m) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < total) atomicAdd(out + i % m, x[(i % m) * (total / m) + i / m]);
}
extern "C" __global__ void atomics_rows_zero(float* out, int64_t m) {
  if (threadIdx.x < m) out[threadIdx.x] = 0;
}
