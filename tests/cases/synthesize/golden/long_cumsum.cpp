/* /// kerf
version = 1
supports = "x.ndim == 2 and x.shape[0] == 2 and x.shape[1] == 300000"
[tune]
BLOCK = [16384]
[[scratch]]
name = "sums_kernel_part"
dtype = "f64"
shape = ["x.shape[0]", "cdiv(x.shape[1], BLOCK)", 1]
[[step]]
launch = "sums_kernel_pieces"
grid = ["cdiv(x.shape[1], BLOCK)", "x.shape[0]"]
args = ["x.shape[1]", "cdiv(x.shape[1], BLOCK)", "x", "sums_kernel_part"]
[[step]]
launch = "sums_kernel"
grid = ["cdiv(x.shape[1], BLOCK)", "x.shape[0]"]
args = ["x.shape[1]", "cdiv(x.shape[1], BLOCK)", "sums_kernel_part", "x", "out"]
/// */

static inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
// The first w elements from p on (w is vlen but at the end of a loop); memory behind them is not touched.
static inline f32v at(const float* p, int64_t w) { return w >= vlen ? loadv(p) : loadv(p, w, 0.0f); }
// A store that goes around the caches, where p is aligned: nobody reads it before it would have left them.
static inline void put_past(float* p, f32v v, int64_t w) {
  if (w < vlen) storev(p, v, w); else if (alignedv(p)) streamv(p, v); else storev(p, v);
}
// v, with lanes from w on replaced.
static inline f32v keep(f32v v, int64_t w, float other) {
  return iotav() < (int32_t)w ? v : splatv(other);
}
// How scans join what they have: in double.
struct Plus {
  static constexpr double none = 0;
  template <class T> static inline T join(T a, T b) { return a + b; }
};
struct Times {
  static constexpr double none = 1;
  template <class T> static inline T join(T a, T b) { return a * b; }
};
struct Greatest {
  static constexpr double none = -__builtin_inf();
  template <class T> static inline T join(T a, T b) { return (a > b) | (a != a) ? a : b; }
};
struct Smallest {
  static constexpr double none = __builtin_inf();
  template <class T> static inline T join(T a, T b) { return (a < b) | (a != a) ? a : b; }
};
// Lanes moved on by `by`, or back; `other` comes after them.
template <int by, bool backward> static inline f64v shifted(f64v v, f64v other) {
  if constexpr (backward) return shuffle(v, other, [](int l) { return l + by; });
  return shuffle(other, v, [](int l) { return vlen / 2 - by + l; });
}
template <class J, bool backward> static inline f64v scan_half(f64v v) {
  v = J::join(shifted<1, backward>(v, splatv(J::none)), v);
  v = J::join(shifted<2, backward>(v, splatv(J::none)), v);
  if constexpr (vlen == 16) v = J::join(shifted<4, backward>(v, splatv(J::none)), v);
  return v;
}
// A row's next w elements; `so_far` is what those before come to.
template <class J, bool backward> static inline f32v scanv(f32v v, int64_t w, double& so_far) {
  if (w < vlen) v = keep(v, w, (float)J::none);
  f64v low = scan_half<J, backward>(widen_low(v));
  f64v high = scan_half<J, backward>(widen_high(v));
  if constexpr (backward) {
    const double middle = J::join(so_far, high[0]);
    high = J::join(splatv(so_far), high);
    so_far = J::join(middle, low[0]);
    low = J::join(splatv(middle), low);
  } else {
    const double middle = J::join(so_far, low[vlen / 2 - 1]);
    low = J::join(splatv(so_far), low);
    so_far = J::join(middle, high[vlen / 2 - 1]);
    high = J::join(splatv(middle), high);
  }
  return narrow(low, high);
}
// The next element of each column.
template <class J> static inline f32v stepv(f32v v, double* so_far) {
  const f64v low = J::join(loadv(so_far), widen_low(v));
  const f64v high = J::join(loadv(so_far + vlen / 2), widen_high(v));
  storev(so_far, low);
  storev(so_far + vlen / 2, high);
  return narrow(low, high);
}
// What w elements come to, lane by lane, and what the lanes do.
template <class J> static inline void take_in(f32v v, int64_t w, f64v& lanes) {
  if (w < vlen) v = keep(v, w, (float)J::none);
  lanes = J::join(lanes, J::join(widen_low(v), widen_high(v)));
}
template <class J> static inline double all_lanes(f64v lanes) {
  double all = lanes[0];
  for (int l = 1; l < vlen / 2; ++l) all = J::join(all, lanes[l]);
  return all;
}
// f(i, w) for a vector of elements at a time, from `begin` to `end` or the other way round.
template <bool backward, class F> static inline void alongv(int64_t begin, int64_t end, F f) {
  const int64_t whole = begin + (end - begin) / vlen * vlen;
  if (backward && whole < end) f(whole, end - whole);
  if (backward)
    for (int64_t i = whole - vlen; i >= begin; i -= vlen) f(i, vlen);
  else
    for (int64_t i = begin; i < whole; i += vlen) f(i, vlen);
  if (!backward && whole < end) f(whole, end - whole);
}

// i < x.shape[0], j < x.shape[1]: what each piece of a row comes to
extern "C" void sums_kernel_pieces(int64_t J, int64_t chunks, const float* __restrict__ x_from, double* __restrict__ sums_kernel_part_to, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * BLOCK, end = least(begin + BLOCK, J);
  const int64_t i = row;
  f64v sums_lanes = splatv(Plus::none);
  const float* x_at = x_from + i * J;
  alongv<false>(begin, end, [&](int64_t j, int64_t w) {
    const f32v x_ = at(x_at + j, w);
    take_in<Plus>(x_, w, sums_lanes);
  });
  sums_kernel_part_to[(row * chunks + chunk) * 1 + 0] = all_lanes<Plus>(sums_lanes);
}

// i < x.shape[0], j < x.shape[1]
extern "C" void sums_kernel(int64_t J, int64_t chunks, const double* __restrict__ sums_kernel_part_from, const float* __restrict__ x_from, float* __restrict__ out_to, int64_t chunk, int64_t row) {
  const int64_t begin = chunk * BLOCK, end = least(begin + BLOCK, J);
  const int64_t i = row;
  double sums_so_far = Plus::none;
  for (int64_t c = 0; c < chunk; ++c) sums_so_far = Plus::join(sums_so_far, sums_kernel_part_from[(row * chunks + c) * 1 + 0]);
  const float* x_at = x_from + i * J;
  float* out_at = out_to + i * J;
  alongv<false>(begin, end, [&](int64_t j, int64_t w) {
    const f32v x_ = at(x_at + j, w);
    const f32v sums_ = scanv<Plus, false>(x_, w, sums_so_far);
    put_past(out_at + j, sums_, w);
  });
  stream_end();
}
