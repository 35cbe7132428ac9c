/* /// kerf
version = 1
supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1024 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1024 and v.shape[3] == 64"
[tune]
BLOCK = [32768]
[[scratch]]
name = "relu"
dtype = "f32"
shape = ["scores.shape[0]", "scores.shape[1]", "seen.shape[2]", "seen.shape[3]"]
[[step]]
call = "aten.transpose.int"
args = ["k", -2, -1]
out = "kt"
[[step]]
call = "aten.matmul.default"
args = ["q", "kt"]
out = "scores"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(seen.shape[2] * seen.shape[3], BLOCK)", "cdiv(scores.shape[0] * scores.shape[1], max(1, BLOCK // (seen.shape[2] * seen.shape[3])))"]
args = ["seen.shape[2] * seen.shape[3]", "max(1, BLOCK // (seen.shape[2] * seen.shape[3]))", "scores.shape[0] * scores.shape[1]", "seen", "scores", "relu"]
[[step]]
call = "aten.matmul.default"
args = ["relu", "v"]
out = "out"
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32v v, int64_t w) {
  if (w < vlen) storev(p, v, w); else if (alignedv(p)) streamv(p, v); else storev(p, v);
}
// f(i, w) for a vector of elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void eachv(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + vlen * unroll <= end; i += vlen * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + vlen * u, vlen);
  for (; i + vlen <= end; i += vlen) f(i, vlen);
  if (i < end) f(i, end - i);
}

// i < scores.shape[0] * scores.shape[1], j < seen.shape[2] * seen.shape[3]
extern "C" void relu_kernel(int64_t J, int64_t rows, int64_t I, const float* __restrict__ seen_from, const float* __restrict__ scores_from, float* __restrict__ out_to, int64_t block, int64_t group) {
  const int64_t begin = block * BLOCK, end = least(begin + BLOCK, J);
  for (int64_t row = group * rows; row < least((group + 1) * rows, I); ++row) {
    const int64_t i = row;
    const float* scores_at = scores_from + i * J;
    float* out_at = out_to + i * J;
    eachv<4>(begin, end, [&](int64_t j, int64_t w) {
      const f32v seen = at(seen_from + j, w);
      const auto eq_1 = seen == 0.0f;
      const f32v scores = at(scores_at + j, w);
      const f32v fill_1 = eq_1 ? splatv(-__builtin_inff()) : scores;
      const f32v relu = fill_1 < 0.0f ? splatv(0.0f) : fill_1;
      put_past(out_at + j, relu, w);
    });
  }
  stream_end();
}
