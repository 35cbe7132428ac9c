#include "synthesize/builtin/emit/triton_product.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "synthesize/builtin/emit/triton_text.h"
#include "synthesize/builtin/products.h"

namespace kerf {
namespace {

constexpr std::int64_t join_rows = 4, join_columns = 128;  // of a tile whose pieces are joined

std::string in_parentheses(const std::string& text) {
  return text.find_first_of("+-/% ") == std::string::npos ? text : "(" + text + ")";
}

class Emitter : private TritonText {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : TritonText(region, schedule, std::move(name), std::move(tune)), p_(*product_shape(region)) {
    if (!s_.turned) return;
    std::swap(p_.left, p_.right);
    std::swap(p_.rows, p_.columns);
  }

  Emitted run() {
    out_.tune = {tune_, s_.block};
    held_ = true;
    for (const std::uint64_t mask : {p_.rows, p_.columns, p_.inner}) (void)is_small(r_.extent_of(mask));
    if (before()) {
      cut_up(p_.left, true);
      cut_up(p_.right, false);
    }
    sum_up();
    if (s_.pieces > 1) join();
    return std::move(out_);
  }

 private:
  [[nodiscard]] std::string partial() const { return name_ + "_part"; }
  [[nodiscard]] std::string extent(std::uint64_t mask) const { return in_parentheses(r_.extent_of(mask).text); }

  bool is_near() {
    std::vector<Extent> partial;
    if (s_.pieces > 1)
      partial.push_back(literal(s_.pieces, r_.workloads) * r_.extent_of(p_.batch | p_.rows | p_.columns));
    return TritonText::is_near(partial) && !before();
  }

  // The program's tile of results: `row`, `column`, which of them exist, and the indices of the axes they run over.
  void open_results(std::int64_t rows, std::int64_t columns, std::int64_t pieces, std::int64_t swizzle) {
    begin_kernel();
    const std::string height = constant("ROWS", std::to_string(rows)),
                      width = constant("COLUMNS", std::to_string(columns));
    const std::string down_text = fmt::format("cdiv({}, {})", r_.extent_of(p_.rows).text, rows),
                      across_text = fmt::format("cdiv({}, {})", r_.extent_of(p_.columns).text, columns);
    const std::string across = argument("int64_t", "across", across_text);
    grid_ = fmt::format("{} * {}", down_text, across_text);
    line("program = tl.program_id(0)");
    std::string tile = "program";
    if (pieces > 1 || p_.batch != 0) {
      const std::string down = argument("int64_t", "down", down_text);
      line(fmt::format("tiles = {} * {}", down, across));
      if (pieces > 1) {
        line(fmt::format("piece = program // tiles{}", p_.batch == 0 ? "" : fmt::format(" % {}", pieces)));
        grid_ += fmt::format(" * {}", pieces);
      }
      if (p_.batch != 0) {
        line(fmt::format("matrix = (program // {}).to(tl.int64)",
                         pieces > 1 ? fmt::format("(tiles * {})", pieces) : std::string("tiles")));
        split_index(p_.batch, "matrix");
        grid_ += " * " + extent(p_.batch);
      }
      line("tile = program % tiles");
      tile = "tile";
    }
    if (swizzle > 1) {
      // A few rows of tiles, column by column: what neighbours load is in L2.
      const std::string down = argument("int64_t", "down", down_text);
      line(fmt::format("first_row = {} // ({} * {}) * {}", tile, swizzle, across, swizzle));
      line(fmt::format("height = tl.minimum({} - first_row, {})", down, swizzle));
      line(fmt::format("within = {} % ({} * {})", tile, swizzle, across));
      line("tile_row = first_row + within % height");
      line("tile_column = within // height");
    } else {
      line(fmt::format("tile_row = {} // {}", tile, across));
      line(fmt::format("tile_column = {} % {}", tile, across));
    }
    const char* wide = is_near() ? "" : ".to(tl.int64)";
    line(fmt::format("row = (tile_row * {0} + tl.arange(0, {0}))[:, None]{1}", height, wide));
    line(fmt::format("column = (tile_column * {0} + tl.arange(0, {0}))[None, :]{1}", width, wide));
    line(fmt::format("valid_rows = row < {}", size_of_axes(p_.rows)));
    line(fmt::format("valid_columns = column < {}", size_of_axes(p_.columns)));
    split_index(p_.rows, "row");
    split_index(p_.columns, "column");
  }

