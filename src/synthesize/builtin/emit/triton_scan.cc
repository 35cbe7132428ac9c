#include "synthesize/builtin/emit/triton_scan.h"

#include <fmt/format.h>

#include <bit>
#include <functional>
#include <set>

#include "synthesize/builtin/emit/triton_text.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

const char* none_of(ReduceOp op) {
  return op == ReduceOp::sum    ? "0.0"
         : op == ReduceOp::prod ? "1.0"
         : op == ReduceOp::max  ? "-float(\"inf\")"
                                : "float(\"inf\")";
}

// Tiles of some rows, or of some columns, from one end of the scanned axis to the other.
class Emitter : private TritonText {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : TritonText(region, schedule, std::move(name), std::move(tune)), axis_(std::countr_zero(region.scanned)) {
    scans_ = r_.scans();
    backward_ = at(scans_[0]).backward;
    past_ = s_.streaming;
  }

  Emitted run() {
    out_.tune = {tune_, s_.block};
    if (s_.sketch == Sketch::rows) rows();
    if (s_.sketch == Sketch::columns) columns();
    if (s_.sketch == Sketch::split) split();
    return std::move(out_);
  }

 private:
  [[nodiscard]] std::set<int> needed(const std::set<int>& wanted) const {
    std::set<int> all;
    for (const int v : wanted) collect(v, all);
    return all;
  }
  [[nodiscard]] std::set<int> stored() const {
    std::set<int> found;
    for (const RegionStore& store : r_.stores) found.insert(store.value);
    return found;
  }
  std::string so_far(int v) const { return at(v).name + "_so_far"; }
  std::string up_to(int v) const { return at(v).name + "_up_to"; }
  [[nodiscard]] int dimension() const { return two_dimensional() && !columns_ ? 1 : 0; }
  std::string helper_of(ReduceOp op) {
    if (op == ReduceOp::sum) return "";
    std::string helper = op == ReduceOp::prod ? "times" : op == ReduceOp::max ? "greater" : "smaller";
    need(helper);
    return helper;
  }
  std::string joined(ReduceOp op, const std::string& a, const std::string& b) {
    if (op == ReduceOp::sum || op == ReduceOp::prod)
      return fmt::format("{} {} {}", a, op == ReduceOp::sum ? "+" : "*", b);
    return fmt::format("{}({}, {})", helper_of(op), a, b);
  }
  std::string reduced_tile(ReduceOp op, const std::string& what) { return reduced(what, helper_of(op)); }

  void begin() {
    begin_kernel();
    loop_ = r_.scanned;
    last_ = true;
    start_ = "0";
    end_ = size(axis_);
    is_small(r_.extent_of(r_.scanned));
  }
  // What no position along the scanned axis changes.
  void scalars(const std::set<int>& wanted) {
    std::set<int> values = needed(wanted);
    std::erase_if(values, [&](int v) { return (at(v).axes & loop_) != 0; });
    declare_all(values);
  }
  // `carry`: the shape of what is known of each row or column.
  void start_scans(const std::string& carry) {
    for (const int v : scans_)
      line(fmt::format("{} = tl.full({}, {}, tl.float64)", so_far(v), carry, none_of(at(v).reduce)));
  }
  void loop(const std::set<int>& wanted, const std::function<void()>& each) {
    const auto declared = declared_;
    const auto named = named_;
    open(fmt::format("for first in tl.range({}, {}, {}):", start_, end_, step_));
    const char* along = !two_dimensional() ? "" : columns_ ? "[:, None]" : "[None, :]";
    const std::string lanes = fmt::format("tl.arange(0, {})", step_);
    const std::string positions = !backward_  ? "first + " + lanes
                                  : s_.turned ? fmt::format("lowest + ({} - 1 - {})", step_, lanes)
                                              : "lowest + " + lanes;
    if (backward_)
      line(start_ == "0" ? fmt::format("lowest = {} - first - {}", end_, step_)
                         : fmt::format("lowest = {} - (first - {}) - {}", end_, start_, step_));
    line(*along == '\0' ? "at = " + positions : fmt::format("at = ({}){}", positions, along));
    line(backward_ ? fmt::format("inside = at >= {}", start_) : fmt::format("inside = at < {}", end_));
    const std::set<int> values = needed(wanted);
    if (needs_indices(values)) split_index(loop_, "at");
    each();
    --depth_;
    declared_ = declared;
    named_ = named;
  }
  std::string terms(int v) {
    const int o = at(v).operands[0];
    declare_all(needed({o}));
    return fmt::format("tl.where(inside, {}, {}).to(tl.float64)", narrow(o), none_of(at(v).reduce));
  }

