/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[scratch]]
name = "copy"
dtype = "f32"
shape = ["numel(x)"]
[[scratch]]
name = "part"
dtype = "f32"
shape = ["numel(x) // 4"]
[[step]]
launch = "redundant_reread_add"
grid = ["numel(x) // 256"]
block = [256]
args = ["x", "copy", "numel(x)"]
[[step]]
launch = "redundant_reread"
grid = ["numel(x) // 1024"]
block = [256]
args = ["copy", "part", "numel(x)"]
[[step]]
launch = "redundant_reread_rows"
grid = ["x.shape[0]"]
block = [32]
args = ["part", "out", "x.shape[1] // 4"]
/// */
// A copy and partial sums go through memory on the way.
extern "C" __global__ void redundant_reread(const float4* x, float* part, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  const float4 v = x[i];
  part[i] = (v.x + v.y) + (v.z + v.w);
}
extern "C" __global__ void redundant_reread_add(const float* x, float* part, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  part[i] = x[i] + 0.0f;
}
extern "C" __global__ void redundant_reread_rows(const float* part, float* out, int64_t n) {
  float s = 0;
  for (int64_t j = threadIdx.x; j < n; j += 32) s += part[blockIdx.x * n + j];
  for (int d = 16; d > 0; d /= 2) s += __shfl_down_sync(0xffffffffu, s, d);
  if (threadIdx.x == 0) out[blockIdx.x] = s;
}