  [[nodiscard]] bool before() const { return s_.factors == Factors::three_parts_before; }

  // --- factors that are cut up before -------------------------------------------------------------------------------
  // Their parts are whole tiles along what is summed, one matrix after the other: [part, matrix, row, inner]. What is
  // beyond the factor is 0.
  [[nodiscard]] std::string parts_of(bool left) const { return name_ + (left ? "_left" : "_right"); }
  [[nodiscard]] std::string padded(std::uint64_t mask, std::int64_t tile) const {
    return fmt::format("cdiv({}, {}) * {}", r_.extent_of(mask).text, tile, tile);
  }
  [[nodiscard]] std::string rows_of_parts(bool left) const {
    return padded(left ? p_.rows : p_.columns, s_.tile[left ? 0 : 1]);
  }
  [[nodiscard]] std::string numbers_in_part(bool left) const {
    const std::string matrix = fmt::format("{} * ({})", rows_of_parts(left), padded(p_.inner, s_.tile[2]));
    return p_.batch == 0 ? matrix : fmt::format("{} * {}", matrix, extent(p_.batch));
  }

  void cut_up(int v, bool left) {
    begin_kernel();
    need("three_parts");
    const std::int64_t height = std::min<std::int64_t>(s_.tile[left ? 0 : 1], 32),
                       width = std::min<std::int64_t>(s_.tile[2], 64);
    const std::string rows = constant("ROWS", std::to_string(height)), inner = constant("INNER", std::to_string(width));
    const std::string rows_text = rows_of_parts(left), inner_text = padded(p_.inner, s_.tile[2]);
    const std::string across = argument("int64_t", "across", fmt::format("({}) // {}", inner_text, width));
    line("program = tl.program_id(0)");
    std::string tile = "program";
    std::string grid = fmt::format("({}) // {} * (({}) // {})", rows_text, height, inner_text, width);
    std::string line_of = "row";  // of all matrices'
    if (p_.batch != 0) {
      const std::string down = argument("int64_t", "down", fmt::format("({}) // {}", rows_text, height));
      line(fmt::format("matrix = (program // ({} * {})).to(tl.int64)", down, across));
      split_index(p_.batch, "matrix");
      line(fmt::format("tile = program % ({} * {})", down, across));
      tile = "tile";
      grid += " * " + extent(p_.batch);
      line_of = fmt::format("(matrix * ({} * {}) + row)", down, rows);
    }
    line(fmt::format("row = ({0} // {1} * {2} + tl.arange(0, {2}))[:, None].to(tl.int64)", tile, across, rows));
    line(fmt::format("valid_rows = row < {}", size_of_axes(left ? p_.rows : p_.columns)));
    split_index(left ? p_.rows : p_.columns, "row");
    line(fmt::format("first = {} % {} * {}", tile, across, inner));
    end_ = size_of_axes(p_.inner);
    zero_ = true;
    loop_ = p_.inner;
    other_ = left ? p_.rows : p_.columns;
    columns_ = false;
    line("valid = valid_rows");
    open_tile("first", inner, end_);
    std::set<int> values;
    collect(v, values);
    if (needs_indices(values)) split_index(p_.inner, "at");
    declare_all(values);
    zero_ = false;
    line(
        fmt::format("first_part, second_part, third_part = three_parts(tl.where(inside & valid, {}, 0.0))", narrow(v)));
    const std::string to = argument("bf16*", parts_of(left) + "_to", parts_of(left)),
                      count = argument("int64_t", "count", numbers_in_part(left));
    line(fmt::format("place = {} * ({} * {}) + at", line_of, across, inner));
    line(fmt::format("tl.store({} + place, first_part)", to));
    line(fmt::format("tl.store({} + place + {}, second_part)", to, count));
    line(fmt::format("tl.store({} + place + {} * 2, third_part)", to, wide_count(count)));
    out_.scratch.push_back({.name = parts_of(left), .dtype = "bf16", .shape = {"3", numbers_in_part(left)}});
    end_kernel(parts_of(left) + "_parts", describe() + ": a factor in three parts", grid);
  }
  static std::string wide_count(const std::string& count) { return fmt::format("tl.cast({}, tl.int64)", count); }

