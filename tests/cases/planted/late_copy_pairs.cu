/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "late_copy_pairs"
grid = ["cdiv(numel(x), 1024)"]
block = [256]
args = ["x", "out", "numel(x) // 2"]
/// */
// Coalesced pairs, two a thread: nothing is wrong.
extern "C" __global__ void late_copy_pairs(const float2* x, float2* out, int64_t n) {
  const int64_t i = blockIdx.x * 512ll + threadIdx.x;
  if (i < n) out[i] = make_float2(x[i].x * 2 + 1, x[i].y * 2 + 1);
  if (i + 256 < n) out[i + 256] = make_float2(x[i + 256].x * 2 + 1, x[i + 256].y * 2 + 1);
}
