/* /// kerf
version = 1
supports = "x.ndim == 4 and x.shape[0] == 8 and x.shape[1] == 40 and x.shape[2] == 40 and x.shape[3] == 48"
[tune]
BLOCK = [256]
[[step]]
launch = "w_kernel"
grid = ["cdiv(x.shape[3], BLOCK)"]
args = ["x.shape[3]", "x.shape[0] * x.shape[1] * x.shape[2]", "x", "f32(x.shape[0] * x.shape[1] * x.shape[2])", "out", "weight"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w of 16 elements from p on (w is 16 but at the end of a loop); memory behind them is not touched.
static inline f32x16 at(const float* p, int64_t w) { return w >= 16 ? load16(p) : load16(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32x16 v, int64_t w) {
  if (w < 16) store16(p, v, w); else if (aligned64(p)) stream16(p, v); else store16(p, v);
}
// f(i, w) for 16 elements at a time: i from begin to end, of which w count.
template <int unroll, class F> static inline void each16(int64_t begin, int64_t end, F f) {
  int64_t i = begin;
  for (; i + 16 * unroll <= end; i += 16 * unroll)
#pragma GCC unroll 16
    for (int u = 0; u < unroll; ++u) f(i + 16 * u, 16);
  for (; i + 16 <= end; i += 16) f(i, 16);
  if (i < end) f(i, end - i);
}

// i < x.shape[0] * x.shape[1] * x.shape[2], j < x.shape[3]
extern "C" void w_kernel(int64_t J, int64_t I, const float* __restrict__ x_from, float m_count_value, float* __restrict__ out_to, const float* __restrict__ weight_from, int64_t block) {
  const int64_t begin = block * BLOCK, width = least(BLOCK, J - begin);
  float m_[BLOCK];
  double m__total[BLOCK] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) m_[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float* x_at = x_from + i * J;
      each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32x16 x_ = at(x_at + begin + c, w);
        store16(m_ + c, load16(m_ + c) + x_);
      });
    }
    for (int64_t c = 0; c < width; ++c) m__total[c] += m_[c];
  }
  for (int64_t c = 0; c < width; ++c) m_[c] = (float)m__total[c];
  float m_1[BLOCK];
  each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32x16 m_1_16 = load16(m_ + c) / m_count_value;
    store16(m_1 + c, m_1_16);
  });
  float v_[BLOCK];
  double v__total[BLOCK] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) v_[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float* x_at = x_from + i * J;
      each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32x16 x_ = at(x_at + begin + c, w);
        const f32x16 d_ = x_ - load16(m_1 + c);
        const f32x16 q_ = d_ * d_;
        store16(v_ + c, load16(v_ + c) + q_);
      });
    }
    for (int64_t c = 0; c < width; ++c) v__total[c] += v_[c];
  }
  for (int64_t c = 0; c < width; ++c) v_[c] = (float)v__total[c];
  float s_[BLOCK];
  each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32x16 v_1 = load16(v_ + c) / m_count_value;
    const f32x16 e_1 = v_1 + 1e-05f;
    const f32x16 s__16 = 1.0f / sqrt16(e_1);
    store16(s_ + c, s__16);
  });
  for (int64_t i = 0; i < I; ++i) {
    float* out_at = out_to + i * J;
    const float* x_at = x_from + i * J;
    each16<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32x16 x_ = at(x_at + begin + c, w);
      const f32x16 d_ = x_ - load16(m_1 + c);
      const f32x16 n_ = d_ * load16(s_ + c);
      const f32x16 weight = at(weight_from + begin + c, w);
      const f32x16 w_ = n_ * weight;
      put_past(out_at + begin + c, w_, w);
    });
  }
  stream_end();
}
