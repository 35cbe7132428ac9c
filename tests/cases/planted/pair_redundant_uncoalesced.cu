/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 4096"
[[scratch]]
name = "p"
dtype = "f32"
shape = ["numel(x)"]
[[step]]
launch = "pair_redundant_uncoalesced_tanh"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["x", "x", "p", "x.shape[0]", "x.shape[1]"]
[[step]]
launch = "pair_redundant_uncoalesced_gate"
grid = ["cdiv(numel(x), 256)"]
block = [256]
args = ["p", "x", "out", "x.shape[0]", "x.shape[1]"]
/// */
// Two passes, both down the columns.
extern "C" __global__ void pair_redundant_uncoalesced_tanh(const float* a, const float* x, float* b, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= m * n) return;
  const int64_t at = (i % m) * n + i / m;
  b[at] = tanhf(a[at]) * 2 + 1;
}
extern "C" __global__ void pair_redundant_uncoalesced_gate(const float* a, const float* x, float* b, int64_t m, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= m * n) return;
  const int64_t at = (i % m) * n + i / m;
  b[at] = x[at] / (1 + expf(-a[at]));
}
