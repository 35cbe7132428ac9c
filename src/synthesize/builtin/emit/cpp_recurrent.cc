#include "synthesize/builtin/emit/recurrent.h"

namespace kerf {
namespace {

constexpr const char* common = R"cpp(
  // A matrix of G gates for H units, so that for each of H columns a vector of units of all gates lies side by side.
  extern "C" void pack_gates(const float* __restrict__ from, float* __restrict__ to, int64_t H, int64_t G,
                             int64_t block) {
    for (int64_t i = block * 16; i < block * 16 + 16 && i < H; i += vlen) {
      const int64_t w = H - i < vlen ? H - i : vlen;
      for (int64_t g = 0; g < G; ++g)
        for (int64_t k = 0; k < H; ++k) {
          float* column = to + i * H * G + (k * G + g) * vlen;
          for (int64_t l = 0; l < vlen; ++l) column[l] = l < w ? from[(g * H + i + l) * H + k] : 0.0f;
        }
    }
  }
  // cell(r, i, w, sums) for a vector of units from i on, w of which count, of R rows: what the gates' matrix and bias
  // make of h.
  template <int G, int R, int U, class Cell>
  static inline void units(const float* matrix, const float* bias, const float* const* h, int64_t H, int64_t i,
                           Cell cell) {
    f32v sum[U][R][G];
    int64_t w[U];
    for (int u = 0; u < U; ++u) {
      w[u] = H - i - vlen * u < vlen ? H - i - vlen * u : vlen;
      for (int g = 0; g < G; ++g)
        for (int r = 0; r < R; ++r) sum[u][r][g] = loadv(bias + g * H + i + vlen * u, w[u], 0.0f);
    }
    const float* from = matrix + i * H * G;
    for (int64_t k = 0; k < H; ++k)
      for (int r = 0; r < R; ++r) {
        const f32v s = splatv(h[r][k]);
        for (int u = 0; u < U; ++u)
          for (int g = 0; g < G; ++g) sum[u][r][g] += loadv(from + ((u * H + k) * G + g) * vlen) * s;
      }
    for (int u = 0; u < U; ++u)
      for (int r = 0; r < R; ++r) cell(r, i + vlen * u, w[u], sum[u][r]);
  }
  // B sequences of T steps and H units; sequences or steps come first in x, how far apart they are in what is written,
  // and which direction this is.
  struct Lengths {
    int64_t B, T, H, batch_first, apart, steps_apart, direction;
  };
  // A layer's steps, one after the other, for R sequences from b on. step(r, x, h, i, w, sums) gives a vector of
  // units of the next h.
  template <int G, int R, class Step>
  static inline void sequence(const float* x, const float* matrix, const float* bias, const float* first, float* out,
                              float* last, Lengths l, int64_t b, Step step) {
    constexpr int U = G * R <= (vlen == 16 ? 12 : 6) ? 2 : 1;
    const int64_t H = l.H, row = l.batch_first ? l.T : 1, time = l.batch_first ? 1 : l.B;
    const float *h[R], *in[R];
    float* next[R];
    for (int r = 0; r < R; ++r) h[r] = first + (b + r) * H;
    for (int64_t n = 0; n < l.T; ++n) {
      const int64_t t = l.direction ? l.T - 1 - n : n;
      for (int r = 0; r < R; ++r) {
        const int64_t place = (b + r) * row + t * time;
        next[r] = out + (b + r) * l.apart + t * l.steps_apart + l.direction * H;
        in[r] = x + place * G * H;
      }
      const auto cell = [&](int r, int64_t i, int64_t w, const f32v* sums) {
        storev(next[r] + i, step(r, in[r], loadv(h[r] + i, w, 0.0f), i, w, sums), w);
      };
      int64_t i = 0;
      for (; i + vlen * (U - 1) < H; i += vlen * U) units<G, R, U>(matrix, bias, h, H, i, cell);
      for (; i < H; i += vlen) units<G, R, 1>(matrix, bias, h, H, i, cell);
      for (int r = 0; r < R; ++r) h[r] = next[r];
    }
    for (int r = 0; r < R; ++r)
      for (int64_t i = 0; i < H; ++i) last[(b + r) * H + i] = h[r][i];
  }
  // f of how many sequences a task has, as a type: `most`, or those that are left.
  template <int R>
  struct Rows {
    static constexpr int count = R;
  };
  template <int most, class F>
  static inline void in_rows(int64_t left, F f) {
    if (left >= most) {
      f(Rows<most>());
    } else if constexpr (most > 1) {
      in_rows<most - 1>(left, f);
    }
  }
)cpp";

constexpr const char* lstm_kernel = R"cpp(
  extern "C" void lstm_layer(const float* x, const float* matrix, const float* bias, const float* h0, const float* c0,
                             float* out, float* hn, float* cn, int64_t B, int64_t T, int64_t H, int64_t batch_first,
                             int64_t apart, int64_t steps_apart, int64_t direction, int64_t layer, int64_t task) {
    const int64_t b = task * ROWS, all = layer * B * H;
    in_rows<ROWS>(B - b, [&](auto rows) {
      constexpr int R = decltype(rows)::count;
      for (int64_t i = all + b * H; i < all + (b + R) * H; ++i) cn[i] = c0[i];
      sequence<4, R>(x, matrix, bias, h0 + all, out, hn + all,
                     Lengths{B, T, H, batch_first, apart, steps_apart, direction}, b,
                     [&](int r, const float* in, f32v, int64_t i, int64_t w, const f32v* s) {
                       const auto gate = [&](int g) { return loadv(in + g * H + i, w, 0.0f) + s[g]; };
                       float* c = cn + all + (b + r) * H + i;
                       const f32v now = sigmoidv(gate(1)) * loadv(c, w, 0.0f) + sigmoidv(gate(0)) * tanhv(gate(2));
                       storev(c, now, w);
                       return sigmoidv(gate(3)) * tanhv(now);
                     });
    });
  }
)cpp";

constexpr const char* gru_kernel = R"cpp(
  extern "C" void gru_layer(const float* x, const float* matrix, const float* bias, const float* h0, float* out,
                            float* hn, int64_t B, int64_t T, int64_t H, int64_t batch_first, int64_t apart,
                            int64_t steps_apart, int64_t direction, int64_t layer, int64_t task) {
    const int64_t b = task * ROWS, all = layer * B * H;
    in_rows<ROWS>(B - b, [&](auto rows) {
      sequence<3, decltype(rows)::count>(
          x, matrix, bias, h0 + all, out, hn + all, Lengths{B, T, H, batch_first, apart, steps_apart, direction}, b,
          [&](int, const float* in, f32v h, int64_t i, int64_t w, const f32v* s) {
            const auto given = [&](int g) { return loadv(in + g * H + i, w, 0.0f); };
            const f32v reset = sigmoidv(given(0) + s[0]), keep = sigmoidv(given(1) + s[1]);
            const f32v fresh = tanhv(given(2) + reset * s[2]);
            return fresh + keep * (h - fresh);
          });
    });
  }
)cpp";

}  // namespace

std::string recurrent_kernels_in_cpp(bool lstm, bool gru) {
  return std::string(common) + (lstm ? lstm_kernel : "") + (gru ? gru_kernel : "");
}

}  // namespace kerf