  void load_parts(bool left) {
    const char* side = left ? "left" : "right";
    const std::string from = argument("const bf16*", fmt::format("{}_from", parts_of(left)), parts_of(left)),
                      count = argument("int64_t", fmt::format("{}_count", side), numbers_in_part(left)),
                      pitch = argument("int64_t", "pitch", padded(p_.inner, s_.tile[2]));
    std::string row = left ? "row" : "column";
    if (p_.batch != 0)
      row = fmt::format("(matrix * {} + {})", argument("int64_t", fmt::format("{}_rows", side), rows_of_parts(left)),
                        row);
    line(fmt::format("{}_place = {} + {} * {} + (first + tl.arange(0, INNER)){}", side, from, row, pitch,
                     left ? "[None, :]" : "[:, None]"));
    line(fmt::format("{0}_1 = tl.load({0}_place)", side));
    line(fmt::format("{0}_2 = tl.load({0}_place + {1})", side, count));
    line(fmt::format("{0}_3 = tl.load({0}_place + {1} * 2)", side, wide_count(count)));
  }

  // A factor as it is in this round.
  void factor(int v, bool left) {
    const std::set<int> declared = declared_;
    const std::set<std::string> named = named_;
    loop_ = p_.inner;
    other_ = left ? p_.rows : p_.columns;
    columns_ = !left;
    line(left ? "valid = valid_rows" : "valid = valid_columns");
    open_tile("first", "INNER", end_);
    std::set<int> values;
    collect(v, values);
    if (needs_indices(values)) split_index(p_.inner, "at");
    declare_all(values);
    // What is computed from nothing need not be nothing.
    const bool plain = at(v).form == Instruction::Form::load && at(v).access.outside == 0;
    line(fmt::format("{} = {}", left ? "left" : "right",
                     plain ? operand(v) : fmt::format("tl.where(inside, {}, 0.0)", narrow(v))));
    declared_ = declared;
    named_ = named;
  }

  // Tiles none of whose results depends on a sum, beyond a diagonal for example, have nothing to sum.
  void skip_what_is_not_wanted() {
    std::string wanted;
    loop_ = p_.columns;
    other_ = p_.rows;
    for (const ResultMask& choice : result_masks(r_, p_)) {
      std::set<int> values;
      collect(choice.mask, values);
      declare_all(values);
      wanted += fmt::format("{}({} == {})", wanted.empty() ? "" : " | ", operand(choice.mask), choice.wanted ? 1 : 0);
    }
    if (wanted.empty()) return;
    line(fmt::format("wanted = tl.max(tl.where({}, 1, 0) + tl.zeros([ROWS, COLUMNS], tl.int32))", wanted));
    line(fmt::format("last = tl.where(wanted > 0, {}, 0)", end_));
    end_ = "last";
  }

