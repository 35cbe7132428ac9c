#include "synthesize/emit/cpp.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "synthesize/emit/cpp_expressions.h"
#include "synthesize/lowering.h"

namespace kerf {
namespace {

constexpr std::uint64_t bit(int axis) { return std::uint64_t{1} << axis; }

enum class Place : std::uint8_t {
  task,
  outer,
  lane
};  // once a task or row; in a loop around the vectors; for 16 elements

class Emitter {
 public:
  Emitter(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : r_(region), s_(schedule), name_(std::move(name)), tune_(std::move(tune)) {
    inner_ = static_cast<int>(r_.axes.size()) - 1;
    for (int a = 0; a <= inner_; ++a) all_ |= bit(a);
    kept_ = all_ & ~r_.reduced;
  }

  Emitted run() {
    out_.tune = {tune_, s_.block};
    switch (s_.sketch) {
      case Sketch::flat:
        flat();
        break;
      case Sketch::rows:
        rows();
        break;
      case Sketch::columns:
        columns();
        break;
      case Sketch::split:
        split();
        break;
    }
    return std::move(out_);
  }

 private:
  // --- text -------------------------------------------------------------------------------------------------------
  void line(const std::string& text) { body_ += std::string(2 * static_cast<std::size_t>(depth_), ' ') + text + "\n"; }
  void open(const std::string& text) {
    line(text);
    ++depth_;
  }
  void close(const std::string& text = "}") {
    --depth_;
    line(text);
  }
  void need(const std::string& helper) {
    if (std::ranges::find(out_.helpers, helper) == out_.helpers.end()) out_.helpers.push_back(helper);
  }

  // --- a kernel's arguments ---------------------------------------------------------------------------------------
  void begin_kernel() {
    parameters_.clear();
    arguments_.clear();
    body_.clear();
    depth_ = 1;
    declared_.clear();
    pointers_.clear();
  }
  std::string argument(const std::string& type, const std::string& name, const std::string& text) {
    for (std::size_t i = 0; i < parameters_.size(); ++i)
      if (parameters_[i].second == name) return name;
    parameters_.emplace_back(type, name);
    arguments_.push_back(text);
    return name;
  }
  std::string size(int axis) {
    std::string n(1, static_cast<char>(std::toupper(r_.axes[static_cast<std::size_t>(axis)].name[0])));
    return argument("int64_t", n, r_.axes[static_cast<std::size_t>(axis)].extent.text);
  }
  std::string size_of_axes(std::uint64_t mask) {
    std::string text;
    for (int a = 0; a <= inner_; ++a)
      if (mask & bit(a)) text += (text.empty() ? "" : " * ") + size(a);
    return text.empty() ? "1" : text;
  }
  void end_kernel(const std::string& name, const std::string& comment, std::vector<std::string> grid,
                  const std::vector<std::string>& indices) {
    if (body_.find("put_past(") != std::string::npos) body_ += "  stream_end();\n";
    std::string text = "\n// " + comment + "\nextern \"C\" void " + name + "(";
    std::string row;
    for (const auto& [type, parameter] : parameters_) {
      const bool pointer = type.ends_with("*");
      row += (row.empty() ? "" : ", ") + type + (pointer ? " __restrict__ " : " ") + parameter;
    }
    for (const std::string& index : indices) row += (row.empty() ? "" : ", ") + std::string("int64_t ") + index;
    out_.source += text + row + ") {\n" + body_ + "}\n";
    out_.launches.push_back({.kernel = name, .grid = std::move(grid), .args = arguments_});
  }

  // --- tensors ----------------------------------------------------------------------------------------------------
  const char* element(const Access& a) const {
    return a.type == Type::i64 ? "int64_t" : a.type == Type::mask ? "bool" : "float";
  }
  std::string pointer(const Access& access, const std::string& name, bool writes) {
    return argument(fmt::format("{}{}*", writes ? "" : "const ", element(access)),
                    writes ? name + "_to" : name + "_from", placeholder(access.tensor));
  }
  std::string stride(const Access& access, const Extent& stride_extent, int axis, const std::string& name) {
    if (stride_extent.is(1) && access.contiguous) return "1";
    if (access.contiguous && !access.pick) {
      std::uint64_t below = 0;
      Extent product = one(r_.workloads);
      for (const Subscript& s : access.subscripts)
        if (s.axis > axis) {
          below |= bit(s.axis);
          product = product * r_.axes[static_cast<std::size_t>(s.axis)].extent;
        }
      if (product.values == stride_extent.values) return size_of_axes(below);
    }
    return argument("int64_t",
                    fmt::format("{}_stride_{}", name, axis < 0 ? "pick" : r_.axes[static_cast<std::size_t>(axis)].name),
                    stride_extent.text);
  }
  // Element offset by all axes but those in `without`.
  std::string offset(const Access& access, const std::string& name, std::uint64_t without) {
    std::string text;
    std::vector<Subscript> ordered = access.subscripts;
    std::ranges::sort(ordered, {}, &Subscript::axis);
    for (const Subscript& s : ordered) {
      if (without & bit(s.axis)) continue;
      const std::string step = stride(access, s.stride, s.axis, name);
      text += " + " + r_.axes[static_cast<std::size_t>(s.axis)].name + (step == "1" ? "" : " * " + step);
    }
    if (access.pick) {
      const std::string step = stride(access, access.pick_stride, -1, name);
      text +=
          " + " + cpp_name(r_.code[static_cast<std::size_t>(*access.pick)].name) + (step == "1" ? "" : " * " + step);
    }
    return text;
  }
  std::uint64_t axes_of(const Access& access) const {
    std::uint64_t mask = 0;
    for (const Subscript& s : access.subscripts) mask |= bit(s.axis);
    return mask;
  }

  // --- values -----------------------------------------------------------------------------------------------------
  const Instruction& at(int v) const { return r_.code[static_cast<std::size_t>(v)]; }
  bool along_inner(int v) const { return inner_ >= 0 && (at(v).axes & bit(inner_)) != 0; }
  bool kept_value(int v) const { return (at(v).axes & r_.reduced) == 0; }

  // What must be computed for the sinks, operands first, stopping at what is declared already.
  void collect(int v, std::set<int>& into) const {
    if (into.contains(v) || declared_.contains(v)) return;
    into.insert(v);
    if (at(v).form == Instruction::Form::reduce) return;
    for (const int o : at(v).operands) collect(o, into);
    if (at(v).access.pick) collect(*at(v).access.pick, into);
  }

  CppOperand operand(int v, bool lane) {
    const Instruction& i = at(v);
    if (i.form == Instruction::Form::constant) return {.text = cpp_literal(i.constant), .vector = false};
    if (i.form == Instruction::Form::parameter)
      return {.text = argument("float", i.name + "_value", i.text), .vector = false};
    const bool vector = lane && along_inner(v);
    if (arrays_.contains(v)) {
      need("at");
      return vector ? CppOperand{fmt::format("load16({} + {})", i.name, column_), true} : CppOperand{i.name, false};
    }
    return {.text = cpp_name(i.name), .vector = vector, .type = i.type};
  }

  // Declares one value. In a lane, `index` is the innermost position relative to the pointers, w the number of
  // elements.
  void declare(int v, Place place) {
    const Instruction& i = at(v);
    if (i.form == Instruction::Form::constant || i.form == Instruction::Form::parameter) return;
    const bool vector = place == Place::lane && along_inner(v);
    const std::string name = cpp_name(i.name);
    if (i.form == Instruction::Form::load) {
      const std::string base = pointer(i.access, i.name, false);
      const Subscript* s = inner_ >= 0 ? i.access.along(inner_) : nullptr;
      if (!vector) {
        line(fmt::format("const {} {} = {}[{}];", element(i.access), name, base,
                         cpp_index(offset(i.access, i.name, 0))));
        return;
      }
      const std::string step = stride(i.access, s->stride, inner_, i.name);
      const std::string from = pointers_.contains(v) ? pointers_.at(v) : base + offset(i.access, i.name, bit(inner_));
      const std::string here = fmt::format("{} + {}{}", from, lane_index_, step == "1" ? "" : " * " + step);
      if (i.access.type == Type::i64) {
        need("whole");
        line(fmt::format("const f32x16 {} = whole({}, {}, w);", name, here, step));
      } else if (i.access.type == Type::mask) {
        need("flags");
        line(fmt::format("const auto {} = flags({}, {}, w);", name, here, step));
      } else if (step == "1") {
        need("at");
        line(fmt::format("const f32x16 {} = at({}, w);", name, here));
      } else {
        need("gather");
        line(fmt::format("const f32x16 {} = gather({}, {}, w);", name, here, step));
      }
      return;
    }
    std::vector<CppOperand> operands;
    for (const int o : i.operands) {
      operands.push_back(operand(o, place == Place::lane));
      if (i.type == Type::i64 && at(o).form == Instruction::Form::constant)
        operands.back().text = fmt::format("{}", static_cast<std::int64_t>(at(o).constant));
    }
    const std::string text = cpp_expression(i.op, operands, vector, [this](const std::string& h) { need(h); });
    const char* type = vector ? (i.type == Type::mask ? "auto" : "f32x16")
                              : (i.type == Type::mask  ? "bool"
                                 : i.type == Type::i64 ? "int64_t"
                                                       : "float");
    line(fmt::format("const {} {} = {};", type, name, text));
  }
  void declare_all(const std::set<int>& values, Place place) {
    for (const int v : values) {
      if (declared_.contains(v) || at(v).form == Instruction::Form::reduce) continue;
      declare(v, place);
      declared_.insert(v);
    }
  }

  // Pointers to the innermost axis, one a load: declared where the other indices are known.
  void declare_pointers(const std::set<int>& values) {
    for (const int v : values) {
      if (at(v).form != Instruction::Form::load || !along_inner(v) || pointers_.contains(v)) continue;
      const std::string base = pointer(at(v).access, at(v).name, false);
      const std::string rest = offset(at(v).access, at(v).name, bit(inner_));
      if (rest.empty()) {
        pointers_[v] = base;
        continue;
      }
      const std::string name = at(v).name + "_at";
      line(fmt::format("const {}* {} = {}{};", element(at(v).access), name, base, rest));
      pointers_[v] = name;
    }
  }

  // for loops over some axes, outermost first; returns how many were opened.
  int open_loops(std::uint64_t mask) {
    int opened = 0;
    for (int a = 0; a <= inner_; ++a) {
      if (!(mask & bit(a))) continue;
      const std::string& n = r_.axes[static_cast<std::size_t>(a)].name;
      open(fmt::format("for (int64_t {0} = 0; {0} < {1}; ++{0}) {{", n, size(a)));
      ++opened;
    }
    return opened;
  }
  // Indices of the axes of `mask` from one flattened number.
  void unflatten(std::uint64_t mask, const std::string& flat_index) {
    std::vector<int> list;
    for (int a = 0; a <= inner_; ++a)
      if (mask & bit(a)) list.push_back(a);
    for (std::size_t k = 0; k < list.size(); ++k) {
      const std::string& n = r_.axes[static_cast<std::size_t>(list[k])].name;
      std::uint64_t below = 0;
      for (std::size_t m = k + 1; m < list.size(); ++m) below |= bit(list[m]);
      std::string text = flat_index;
      if (below) text += " / " + (list.size() - k > 2 ? "(" + size_of_axes(below) + ")" : size_of_axes(below));
      if (k > 0) text = (below ? text : flat_index) + " % " + size(list[k]);
      line(fmt::format("const int64_t {} = {};", n, text));
    }
  }

  // --- passes -----------------------------------------------------------------------------------------------------
  struct Scope {
    std::set<int> declared;
    std::map<int, std::string> pointers;
  };
  Scope save() const { return {declared_, pointers_}; }
  void restore(Scope scope) {
    declared_ = std::move(scope.declared);
    pointers_ = std::move(scope.pointers);
  }

  // One pass over the reduced axes: opens loops around the innermost, declares what they fix, and calls `inside` with
  // the values that are left for the lanes. `chunk` names the range of the axis that is cut up, if any.
  template <class Inside>
  void pass(const std::set<int>& wanted, std::uint64_t loops, Inside inside) {
    const Scope scope = save();
    const int opened = open_loops(loops & ~bit(inner_) & ~chunked_);
    int chunk_loop = 0;
    if (chunked_ && chunked_ != bit(inner_) && (loops & chunked_)) {
      const int a = axis_of(chunked_);
      const std::string& n = r_.axes[static_cast<std::size_t>(a)].name;
      open(fmt::format("for (int64_t {0} = begin; {0} < end; ++{0}) {{", n));
      chunk_loop = 1;
    }
    std::set<int> values;
    for (const int v : wanted) collect(v, values);
    std::set<int> scalars, lanes;
    for (const int v : values) (along_inner(v) ? lanes : scalars).insert(v);
    declare_all(scalars, Place::outer);
    declare_pointers(lanes);
    inside(lanes);
    for (int i = 0; i < opened + chunk_loop; ++i) close();
    leave(scope, opened + chunk_loop == 0, lanes);
  }
  // What was declared in loops or lanes is gone; outside of loops, scalars and pointers stay.
  void leave(Scope scope, bool same_block, const std::set<int>& lanes) {
    if (!same_block) return restore(std::move(scope));
    for (const int v : lanes)
      if (!scope.declared.contains(v)) declared_.erase(v);
  }
  int axis_of(std::uint64_t mask) const {
    int a = 0;
    while (!(mask >> a & 1U)) ++a;
    return a;
  }
  std::pair<std::string, std::string> inner_range() {
    if (chunked_ == bit(inner_)) return {"begin", "end"};
    return {"0", size(inner_)};
  }
  std::string first_of(ReduceOp op) const {
    return op == ReduceOp::max ? "-__builtin_inff()" : op == ReduceOp::min ? "__builtin_inff()" : "1.0f";
  }

  // Reductions of a wave over the innermost (reduced) axis and the loops around it. Leaves `const float NAME`, or, when
  // `partial` is set, `double NAME_total` for the caller to store.
  void reduce_wave(int wave, bool partial) {
    for (const ReduceOp op : {ReduceOp::max, ReduceOp::min, ReduceOp::prod, ReduceOp::sum}) {
      std::vector<int> group;
      for (const int v : r_.reductions(wave))
        if (at(v).reduce == op) group.push_back(v);
      if (group.empty()) continue;
      const bool sum = op == ReduceOp::sum;
      const std::string totals = fmt::format("{}_{}{}", to_string(op), "of_pass_", wave);
      std::string init;
      for (std::size_t k = 0; k < group.size(); ++k) init += (k ? ", " : "") + (sum ? std::string("0") : first_of(op));
      line(fmt::format("{} {}[{}] = {{{}}};", sum ? "double" : "float", totals, group.size(), init));
      std::set<int> wanted;
      for (const int v : group) wanted.insert(at(v).operands[0]);
      pass(wanted, r_.reduced, [&](const std::set<int>& lanes) {
        const auto [begin, end] = inner_range();
        const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
        lane_index_ = n;
        if (sum) {
          need("sums");
          open(fmt::format("sums<{}, {}, {}>({}, {}, {}, [&](int64_t {}, [[maybe_unused]] int64_t w, f32x16* term) {{",
                           group.size(), s_.accumulators, s_.chunk, begin, end, totals, n));
        } else {
          need("folds");
          const char* fold = op == ReduceOp::max ? "greater(a, b)" : op == ReduceOp::min ? "smaller(a, b)" : "a * b";
          if (op != ReduceOp::prod) need(op == ReduceOp::max ? "greater" : "smaller");
          line(fmt::format("const auto {}_of = [](auto a, auto b) {{ return {}; }};", totals, fold));
          open(fmt::format(
              "folds<{}, {}>({}, {}, {}, {}, {}_of, [&](int64_t {}, [[maybe_unused]] int64_t w, f32x16* term) {{",
              group.size(), s_.accumulators, begin, end, first_of(op), totals, totals, n));
        }
        declare_all(lanes, Place::lane);
        for (std::size_t k = 0; k < group.size(); ++k)
          line(fmt::format("term[{}] = {};", k, as_vector(operand(at(group[k]).operands[0], true))));
        close("});");
      });
      for (std::size_t k = 0; k < group.size(); ++k) {
        if (!partial) {
          line(fmt::format("const float {} = {}{}[{}];", cpp_name(at(group[k]).name), sum ? "(float)" : "", totals, k));
          declared_.insert(group[k]);
        }
      }
    }
  }
  std::string as_vector(const CppOperand& o) const { return o.vector ? o.text : "splat16(" + o.text + ")"; }

  // Values that do not change along the reduced axes and are needed later, once a row.
  std::set<int> row_values(int after_wave) const {
    std::set<int> found;
    for (std::size_t k = 0; k < r_.code.size(); ++k) {
      const int v = static_cast<int>(k);
      if (at(v).form == Instruction::Form::reduce || !kept_value(v) || at(v).wave > after_wave || declared_.contains(v))
        continue;
      if (at(v).form == Instruction::Form::constant || at(v).form == Instruction::Form::parameter) continue;
      found.insert(v);
    }
    return found;
  }

  void store_lane(const RegionStore& store, const std::string& base) {
    const Subscript* s = store.access.along(inner_);
    const std::string value = as_vector(operand(store.value, true));
    const std::string name = "out" + std::to_string(&store - r_.stores.data());
    const std::string step = s ? stride(store.access, s->stride, inner_, name) : "0";
    if (step == "1") {
      need(s_.streaming ? "put_past" : "put");
      line(fmt::format("{}({} + {}, {}, w);", s_.streaming ? "put_past" : "put", base, lane_index_, value));
    } else {
      need("scatter");
      line(fmt::format("scatter({} + {} * {}, {}, {}, w);", base, lane_index_, step, step, value));
    }
  }
  std::string store_pointer(std::size_t k, const std::string& name) { return pointer(r_.stores[k].access, name, true); }
  std::string store_name(std::size_t k) const {
    return "out" + (r_.stores.size() > 1 ? std::to_string(k) : std::string());
  }

  // Stores that change along the innermost axis, in one pass over `loops`.
  void store_pass(std::uint64_t loops, bool inner_stores) {
    std::set<int> wanted;
    std::vector<std::size_t> which;
    for (std::size_t k = 0; k < r_.stores.size(); ++k) {
      const bool inner = inner_ >= 0 && (axes_of(r_.stores[k].access) & (bit(inner_) | r_.reduced)) != 0;
      if (inner != inner_stores) continue;
      which.push_back(k);
      wanted.insert(r_.stores[k].value);
    }
    if (which.empty()) return;
    if (!inner_stores) {
      std::set<int> values;
      for (const int v : wanted) collect(v, values);
      declare_all(values, Place::task);
      for (const std::size_t k : which)
        line(fmt::format("{}[{}] = {};", store_pointer(k, store_name(k)),
                         cpp_index(offset(r_.stores[k].access, store_name(k), 0)),
                         operand(r_.stores[k].value, false).text));
      return;
    }
    pass(wanted, loops, [&](const std::set<int>& lanes) {
      std::map<std::size_t, std::string> bases;
      for (const std::size_t k : which) {
        const std::string base = store_pointer(k, store_name(k));
        const std::string rest = offset(r_.stores[k].access, store_name(k), bit(inner_));
        bases[k] = base;
        if (rest.empty()) continue;
        bases[k] = store_name(k) + "_at";
        line(fmt::format("float* {} = {}{};", bases[k], base, rest));
      }
      const auto [begin, end] = inner_range();
      const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
      lane_index_ = n;
      need("each16");
      open(fmt::format("each16<{}>({}, {}, [&](int64_t {}, int64_t w) {{", s_.unroll, begin, end, n));
      declare_all(lanes, Place::lane);
      for (const std::size_t k : which) store_lane(r_.stores[k], bases[k]);
      close("});");
    });
  }

  std::string describe() const {
    std::string text;
    for (const Axis& axis : r_.axes)
      text += fmt::format("{}{} < {}", text.empty() ? "" : ", ", axis.name, readable(axis.extent.text));
    return text;
  }
  // Placeholders without their marks, for comments.
  static std::string readable(const std::string& text) {
    std::string out;
    bool inside = false, index = false;
    for (const char c : text) {
      if (c == '@') {
        inside = !inside;
        index = false;
      } else if (inside && c == '#') {
        index = true;
      } else if (!index) {
        out += c;
      }
    }
    return out;
  }

  // --- sketches ---------------------------------------------------------------------------------------------------
  void flat() {
    begin_kernel();
    if (inner_ < 0) {  // a single element
      store_pass(0, false);
      end_kernel(name_, "one element", {"1"}, {"task"});
      return;
    }
    const std::uint64_t outer = all_ & ~bit(inner_);
    need("least");
    const std::string n = size(inner_);
    line(fmt::format("const int64_t begin = block * {0}, end = least(begin + {0}, {1});", tune_, n));
    chunked_ = bit(inner_);
    const std::string& extent = r_.axes[static_cast<std::size_t>(inner_)].extent.text;
    std::vector<std::string> grid = {fmt::format("cdiv({}, {})", extent, tune_)};
    std::vector<std::string> indices = {"block"};
    if (outer) {
      // Short innermost axes: a task takes several of them.
      const std::string rows = argument("int64_t", "rows", fmt::format("max(1, {} // ({}))", tune_, extent));
      open(fmt::format("for (int64_t row = group * {0}; row < least((group + 1) * {0}, {1}); ++row) {{", rows,
                       size_of_axes(outer)));
      unflatten(outer, "row");
      grid.push_back(fmt::format("cdiv({}, max(1, {} // ({})))", r_.extent_of(outer).text, tune_, extent));
      indices.emplace_back("group");
    }
    // Stores that do not change along the innermost axis belong to the first block.
    store_pass(0, true);
    bool small = false;
    for (const RegionStore& store : r_.stores) small = small || (axes_of(store.access) & bit(inner_)) == 0;
    if (small) {
      open("if (block == 0) {");
      store_pass(0, false);
      close();
    }
    if (outer) close();
    chunked_ = 0;
    end_kernel(name_, describe(), grid, indices);
  }

  void waves_and_stores() {
    declare_all(row_values(0), Place::task);
    for (int wave = 1; wave <= r_.waves; ++wave) {
      reduce_wave(wave, false);
      declare_all(row_values(wave), Place::task);
    }
    store_pass(r_.reduced, true);
    store_pass(0, false);
  }

  void rows() {
    begin_kernel();
    const std::string reduced = r_.extent_of(r_.reduced).text;
    if (kept_) {
      need("least");
      const std::string rows_arg = argument("int64_t", "rows", fmt::format("max(1, {} // ({}))", tune_, reduced));
      open(fmt::format("for (int64_t row = group * {0}; row < least((group + 1) * {0}, {1}); ++row) {{", rows_arg,
                       size_of_axes(kept_)));
      unflatten(kept_, "row");
      waves_and_stores();
      close();
      end_kernel(name_, describe(),
                 {fmt::format("cdiv({}, max(1, {} // ({})))", r_.extent_of(kept_).text, tune_, reduced)}, {"group"});
    } else {
      waves_and_stores();
      end_kernel(name_, describe(), {"1"}, {"task"});
    }
  }

  // Partial results of wave w, f64, lie in NAME_w[row][chunk][reduction].
  std::string partial_name(int wave) const { return fmt::format("{}_part{}", name_, wave); }
  void combine(int wave) {
    const std::vector<int> all = r_.reductions(wave);
    const std::string from = argument("const double*", partial_name(wave), partial_name(wave));
    const std::string n = std::to_string(all.size());
    for (std::size_t k = 0; k < all.size(); ++k) {
      const ReduceOp op = at(all[k]).reduce;
      const std::string name = cpp_name(at(all[k]).name), total = name + "_total";
      line(fmt::format("double {} = {};", total, op == ReduceOp::sum ? "0" : first_of(op)));
      std::string element_text = fmt::format("{}[(row * chunks + c) * {} + {}]", from, n, k);
      std::string step = op == ReduceOp::sum ? fmt::format("{} += {}", total, element_text) : "";
      if (op == ReduceOp::max || op == ReduceOp::min) {
        need(op == ReduceOp::max ? "greater" : "smaller");
        step = fmt::format("{0} = {1}((float){2}, (float){0})", total, op == ReduceOp::max ? "greater" : "smaller",
                           element_text);
      }
      line(fmt::format("for (int64_t c = 0; c < chunks; ++c) {};", step));
      line(fmt::format("const float {} = (float){};", name, total));
      declared_.insert(all[k]);
    }
  }
  void split() {
    const int cut = axis_of(r_.reduced);
    const std::string inner_extent = r_.extent_of(r_.reduced & ~bit(cut)).text;
    const std::string cut_extent = r_.axes[static_cast<std::size_t>(cut)].extent.text;
    const bool alone = (r_.reduced & ~bit(cut)) == 0;
    const std::string length = alone ? tune_ : fmt::format("max(1, {} // ({}))", tune_, inner_extent);
    const std::string chunks = fmt::format("cdiv({}, {})", cut_extent, length);
    const std::string row_count = r_.extent_of(kept_).text;
    bool reduced_stores = false;
    for (const RegionStore& store : r_.stores)
      reduced_stores = reduced_stores || (axes_of(store.access) & r_.reduced) != 0;
    for (int wave = 1; wave <= r_.waves + 1; ++wave) {
      const bool last = wave > r_.waves;
      begin_kernel();
      const bool loops = !last || reduced_stores;
      if (loops) {
        need("least");
        const std::string step = alone ? tune_ : argument("int64_t", "length", length);
        line(fmt::format("const int64_t begin = chunk * {0}, end = least(begin + {0}, {1});", step, size(cut)));
      }
      if (wave > 1 || !last) argument("int64_t", "chunks", chunks);
      if (kept_) unflatten(kept_, "row");
      for (int before = 1; before < wave; ++before) {
        declare_all(row_values(before - 1), Place::task);
        combine(before);
      }
      declare_all(row_values(wave - 1), Place::task);
      std::string kernel = last ? name_ : fmt::format("{}_pass{}", name_, wave);
      if (!last) {
        chunked_ = bit(cut);
        reduce_wave(wave, true);
        chunked_ = 0;
        const std::vector<int> all = r_.reductions(wave);
        const std::string to = argument("double*", partial_name(wave), partial_name(wave));
        for (const ReduceOp op : {ReduceOp::max, ReduceOp::min, ReduceOp::prod, ReduceOp::sum}) {
          int in_group = 0;
          for (std::size_t k = 0; k < all.size(); ++k)
            if (at(all[k]).reduce == op)
              line(fmt::format("{}[(row * chunks + chunk) * {} + {}] = {}_of_pass_{}[{}];", to, all.size(), k,
                               to_string(op), wave, in_group++));
        }
        out_.scratch.push_back(
            {.name = partial_name(wave), .dtype = "f64", .shape = {row_count, chunks, std::to_string(all.size())}});
        end_kernel(kernel,
                   fmt::format("{}: partial results of pass {} for each chunk of {}", describe(), wave,
                               r_.axes[static_cast<std::size_t>(cut)].name),
                   {chunks, row_count}, {"chunk", "row"});
        continue;
      }
      if (reduced_stores) {
        chunked_ = bit(cut);
        store_pass(r_.reduced, true);
        chunked_ = 0;
        open("if (chunk == 0) {");
        store_pass(0, false);
        close();
        if (body_.ends_with("  if (chunk == 0) {\n  }\n"))
          body_.erase(body_.size() - std::string("  if (chunk == 0) {\n  }\n").size());
        end_kernel(kernel, describe(), {chunks, row_count}, {"chunk", "row"});
      } else {
        store_pass(0, false);
        end_kernel(kernel, describe(), {row_count}, {"row"});
      }
    }
  }

  // The innermost axis is kept: a block of its columns at a time, values that change along it in arrays.
  void columns() {
    begin_kernel();
    need("least");
    const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
    const std::uint64_t outer = kept_ & ~bit(inner_);
    line(fmt::format("const int64_t begin = block * {0}, width = least({0}, {1} - begin);", tune_, size(inner_)));
    if (outer) unflatten(outer, "row");
    column_ = "c";
    const auto lanes_over_columns = [&](const std::set<int>& wanted, auto&& sink) {
      const Scope scope = save();
      std::set<int> values, scalars, lanes;
      for (const int v : wanted) collect(v, values);
      for (const int v : values) (along_inner(v) ? lanes : scalars).insert(v);
      declare_all(scalars, Place::outer);
      declare_pointers(lanes);
      need("each16");
      open(fmt::format("each16<{}>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {{", s_.unroll));
      lane_index_ = "begin + c";
      declare_all(lanes, Place::lane);
      sink();
      close("});");
      leave(scope, true, lanes);
    };
    const auto row_arrays = [&](int wave) {
      for (const int v : row_values(wave)) {
        if (!along_inner(v)) {
          declare(v, Place::task);
          declared_.insert(v);
          continue;
        }
        if (at(v).form == Instruction::Form::load || at(v).type != Type::f32)
          continue;  // cheaper, or only possible, where it is used
        bool from_reduction = at(v).wave > 0;
        if (!from_reduction) continue;
        if (!used_later(v, wave)) continue;
        line(fmt::format("float {}[{}];", cpp_name(at(v).name), tune_));
        lanes_over_columns({v}, [&] { line(fmt::format("store16({0} + c, {0});", cpp_name(at(v).name))); });
        fix_shadow(v);
        declared_.insert(v);
        arrays_.insert(v);
      }
    };
    row_arrays(0);
    for (int wave = 1; wave <= r_.waves; ++wave) {
      const std::vector<int> all = r_.reductions(wave);
      std::set<int> wanted;
      bool any_sum = false;
      for (const int v : all) {
        const std::string name = cpp_name(at(v).name);
        wanted.insert(at(v).operands[0]);
        const bool sum = at(v).reduce == ReduceOp::sum;
        any_sum = any_sum || sum;
        line(fmt::format("float {}[{}];", name, tune_));
        if (sum) line(fmt::format("double {}_total[{}] = {{}};", name, tune_));
        if (!sum)
          line(fmt::format("for (int64_t c = 0; c < {}; ++c) {}[c] = {};", tune_, name, first_of(at(v).reduce)));
      }
      const std::string steps = size_of_axes(r_.reduced);
      if (any_sum) {
        // Floats for 64 steps, then doubles.
        open(fmt::format("for (int64_t first = 0; first < {}; first += 64) {{", steps));
        for (const int v : all)
          if (at(v).reduce == ReduceOp::sum)
            line(fmt::format("for (int64_t c = 0; c < {}; ++c) {}[c] = 0;", tune_, cpp_name(at(v).name)));
        open(fmt::format("for (int64_t step = first; step < least(first + 64, {}); ++step) {{", steps));
      } else {
        open(fmt::format("for (int64_t step = 0; step < {}; ++step) {{", steps));
      }
      const Scope scope = save();
      unflatten(r_.reduced, "step");
      lanes_over_columns(wanted, [&] {
        for (const int v : all) {
          const std::string name = cpp_name(at(v).name), term = as_vector(operand(at(v).operands[0], true));
          const std::string now = fmt::format("load16({} + c)", name);
          switch (at(v).reduce) {
            case ReduceOp::sum:
              line(fmt::format("store16({} + c, {} + {});", name, now, term));
              break;
            case ReduceOp::prod:
              line(fmt::format("store16({} + c, {} * {});", name, now, term));
              break;
            case ReduceOp::max:
              need("greater");
              line(fmt::format("store16({} + c, greater({}, {}));", name, term, now));
              break;
            case ReduceOp::min:
              need("smaller");
              line(fmt::format("store16({} + c, smaller({}, {}));", name, term, now));
              break;
          }
        }
      });
      restore(scope);
      close();
      if (any_sum) {
        for (const int v : all)
          if (at(v).reduce == ReduceOp::sum)
            line(fmt::format("for (int64_t c = 0; c < width; ++c) {0}_total[c] += {0}[c];", cpp_name(at(v).name)));
        close();
        for (const int v : all)
          if (at(v).reduce == ReduceOp::sum)
            line(
                fmt::format("for (int64_t c = 0; c < width; ++c) {0}[c] = (float){0}_total[c];", cpp_name(at(v).name)));
      }
      for (const int v : all) {
        declared_.insert(v);
        arrays_.insert(v);
      }
      row_arrays(wave);
    }
    // Stores: along the reduced axes, then those of the columns alone.
    for (const bool reduced : {true, false}) {
      std::set<int> wanted;
      std::vector<std::size_t> which;
      for (std::size_t k = 0; k < r_.stores.size(); ++k)
        if (((axes_of(r_.stores[k].access) & r_.reduced) != 0) == reduced) {
          which.push_back(k);
          wanted.insert(r_.stores[k].value);
        }
      if (which.empty()) continue;
      const Scope scope = save();
      int opened = 0;
      if (reduced) opened = open_loops(r_.reduced);
      std::map<std::size_t, std::string> bases;
      for (const std::size_t k : which) {
        const std::string base = store_pointer(k, store_name(k));
        const std::string rest = offset(r_.stores[k].access, store_name(k), bit(inner_));
        bases[k] = base;
        if (rest.empty()) continue;
        bases[k] = store_name(k) + "_at" + (reduced ? "" : "_columns");
        line(fmt::format("float* {} = {}{};", bases[k], base, rest));
      }
      lanes_over_columns(wanted, [&] {
        for (const std::size_t k : which) store_lane(r_.stores[k], bases[k]);
      });
      for (int i = 0; i < opened; ++i) close();
      restore(scope);
    }
    std::vector<std::string> grid = {
        fmt::format("cdiv({}, {})", r_.axes[static_cast<std::size_t>(inner_)].extent.text, tune_)};
    std::vector<std::string> indices = {"block"};
    if (outer) {
      grid.push_back(r_.extent_of(outer).text);
      indices.emplace_back("row");
    }
    (void)n;
    end_kernel(name_, describe(), grid, indices);
  }
  // Whether a value that is ready after `wave` is an operand of anything that is computed later.
  bool used_later(int v, int wave) const {
    for (const Instruction& i : r_.code)
      if (std::ranges::find(i.operands, v) != i.operands.end() && ((i.axes & r_.reduced) != 0 || i.wave > wave))
        return true;
    return false;
  }
  // Inside the lambda the lane's value has the array's name: give it another.
  void fix_shadow(int v) {
    const std::string name = cpp_name(at(v).name);
    const std::string declaration = "const f32x16 " + name + " = ";
    if (const auto p = body_.rfind(declaration); p != std::string::npos)
      body_.replace(p, declaration.size(), "const f32x16 " + name + "_16 = ");
    const std::string stored = fmt::format("store16({0} + c, {0});", name);
    if (const auto p = body_.rfind(stored); p != std::string::npos)
      body_.replace(p, stored.size(), fmt::format("store16({0} + c, {0}_16);", name));
  }

  const Region& r_;
  const Schedule& s_;
  std::string name_, tune_;
  int inner_ = -1;
  std::uint64_t all_ = 0, kept_ = 0, chunked_ = 0;
  Emitted out_;
  std::vector<std::pair<std::string, std::string>> parameters_;
  std::vector<std::string> arguments_;
  std::string body_, lane_index_, column_;
  int depth_ = 1;
  std::set<int> declared_, arrays_;
  std::map<int, std::string> pointers_;
};

}  // namespace

Result<Emitted> emit_cpp(const Region& region, const Schedule& schedule, const std::string& name,
                         const std::string& tune) {
  if (const std::string why = illegal(region, schedule); !why.empty()) return fail(ErrorKind::candidate, why);
  return Emitter(region, schedule, name, tune).run();
}

}  // namespace kerf
