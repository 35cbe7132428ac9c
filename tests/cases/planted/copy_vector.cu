/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "copy_vector"
grid = ["cdiv(numel(x), 1024)"]
block = [256]
args = ["x", "out", "numel(x) // 4"]
/// */
// Coalesced, vectors of 16 bytes: nothing is wrong.
extern "C" __global__ void copy_vector(const float4* x, float4* out, int64_t n) {
  const int64_t i = blockIdx.x * 256ll + threadIdx.x;
  if (i >= n) return;
  const float4 v = x[i];
  out[i] = make_float4(v.x * 2 + 1, v.y * 2 + 1, v.z * 2 + 1, v.w * 2 + 1);
}
