/* /// kerf
version = 1
supports = "x.ndim == 2"
[tune]
THREADS = [128, 256]
[[step]]
launch = "rms_norm"
grid = ["cdiv(x.shape[0], THREADS // 32)"]
block = ["THREADS"]
args = ["x", "weight", "out", "x.shape[0]", "x.shape[1]", "init.eps"]
/// */

// A warp a row: a lane has every 32nd element, so that a warp's loads lie side by side. Squares are summed in four
// floats a lane, then between lanes in double. The second pass finds the row in a cache.
extern "C" __global__ void rms_norm(const float* __restrict__ x, const float* __restrict__ weight,
                                    float* __restrict__ out, int64_t rows, int64_t n, float eps) {
  const int lane = threadIdx.x % 32;
  const int64_t row = blockIdx.x * (int64_t)(THREADS / 32) + threadIdx.x / 32;
  if (row >= rows) return;  // all of a warp or none of it
  const float* p = x + row * n;
  float* o = out + row * n;
  float part[4] = {0, 0, 0, 0};
  for (int64_t first = lane; first < n; first += 128) {
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int64_t i = first + 32 * k;
      const float value = i < n ? p[i] : 0.0f;
      part[k] += value * value;
    }
  }
  double squares = (double)part[0] + part[1] + part[2] + part[3];
  for (int away = 16; away > 0; away /= 2) squares += __shfl_xor_sync(~0u, squares, away);
  const float scale = 1.0f / sqrtf((float)(squares / (double)n) + eps);
  for (int64_t i = lane; i < n; i += 32) o[i] = p[i] * scale * weight[i];
}