  void scan_and_store(const std::string& carry, bool fresh) {
    if (fresh) start_scans(carry);
    loop(stored(), [&] {
      const char* const reverse = backward_ && !s_.turned ? "True" : "False";
      const std::string last = backward_ ? "at == lowest" : fmt::format("at == first + ({} - 1)", step_);
      for (const int v : scans_) {
        const ReduceOp op = at(v).reduce;
        const std::string scan = op == ReduceOp::sum
                                     ? fmt::format("tl.cumsum({}, {}, reverse={})", terms(v), dimension(), reverse)
                                     : fmt::format("tl.associative_scan({}, {}, {}, reverse={})", terms(v), dimension(),
                                                   helper_of(op), reverse);
        line(fmt::format("{} = {}", up_to(v), joined(op, so_far(v), scan)));
        line(fmt::format("{} = {}", so_far(v), reduced(fmt::format("tl.where({}, {}, 0.0)", last, up_to(v)), "")));
        line(fmt::format("{} = {}.to(tl.float32)", at(v).name, up_to(v)));
        declared_.insert(v);
      }
      declare_all(needed(stored()));
      for (std::size_t k = 0; k < r_.stores.size(); ++k) store(k, "");
    });
  }

  void rows() {
    begin();
    const std::uint64_t outer = all_ & ~bit(inner_);
    const bool several = s_.lanes <= 32 && outer != 0;
    const std::string lines = r_.extent_of(outer).text;
    step_ =
        constant("BLOCK", several ? std::to_string(s_.lanes * s_.unroll) : fmt::format("{} * {}", tune_, s_.unroll));
    if (several) {
      const std::string count = constant("ROWS", fmt::format("{} // {}", tune_, s_.lanes));
      other_ = outer;
      line(fmt::format("row = (tl.program_id(0).to(tl.int64) * {0} + tl.arange(0, {0}))[:, None]", count));
      line(fmt::format("valid = row < {}", size_of_axes(outer)));
      shape_ = fmt::format("[{}, {}]", count, step_);
    } else {
      shape_ = "[" + step_ + "]";
      if (outer) line("row = tl.program_id(0).to(tl.int64)");
    }
    if (outer) split_index(outer, "row");
    scalars(stored());
    scan_and_store(several ? "[ROWS, 1]" : "()", true);
    end_kernel(name_, describe(), several ? fmt::format("cdiv({}, {} // {})", lines, tune_, s_.lanes) : lines);
  }

  void columns() {
    begin();
    const Axis& inner = r_.axes[static_cast<std::size_t>(inner_)];
    const std::uint64_t outer = all_ & ~bit(inner_) & ~r_.scanned;
    const std::string each = fmt::format("{} // {} * {}", tune_, s_.lanes, s_.width);
    const std::string pieces = fmt::format("cdiv({}, {})", inner.extent.text, each);
    step_ = constant("BLOCK", std::to_string(s_.lanes * s_.unroll));
    const std::string count = constant("COLUMNS", each);
    std::string piece = "tl.program_id(0).to(tl.int64)";
    if (outer) {
      const std::string a = argument("int64_t", "pieces", pieces);
      line("program = " + piece);
      line(fmt::format("row = program // {}", a));
      split_index(outer, "row");
      piece = fmt::format("(program % {})", a);
    }
    columns_ = true;
    other_ = bit(inner_);
    shape_ = fmt::format("[{}, {}]", step_, count);
    line(fmt::format("{0} = ({1} * {2} + tl.arange(0, {2}))[None, :]", inner.name, piece, count));
    line(fmt::format("valid = {} < {}", inner.name, size(inner_)));
    scalars(stored());
    scan_and_store("[1, COLUMNS]", true);
    end_kernel(name_, describe(), outer ? fmt::format("{} * ({})", pieces, r_.extent_of(outer).text) : pieces);
  }

