/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 4096"
[[scratch]]
name = "p"
dtype = "f32"
shape = ["numel(x)"]
[[scratch]]
name = "q"
dtype = "f32"
shape = ["numel(x)"]
[[step]]
launch = "redundant_passes_tanh"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "p", "numel(x)"]
[[step]]
launch = "redundant_passes_scale"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["p", "q", "numel(x)"]
[[step]]
launch = "redundant_passes_sigmoid"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["q", "p", "numel(x)"]
[[step]]
launch = "redundant_passes_product"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["p", "x", "out", "numel(x)"]
/// */
// Four passes where one would do.
extern "C" __global__ void redundant_passes_tanh(const float* a, float* b, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) b[i] = tanhf(a[i]);
}
extern "C" __global__ void redundant_passes_scale(const float* a, float* b, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) b[i] = a[i] * 2 + 1;
}
extern "C" __global__ void redundant_passes_sigmoid(const float* a, float* b, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) b[i] = 1 / (1 + expf(-a[i]));
}
extern "C" __global__ void redundant_passes_product(const float* a, const float* x, float* b, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i < n) b[i] = a[i] * x[i];
}
