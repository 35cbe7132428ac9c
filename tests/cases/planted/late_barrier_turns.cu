/* /// kerf
version = 1
supports = "x.shape[0] == 4096 and x.shape[1] == 4096"
[[step]]
launch = "late_barrier_turns"
grid = ["x.shape[0]"]
block = [512]
args = ["x", "out", "x.shape[1]"]
/// */
// Sixteen warps take turns, a barrier between them.
extern "C" __global__ void late_barrier_turns(const float* x, float* out, int64_t n) {
  __shared__ float total[32];
  const int lane = threadIdx.x % 32, mine = threadIdx.x / 32;
  if (mine == 0) total[lane] = 0;
  __syncthreads();
  for (int64_t c = 0; c < n; c += 512) {
    const float v = x[blockIdx.x * n + c + threadIdx.x];
    for (int turn = 0; turn < 16; ++turn) {
      if (turn == mine) total[lane] += v;
      __syncthreads();
    }
  }
  if (threadIdx.x == 0) {
    float s = 0;
    for (int k = 0; k < 32; ++k) s += total[k];
    out[blockIdx.x] = s;
  }
}