  void split() {
    const std::uint64_t outer = all_ & ~bit(inner_);
    const std::string row_count = outer ? "(" + r_.extent_of(outer).text + ")" : "1";
    const std::string& whole = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
    const std::string each = fmt::format("({} * {})", tune_, s_.unroll);
    const std::string wanted = fmt::format("max(1, {} // {})", s_.resident, row_count);
    const std::string length = fmt::format("cdiv(cdiv({}, {}), {}) * {}", whole, wanted, each, each);
    const std::string chunks_text = fmt::format("cdiv({}, {})", whole, length);
    const std::string grid = fmt::format("{} * {}", row_count, chunks_text), partial = name_ + "_part";
    for (const bool last : {false, true}) {
      begin();
      const std::string chunks = argument("int64_t", "chunks", chunks_text);
      step_ = constant("BLOCK", fmt::format("{} * {}", tune_, s_.unroll));
      shape_ = "[" + step_ + "]";
      line("program = tl.program_id(0)");
      line(fmt::format("row = (program // {}).to(tl.int64)", chunks));
      line(fmt::format("chunk = program % {}", chunks));
      line(fmt::format("begin = chunk * {}", argument("int64_t", "length", length)));
      line(fmt::format("end = tl.minimum(begin + length, {})", size(inner_)));
      past_ = s_.streaming && last;  // the first pass leaves what the second one reads
      start_ = "begin";
      end_ = "end";
      if (outer) split_index(outer, "row");
      const std::string place = fmt::format("row * {}", chunks), numbers = std::to_string(scans_.size());
      if (last) {
        scalars(stored());
        const std::string from = argument("const double*", partial + "_from", partial);
        line(fmt::format("block = tl.arange(0, {})", constant("CHUNKS", fmt::format("next_pow2({})", chunks_text))));
        line(backward_ ? fmt::format("there = (block > chunk) & (block < {})", chunks) : "there = block < chunk");
        for (std::size_t k = 0; k < scans_.size(); ++k) {
          const int v = scans_[k];
          line(fmt::format(
              "{} = {}", so_far(v),
              reduced_tile(at(v).reduce, fmt::format("tl.load({} + ({} + block) * {} + {}, mask=there, other={})", from,
                                                     place, numbers, k, none_of(at(v).reduce)))));
        }
        scan_and_store("()", false);
        end_kernel(name_, describe(), grid);
        continue;
      }
      std::set<int> operands;
      for (const int v : scans_) operands.insert(at(v).operands[0]);
      scalars(operands);
      start_scans("()");
      loop(operands, [&] {
        for (const int v : scans_) {
          const std::string all = reduced_tile(at(v).reduce, terms(v));
          line(fmt::format("{} = {}", so_far(v), joined(at(v).reduce, so_far(v), all)));
        }
      });
      const std::string to = argument("double*", partial + "_to", partial);
      for (std::size_t k = 0; k < scans_.size(); ++k)
        line(fmt::format("tl.store({} + ({} + chunk) * {} + {}, {})", to, place, numbers, k, so_far(scans_[k])));
      out_.scratch.push_back({.name = partial, .dtype = "f64", .shape = {grid, numbers}});
      end_kernel(name_ + "_pieces", fmt::format("{}: what each piece of a row comes to", describe()), grid);
    }
  }

  int axis_ = 0;
  bool backward_ = false;
  std::vector<int> scans_;
};

}  // namespace

Emitted emit_triton_scan(const Region& region, const Schedule& schedule, const std::string& name,
                         const std::string& tune) {
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
