/* /// kerf
version = 1
supports = "x.shape[0] == 8 and x.shape[1] == 524288"
[[scratch]]
name = "sums"
shape = ["x.shape[0]"]
dtype = "f64"
[[step]]
launch = "atomics_rows_zero"
grid = [1]
block = [1024]
args = ["sums", "x.shape[0]"]
[[step]]
launch = "atomics_rows"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "sums", "numel(x)", "x.shape[0]"]
[[step]]
launch = "atomics_rows_round"
grid = [1]
block = [1024]
args = ["sums", "out", "x.shape[0]"]
/// */
// Eight words take the sums of four million threads.
extern "C" __global__ void atomics_rows(const float* x, double* sums, int64_t total, int64_t m) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < total) atomicAdd(sums + i % m, static_cast<double>(x[(i % m) * (total / m) + i / m]));
}
extern "C" __global__ void atomics_rows_zero(double* sums, int64_t m) {
  if (threadIdx.x < m) sums[threadIdx.x] = 0;
}
extern "C" __global__ void atomics_rows_round(const double* sums, float* out, int64_t m) {
  if (threadIdx.x < m) out[threadIdx.x] = static_cast<float>(sums[threadIdx.x]);
}
