/* /// kerf
version = 1
supports = "x.shape[0] == 8192 and x.shape[1] == 8192"
[[step]]
launch = "uncoalesced_chunks"
grid = ["cdiv(numel(x), 16384)"]
block = [256]
args = ["x", "out", "numel(x)"]
/// */
// Each thread works through 64 neighbours of its own.
extern "C" __global__ void uncoalesced_chunks(const float* x, float* out, int64_t n) {
  const int64_t first = (blockIdx.x * 256ll + threadIdx.x) * 64;
  for (int64_t k = 0; k < 64 && first + k < n; ++k) out[first + k] = x[first + k] * 2 + 1;
}
