#include "synthesize/builtin/emit/triton_attention.h"

#include <fmt/format.h>

#include <utility>

#include "synthesize/builtin/attention.h"
#include "synthesize/builtin/emit/triton_text.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

class Emitter : private TritonText {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : TritonText(region, schedule, std::move(name), std::move(tune)), p_(*attention_shape(region)) {}

  Emitted run() {
    out_.tune = {tune_, s_.block};
    held_ = true;
    for (const std::uint64_t mask : {p_.rows, p_.columns, p_.inner, p_.width}) (void)is_small(r_.extent_of(mask));
    begin_kernel();
    open_rows();
    load_queries();
    if (p_.softmax) {
      line("highest = tl.full([ROWS, 1], -float(\"inf\"), tl.float32)");
      line("total = tl.zeros([ROWS, 1], tl.float32)");
    }
    line("sums = tl.zeros([ROWS, WIDTH], tl.float32)");
    const std::set<int> declared = declared_;
    const std::set<std::string> named = named_;
    const std::string last = last_column();
    open_columns(last);
    scores();
    weights();
    named_ = named;
    declared_ = declared;
    values();
    --depth_;
    declared_ = declared;
    named_ = named;
    results();
    end_kernel(name_, describe(), grid_);
    return std::move(out_);
  }

 private:
  [[nodiscard]] std::string lanes(std::uint64_t mask) const {
    return fmt::format("max(16, next_pow2({}))", r_.extent_of(mask).text);
  }

  // The program's rows, and which of them exist. Those that meet most columns come first.
  void open_rows() {
    const std::string height = constant("ROWS", std::to_string(s_.tile[0]));
    constant("COLUMNS", std::to_string(s_.tile[1]));
    constant("INNER", lanes(p_.inner));
    const std::string width = constant("WIDTH", lanes(p_.width));
    const std::string down_text = fmt::format("cdiv({}, {})", r_.extent_of(p_.rows).text, s_.tile[0]);
    const std::string down = argument("int64_t", "down", down_text);
    grid_ = down_text;
    line("program = tl.program_id(0)");
    if (p_.batch != 0) {
      line(fmt::format("matrix = (program // {}).to(tl.int64)", down));
      split_index(p_.batch, "matrix");
      const std::string batch = r_.extent_of(p_.batch).text;
      grid_ += batch.find_first_of("+-/% ") == std::string::npos ? " * " + batch : fmt::format(" * ({})", batch);
    }
    const std::string tile = p_.batch != 0 ? fmt::format("program % {}", down) : "program";
    line("tile_row = " + (p_.diagonal ? fmt::format("{} - 1 - {}", down, tile) : tile));
    const char* wide = is_near() ? "" : ".to(tl.int64)";
    line(fmt::format("row = (tile_row * {0} + tl.arange(0, {0}))[:, None]{1}", height, wide));
    line(fmt::format("valid_rows = row < {}", size_of_axes(p_.rows)));
    split_index(p_.rows, "row");
    line(fmt::format("lane = tl.arange(0, {})[None, :]", width));
    line(fmt::format("valid_lanes = lane < {}", size_of_axes(p_.width)));
  }

  // The tile of columns of a round.
  void open_columns(const std::string& last) {
    open(fmt::format("for first in tl.range(0, {}, COLUMNS{}):", last,
                     s_.stages > 1 ? fmt::format(", num_stages={}", s_.stages) : std::string()));
    line("column = (first + tl.arange(0, COLUMNS))[None, :]");
    line(fmt::format("valid_columns = column < {}", end_));
    split_index(p_.columns, "column");
  }
  void over_scores() {
    loop_ = p_.columns;
    other_ = p_.rows;
    columns_ = false;
    line("at = column");
    line("inside = valid_columns");
    line("valid = valid_rows");
  }

  // Beyond it nothing weighs anything.
  std::string last_column() {
    end_ = size_of_axes(p_.columns);
    if (p_.diagonal) {
      std::string beyond = "(tile_row + 1) * ROWS";
      if (*p_.diagonal != 0) beyond += fmt::format(" + {}", *p_.diagonal);
      line(fmt::format("last = tl.minimum({}, {})", end_, beyond));
      return "last";
    }
    return s_.ahead ? last_seen() : end_;
  }
  std::string last_seen() {
    const std::set<int> declared = declared_;
    const std::set<std::string> named = named_;
    line("last = 0");
    open_columns(end_);
    over_scores();
    const int v = p_.hidden->value;
    std::set<int> values;
    collect(v, values);
    declare_all(values);
    const std::string hidden = at(v).type != Type::mask ? operand(v) + " == -float(\"inf\")"
                                                        : fmt::format("{} == {}", operand(v), p_.hidden->is ? 1 : 0);
    line(fmt::format("seen = tl.max(tl.where(inside & valid & (({}) == 0), 1, 0))", hidden));
    line("last = tl.where(seen > 0, first + COLUMNS, last)");
    --depth_;
    declared_ = declared;
    named_ = named;
    line(fmt::format("last = tl.minimum(last, {})", end_));
    return "last";
  }

