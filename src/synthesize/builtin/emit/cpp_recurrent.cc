#include "synthesize/builtin/emit/cpp_recurrent.h"

#include <fmt/format.h>

#include "synthesize/builtin/lowering.h"

namespace kerf {
namespace {

constexpr const char* common = R"cpp(
  // A matrix of G gates for H units, so that for each of H columns 16 units of all gates lie side by side.
  extern "C" void pack_gates(const float* __restrict__ from, float* __restrict__ to, int64_t H, int64_t G,
                             int64_t block) {
    const int64_t w = H - block * 16 < 16 ? H - block * 16 : 16;
    for (int64_t g = 0; g < G; ++g)
      for (int64_t k = 0; k < H; ++k) {
        float* column = to + ((block * H + k) * G + g) * 16;
        for (int64_t l = 0; l < 16; ++l) column[l] = l < w ? from[(g * H + block * 16 + l) * H + k] : 0.0f;
      }
  }
  // cell(r, i, w, sums) for 16 units from i on, w of which count, of R rows: what the gates' matrix and bias make of h.
  template <int G, int R, int U, class Cell>
  static inline void units(const float* matrix, const float* bias, const float* const* h, int64_t H, int64_t i,
                           Cell cell) {
    f32x16 sum[U][R][G];
    int64_t w[U];
    for (int u = 0; u < U; ++u) {
      w[u] = H - i - 16 * u < 16 ? H - i - 16 * u : 16;
      for (int g = 0; g < G; ++g)
        for (int r = 0; r < R; ++r) sum[u][r][g] = load16(bias + g * H + i + 16 * u, w[u], 0.0f);
    }
    const float* from = matrix + i * H * G;
    for (int64_t k = 0; k < H; ++k)
      for (int r = 0; r < R; ++r) {
        const f32x16 s = splat16(h[r][k]);
        for (int u = 0; u < U; ++u)
          for (int g = 0; g < G; ++g) sum[u][r][g] += load16(from + ((u * H + k) * G + g) * 16) * s;
      }
    for (int u = 0; u < U; ++u)
      for (int r = 0; r < R; ++r) cell(r, i + 16 * u, w[u], sum[u][r]);
  }
  // B sequences of T steps and H units; sequences or steps come first in memory, and which of how many directions this
  // is.
  struct Lengths {
    int64_t B, T, H, batch_first, directions, direction;
  };
  // A layer's steps, one after the other, for R sequences from b on. step(r, x, h, i, w, sums) gives 16 units of the
  // next h.
  template <int G, int R, class Step>
  static inline void sequence(const float* x, const float* matrix, const float* bias, const float* first, float* out,
                              float* last, Lengths l, int64_t b, Step step) {
    constexpr int U = G * R <= 12 ? 2 : 1;
    const int64_t H = l.H, row = l.batch_first ? l.T : 1, time = l.batch_first ? 1 : l.B;
    const float *h[R], *in[R];
    float* next[R];
    for (int r = 0; r < R; ++r) h[r] = first + (b + r) * H;
    for (int64_t n = 0; n < l.T; ++n) {
      const int64_t t = l.direction ? l.T - 1 - n : n;
      for (int r = 0; r < R; ++r) {
        const int64_t place = (b + r) * row + t * time;
        next[r] = out + (place * l.directions + l.direction) * H;
        in[r] = x + place * G * H;
      }
      const auto cell = [&](int r, int64_t i, int64_t w, const f32x16* sums) {
        store16(next[r] + i, step(r, in[r], load16(h[r] + i, w, 0.0f), i, w, sums), w);
      };
      int64_t i = 0;
      for (; i + 16 * (U - 1) < H; i += 16 * U) units<G, R, U>(matrix, bias, h, H, i, cell);
      for (; i < H; i += 16) units<G, R, 1>(matrix, bias, h, H, i, cell);
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
                             int64_t directions, int64_t direction, int64_t layer, int64_t task) {
    const int64_t b = task * ROWS, all = layer * B * H;
    in_rows<ROWS>(B - b, [&](auto rows) {
      constexpr int R = decltype(rows)::count;
      for (int64_t i = all + b * H; i < all + (b + R) * H; ++i) cn[i] = c0[i];
      sequence<4, R>(x, matrix, bias, h0 + all, out, hn + all, Lengths{B, T, H, batch_first, directions, direction}, b,
                     [&](int r, const float* in, f32x16, int64_t i, int64_t w, const f32x16* s) {
                       const auto gate = [&](int g) { return load16(in + g * H + i, w, 0.0f) + s[g]; };
                       float* c = cn + all + (b + r) * H + i;
                       const f32x16 now =
                           sigmoid16(gate(1)) * load16(c, w, 0.0f) + sigmoid16(gate(0)) * tanh16(gate(2));
                       store16(c, now, w);
                       return sigmoid16(gate(3)) * tanh16(now);
                     });
    });
  }
)cpp";

constexpr const char* gru_kernel = R"cpp(
  extern "C" void gru_layer(const float* x, const float* matrix, const float* bias, const float* h0, float* out,
                            float* hn, int64_t B, int64_t T, int64_t H, int64_t batch_first, int64_t directions,
                            int64_t direction, int64_t layer, int64_t task) {
    const int64_t b = task * ROWS, all = layer * B * H;
    in_rows<ROWS>(B - b, [&](auto rows) {
      sequence<3, decltype(rows)::count>(
          x, matrix, bias, h0 + all, out, hn + all, Lengths{B, T, H, batch_first, directions, direction}, b,
          [&](int, const float* in, f32x16 h, int64_t i, int64_t w, const f32x16* s) {
            const auto given = [&](int g) { return load16(in + g * H + i, w, 0.0f); };
            const f32x16 reset = sigmoid16(given(0) + s[0]), keep = sigmoid16(given(1) + s[1]);
            const f32x16 fresh = tanh16(given(2) + reset * s[2]);
            return fresh + keep * (h - fresh);
          });
    });
  }
)cpp";

// Expressions as an array of the plan: those of digits alone are numbers.
std::string list(const std::vector<std::string>& words) {
  std::string made;
  for (const std::string& word : words)
    made += (made.empty() ? "" : ", ") +
            (word.find_first_not_of("0123456789") == std::string::npos ? word : toml_string(word));
  return "[" + made + "]";
}

}  // namespace

