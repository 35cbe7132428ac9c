/* /// kerf
version = 1
supports = "q.ndim == 4 and q.shape[0] == 8 and q.shape[1] == 12 and q.shape[2] == 1024 and q.shape[3] == 64 and k.ndim == 4 and k.shape[0] == 8 and k.shape[1] == 12 and k.shape[2] == 1000 and k.shape[3] == 64 and v.ndim == 4 and v.shape[0] == 8 and v.shape[1] == 12 and v.shape[2] == 1000 and v.shape[3] == 48 and bias.ndim == 3 and bias.shape[0] == 12 and bias.shape[1] == 1024 and bias.shape[2] == 1000"
[tune]
BLOCK1 = [32768]
BLOCK2 = [32768]
[[scratch]]
name = "mask"
dtype = "f32"
shape = ["bias.shape[0]", "bias.shape[1]", "bias.shape[2]"]
[[step]]
launch = "mask_kernel"
grid = ["cdiv(bias.shape[0] * bias.shape[1] * bias.shape[2], BLOCK1)"]
args = ["bias.shape[0] * bias.shape[1] * bias.shape[2]", "bias", "mask"]
[[step]]
call = "aten.scaled_dot_product_attention.default"
args = ["q", "k", "v", "mask"]
out = "attended"
[[step]]
launch = "relu_kernel"
grid = ["cdiv(attended.shape[0] * attended.shape[1] * attended.shape[2] * attended.shape[3], BLOCK2)"]
args = ["attended.shape[0] * attended.shape[1] * attended.shape[2] * attended.shape[3]", "attended", "out"]
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

// i < bias.shape[0] * bias.shape[1] * bias.shape[2]
extern "C" void mask_kernel(int64_t I, const float* __restrict__ bias_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK1, end = least(begin + BLOCK1, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v bias = at(bias_from + i, w);
    const f32v mask_1 = bias * 0.5f;
    put_past(out_to + i, mask_1, w);
  });
  stream_end();
}

// i < attended.shape[0] * attended.shape[1] * attended.shape[2] * attended.shape[3]
extern "C" void relu_kernel(int64_t I, const float* __restrict__ attended_from, float* __restrict__ out_to, int64_t block) {
  const int64_t begin = block * BLOCK2, end = least(begin + BLOCK2, I);
  eachv<4>(begin, end, [&](int64_t i, int64_t w) {
    const f32v attended = at(attended_from + i, w);
    const f32v relu = attended < 0.0f ? splatv(0.0f) : attended;
    put_past(out_to + i, relu, w);
  });
  stream_end();
}