  // `to` = a factor, 0 where there is none of it. Along `loop`, whose positions are open, and `other`.
  void factor(const char* to, int v) {
    std::set<int> values;
    collect(v, values);
    if (needs_indices(values)) split_index(loop_, tile_ + "at");
    zero_ = true;
    declare_all(values);
    zero_ = false;
    const bool plain = at(v).form == Form::load && at(v).access.outside == 0;
    line(fmt::format("{} = {}", to,
                     plain ? operand(v) : fmt::format("tl.where({0}inside & {0}valid, {1}, 0.0)", tile_, narrow(v))));
  }
  void cut(const char* what) {
    if (s_.factors != Factors::three_parts) return;
    need("three_parts");
    line(fmt::format("{0}_1, {0}_2, {0}_3 = three_parts({0})", what));
  }
  // left times right, added to `sums`. `exponents`: what comes of it is.
  std::string dot(const std::string& left, const std::string& right, const std::string& sums, bool exponents) {
    if (s_.factors == Factors::three_parts) {
      need("dot_of_parts");
      return fmt::format("dot_of_parts({0}_1, {0}_2, {0}_3, {1}_1, {1}_2, {1}_3, {2})", left, right, sums);
    }
    const char* const helper = exponents ? "dot_in_two_rounded_parts" : "dot_in_two_parts";
    need(helper);
    return fmt::format("{}({}, {}, {})", helper, left, right, sums);
  }

  void load_queries() {
    loop_ = p_.inner;
    other_ = p_.rows;
    columns_ = false;
    const std::set<std::string> named = named_;  // what runs along a tile here runs across the one of keys
    tile_ = "query_";
    line("query_valid = valid_rows");
    open_tile("", "INNER", size_of_axes(p_.inner));
    factor("queries", p_.queries);
    cut("queries");
    tile_.clear();
    named_ = named;
    declared_.clear();
  }

  void scores() {
    loop_ = p_.inner;
    other_ = p_.columns;
    columns_ = true;
    line("valid = valid_columns");
    open_tile("", "INNER", size_of_axes(p_.inner));
    factor("keys", p_.keys);
    cut("keys");
    line(fmt::format("{} = {}", at(p_.scores).name,
                     dot("queries", "keys", "tl.zeros([ROWS, COLUMNS], tl.float32)", p_.softmax.has_value())));
    declared_.insert(p_.scores);
  }

  // What each value weighs. Of a softmax: beside the largest logit so far.
  void weights() {
    over_scores();
    std::set<int> values;
    collect(p_.softmax ? p_.softmax->logits : p_.weights, values);
    declare_all(values);
    if (!p_.softmax) {
      line(fmt::format("weights = tl.where(inside, {}, 0.0)", narrow(p_.weights)));
      return;
    }
    line(fmt::format("logits = tl.where(inside, {}, -float(\"inf\"))", narrow(p_.softmax->logits)));
    line("top = tl.maximum(highest, tl.max(logits, 1, keep_dims=True))");
    line("level = tl.where(top == -float(\"inf\"), 0.0, top)");
    line("share = tl.exp(highest - level)");
    line("weights = tl.exp(logits - level)");
    line("total = total * share + tl.sum(weights, 1, keep_dims=True)");
    line("highest = top");
  }

  void values() {
    loop_ = p_.columns;
    other_ = p_.width;
    columns_ = true;
    line("valid = valid_lanes");
    open_tile("first", "COLUMNS", end_);
    split_index(p_.width, "lane");
    factor("values", p_.values);
    cut("weights");
    cut("values");
    line("sums = " + dot("weights", "values", p_.softmax ? "sums * share" : "sums", false));
  }

  void results() {
    line(at(p_.results).name + " = sums");
    declared_.insert(p_.results);
    if (p_.softmax) {
      line(at(p_.softmax->top).name + " = highest");
      line(at(p_.softmax->total).name + " = total");
      declared_.insert({p_.softmax->top, p_.softmax->total});
    }
    loop_ = p_.width;
    other_ = p_.rows;
    columns_ = false;
    past_ = s_.streaming;
    line("at = lane");
    line("inside = valid_lanes");
    line("valid = valid_rows");
    split_index(p_.width, "lane");
    for (std::size_t k = 0; k < r_.stores.size(); ++k) {
      std::set<int> values;
      collect(r_.stores[k].value, values);
      declare_all(values);
      store(k, "");
    }
  }

  AttentionShape p_;
  std::string grid_;
};

}  // namespace

Emitted emit_triton_attention(const Region& region, const Schedule& schedule, const std::string& name,
                              const std::string& tune) {
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
