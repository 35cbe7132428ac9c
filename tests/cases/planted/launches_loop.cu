/* /// kerf
version = 1
supports = "x.shape[0] == 64 and x.shape[1] == 64"
[loops]
t = 64
[[step]]
launch = "launches_loop_start"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "numel(x)"]
[[step]]
launch = "launches_loop"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "out", "out", "numel(x)"]
for = "t"
/// */
// A launch for each of 64 tiny steps.
extern "C" __global__ void launches_loop(const float* x, const float* from, float* to, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) to[i] = from[i] * 0.5f + x[i];
}
extern "C" __global__ void launches_loop_start(const float* x, float* to, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) to[i] = x[i];
}