EmittedRecurrent recurrent_steps(const Recurrent& network, const GeneralNode& node, const std::string& prefix,
                                 bool frozen) {
  EmittedRecurrent made;
  const std::string gates = std::to_string(network.gates()), directions = std::to_string(network.directions());
  const std::string units = placeholder(network.layers.at(0).weight) + ".shape[1]",
                    batch = placeholder(network.hidden) + ".shape[1]";
  const std::string x = placeholder(network.x), length = fmt::format("{}.shape[{}]", x, network.batch_first ? 1 : 0);
  const std::vector<std::string> places = {x + ".shape[0]", x + ".shape[1]"};
  const std::vector<std::string> states = {placeholder(network.hidden) + ".shape[0]", batch, units};
  const std::string width = network.both_ways ? "2 * " + units : units;
  made.shapes = {{places[0], places[1], width}, states};
  if (network.lstm) made.shapes.push_back(states);
  const auto scratch = [&](const std::string& name, const std::vector<std::string>& shape) {
    made.scratch += fmt::format("[[scratch]]\nname = \"{}\"\ndtype = \"f32\"\nshape = {}\n", name, list(shape));
    return name;
  };
  const auto step = [&](const std::string& text) {
    made.steps += "[[step]]\n" + text;
    ++made.count;
  };
  const std::string blocks = fmt::format("cdiv({}, 16)", units);
  std::string from = x;
  const std::size_t depth = network.layers.size() / network.directions();
  for (std::size_t l = 0; l < depth; ++l) {
    const std::string to =
        l + 1 == depth ? placeholder({node.name, 0}) : scratch(fmt::format("{}_out{}", prefix, l), made.shapes[0]);
    for (std::size_t d = 0; d < network.directions(); ++d) {
      const std::size_t at = l * network.directions() + d;
      const RecurrentLayer& layer = network.layers[at];
      const std::string packed = scratch(fmt::format("{}_packed{}", prefix, at),
                                         {fmt::format("{} * {} * {}", blocks, units, 16 * network.gates())});
      const std::string shares = fmt::format("{}_gates{}", prefix, at);
      step(fmt::format("{}launch = \"pack_gates\"\ngrid = {}\nargs = {}\n", frozen ? "phase = \"prepare\"\n" : "",
                       list({blocks}), list({placeholder(layer.weight), packed, units, gates})));
      step(fmt::format("call = \"aten.linear.default\"\nargs = {}\nout = \"{}\"\n",
                       list({from, placeholder(layer.input_weight), placeholder(layer.input_bias)}), shares));
      std::vector<std::string> args = {shares, packed, placeholder(layer.bias), placeholder(network.hidden)};
      if (network.cell) args.push_back(placeholder(*network.cell));
      args.push_back(to);
      args.push_back(placeholder({node.name, 1}));
      if (network.cell) args.push_back(placeholder({node.name, 2}));
      for (const std::string& each : {batch, length, units, std::string(network.batch_first ? "1" : "0"), directions,
                                      std::to_string(d), std::to_string(at)})
        args.push_back(each);
      step(fmt::format("launch = \"{}_layer\"\ngrid = {}\nargs = {}\n", network.lstm ? "lstm" : "gru",
                       list({fmt::format("cdiv({}, ROWS)", batch)}), list(args)));
    }
    from = to;
  }
  return made;
}

std::string recurrent_kernels(bool lstm, bool gru) {
  return std::string(common) + (lstm ? lstm_kernel : "") + (gru ? gru_kernel : "");
}

}  // namespace kerf