  void sum_up() {
    open_results(s_.tile[0], s_.tile[1], s_.pieces, s_.swizzle);
    const std::string inner = constant("INNER", std::to_string(s_.tile[2]));
    std::string begin = "0";
    end_ = size_of_axes(p_.inner);
    if (s_.pieces > 1) {
      const std::string length = argument(
          "int64_t", "length",
          fmt::format("cdiv(cdiv({}, {}), {}) * {}", r_.extent_of(p_.inner).text, s_.pieces, s_.tile[2], s_.tile[2]));
      line(fmt::format("begin = piece * {}", length));
      line(fmt::format("end = tl.minimum(begin + {}, {})", length, end_));
      begin = "begin";
      end_ = "end";
    }
    skip_what_is_not_wanted();
    line("total = tl.zeros([ROWS, COLUMNS], tl.float32)");
    open(fmt::format("for first in tl.range({}, {}, {}{}):", begin, end_, inner,
                     s_.stages > 1 ? fmt::format(", num_stages={}", s_.stages) : std::string()));
    if (before()) {
      load_parts(true);
      load_parts(false);
    } else {
      zero_ = true;
      factor(p_.left, true);
      factor(p_.right, false);
      zero_ = false;
    }
    switch (s_.factors) {
      case Factors::coarse:
        if (!at(p_.sum).rounded) {
          need("to_tf32");
          line("left = to_tf32(left)");
          line("right = to_tf32(right)");
        }
        line("total = tl.dot(left, right, total, input_precision=\"tf32\")");
        break;
      case Factors::two_parts:
        need("dot_in_two_parts");
        line("total = dot_in_two_parts(left, right, total)");
        break;
      case Factors::three_parts:
        need("three_parts");
        line("left_1, left_2, left_3 = three_parts(left)");
        line("right_1, right_2, right_3 = three_parts(right)");
        [[fallthrough]];
      case Factors::three_parts_before:
        need("dot_of_parts");
        line("total = dot_of_parts(left_1, left_2, left_3, right_1, right_2, right_3, total)");
        break;
    }
    --depth_;
    if (s_.pieces == 1) {
      line(at(p_.sum).name + " = total");
      results();
      fix_sizes();
      end_kernel(name_, describe(), grid_);
      return;
    }
    line(fmt::format("tl.store({} + {}, total, mask=valid_rows & valid_columns)",
                     argument("float*", partial() + "_to", partial()), slot("piece.to(tl.int64)")));
    const Extent results_of_all = r_.extent_of(p_.batch | p_.rows | p_.columns);
    out_.scratch.push_back(
        {.name = partial(), .dtype = "f32", .shape = {std::to_string(s_.pieces), results_of_all.text}});
    fix_sizes();
    end_kernel(name_ + "_pieces", describe() + ": sums of pieces", grid_);
  }

  // Where a piece's sum of a result is.
  std::string slot(const std::string& piece) {
    std::string text = piece;
    if (p_.batch != 0) text = fmt::format("({} * {} + matrix)", text, in_parentheses(size_of_axes(p_.batch)));
    return fmt::format("({} * {} + row) * {} + column", text, in_parentheses(size_of_axes(p_.rows)),
                       in_parentheses(size_of_axes(p_.columns)));
  }

  // Sizes of windows over channels that are side by side become constants of the kernel: positions in a window are
  // divided by them all the time. (Elsewhere it saves nothing, and costs registers.)
  void fix_sizes() {
    if (!windows_over_channels(r_, p_)) return;
    for (int a = 0; a <= inner_; ++a) {
      if (!(p_.inner & bit(a))) continue;
      const std::string name = size(a);
      const auto parameter = std::ranges::find(parameters_, name, &std::pair<std::string, std::string>::second);
      const auto k = parameter - parameters_.begin();
      constant(name, arguments_[static_cast<std::size_t>(k)]);
      arguments_.erase(arguments_.begin() + k);
      parameters_.erase(parameter);
    }
  }

  // The pieces of each result, always in the same order.
  void join() {
    open_results(join_rows, join_columns, 1, 1);
    line("sums = tl.zeros([ROWS, COLUMNS], tl.float64)");
    open(fmt::format("for piece in tl.range(0, {}):", s_.pieces));
    line(fmt::format("sums += tl.load({} + {}, mask=valid_rows & valid_columns, other=0.0)",
                     argument("const float*", partial() + "_from", partial()), slot("tl.cast(piece, tl.int64)")));
    --depth_;
    line(at(p_.sum).name + " = sums.to(tl.float32)");
    results();
    end_kernel(name_, describe(), grid_);
  }

  // What follows the sums of a tile, and its stores.
  void results() {
    declared_.insert(p_.sum);
    loop_ = p_.columns;
    other_ = p_.rows;
    columns_ = false;
    past_ = s_.streaming;
    line("at = column");
    line("inside = valid_columns");
    line("valid = valid_rows");
    for (std::size_t k = 0; k < r_.stores.size(); ++k) {
      std::set<int> values;
      collect(r_.stores[k].value, values);
      declare_all(values);
      store(k, "");
    }
  }

  ProductShape p_;
  std::string grid_;
};

}  // namespace

Emitted emit_triton_product(const Region& region, const Schedule& schedule, const std::string& name,
                            const std::string& tune) {
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
