/* /// kerf
version = 1
supports = "x.shape[0] == 200 and x.shape[1] == 2048"
[loops]
t = "x.shape[0]"
[[step]]
launch = "launches_pieces"
grid = ["cdiv(x.shape[1], 256)"]
block = [256]
args = ["x", "out", "t * x.shape[1]", "numel(x)"]
for = "t"
/// */
// A launch a row.
extern "C" __global__ void launches_pieces(const float* x, float* out, int64_t first, int64_t n) {
  const int64_t i = first + blockIdx.x * 256ll + threadIdx.x;
  if (i < n) out[i] = x[i] * 2 + 1;
}
