/* /// kerf
version = 1
supports = "x.ndim == 2"
[tune]
ROWS = [1, 8, 32]
[[step]]
launch = "rms_norm"
grid = ["cdiv(x.shape[0], ROWS)"]
args = ["x", "weight", "out", "x.shape[0]", "x.shape[1]", "init.eps"]
/// */

// One pass over a row to add up its squares, a second one, out of the cache, to scale it. A task works off ROWS rows.
// A register at a time; what is left of a row goes through the partial loads and stores.
extern "C" void rms_norm(const float* __restrict__ x, const float* __restrict__ weight, float* __restrict__ out,
                         int64_t rows, int64_t n, float eps, int64_t block) {
  const int64_t last = (block + 1) * ROWS < rows ? (block + 1) * ROWS : rows;
  const int64_t whole = n - n % vlen;
  for (int64_t row = block * ROWS; row < last; ++row) {
    const float* p = x + row * n;
    float* o = out + row * n;
    double squares = 0;
    for (int64_t begin = 0; begin < whole; begin += 1024) {  // short sums in float, then in double
      f32v sum = splatv(0.0f);
      const int64_t end = begin + 1024 < whole ? begin + 1024 : whole;
      for (int64_t i = begin; i < end; i += vlen) sum = fmav(loadv(p + i), loadv(p + i), sum);
      squares += sumv(sum);
    }
    if (whole < n) {
      const f32v rest = loadv(p + whole, n - whole, 0.0f);
      squares += sumv(rest * rest);
    }
    const f32v scale = splatv(1.0f / sqrtf(static_cast<float>(squares / static_cast<double>(n)) + eps));
    for (int64_t i = 0; i < whole; i += vlen) storev(o + i, loadv(p + i) * scale * loadv(weight + i));
    if (whole < n)
      storev(o + whole, loadv(p + whole, n - whole, 0.0f) * scale * loadv(weight + whole, n - whole, 0.0f), n - whole);
  }
}
