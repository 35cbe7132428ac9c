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
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        storev(m_ + c, loadv(m_ + c) + x_);
      });
    }
    for (int64_t c = 0; c < width; ++c) m__total[c] += m_[c];
  }
  for (int64_t c = 0; c < width; ++c) m_[c] = (float)m__total[c];
  float m_1[BLOCK];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v m_1_lanes = loadv(m_ + c) / m_count_value;
    storev(m_1 + c, m_1_lanes);
  });
  float v_[BLOCK];
  double v__total[BLOCK] = {};
  for (int64_t first = 0; first < I; first += 64) {
    for (int64_t c = 0; c < BLOCK; ++c) v_[c] = 0;
    for (int64_t step = first; step < least(first + 64, I); ++step) {
      const int64_t i = step;
      const float* x_at = x_from + i * J;
      eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
        const f32v x_ = at(x_at + begin + c, w);
        const f32v d_ = x_ - loadv(m_1 + c);
        const f32v q_ = d_ * d_;
        storev(v_ + c, loadv(v_ + c) + q_);
      });
    }
    for (int64_t c = 0; c < width; ++c) v__total[c] += v_[c];
  }
  for (int64_t c = 0; c < width; ++c) v_[c] = (float)v__total[c];
  float s_[BLOCK];
  eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
    const f32v v_1 = loadv(v_ + c) / m_count_value;
    const f32v e_1 = v_1 + 1e-05f;
    const f32v s__lanes = 1.0f / sqrtv(e_1);
    storev(s_ + c, s__lanes);
  });
  for (int64_t i = 0; i < I; ++i) {
    float* out_at = out_to + i * J;
    const float* x_at = x_from + i * J;
    eachv<2>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {
      const f32v x_ = at(x_at + begin + c, w);
      const f32v d_ = x_ - loadv(m_1 + c);
      const f32v n_ = d_ * loadv(s_ + c);
      const f32v weight = at(weight_from + begin + c, w);
      const f32v w_ = n_ * weight;
      put_past(out_at + begin + c, w_, w);
    });
  }
  stream_end();
}
