#include "synthesize/builtin/emit/cpp_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "synthesize/builtin/emit/cpp_expressions.h"
#include "synthesize/builtin/emit/cpp_kernel.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

class Columns : private CppKernel {
 public:
  Columns(const Region& region, const Schedule& schedule, std::string name, std::string tune)
      : CppKernel(region, schedule, std::move(name), std::move(tune)) {}

  Emitted run() {
    out_.tune = {tune_, s_.block};
    begin_kernel();
    need("least");
    const std::uint64_t outer = kept_ & ~bit(inner_);
    line(fmt::format("const int64_t begin = block * {0}, width = least({0}, {1} - begin);", tune_, size(inner_)));
    if (outer) unflatten(outer, "row");
    column_ = "c";
    keep_row_values(0);
    for (int wave = 1; wave <= r_.waves; ++wave) {
      reduce_wave(wave);
      keep_row_values(wave);
    }
    stores(true);
    stores(false);
    std::vector<std::string> grid = {
        fmt::format("cdiv({}, {})", r_.axes[static_cast<std::size_t>(inner_)].extent.text, tune_)};
    std::vector<std::string> indices = {"block"};
    if (outer) {
      grid.push_back(r_.extent_of(outer).text);
      indices.emplace_back("row");
    }
    end_kernel(name_, describe(), grid, indices);
    return std::move(out_);
  }

 private:
  // A loop over the block's columns, a vector of them at a time: the values are declared, then `sink` uses them. Within
  // a loop over steps, a step for which the mask `taken` is false is passed over.
  template <class Sink>
  void over_columns(const std::set<int>& wanted, const Sink& sink, std::optional<int> taken = {}) {
    const Scope scope = save();
    std::set<int> values, scalars, lanes;
    for (const int v : wanted) collect(v, values);
    for (const int v : values) (along_inner(v) ? lanes : scalars).insert(v);
    declare_all(scalars, Place::outer);
    if (taken) line(fmt::format("if (!{}) continue;", cpp_name(at(*taken).name)));
    declare_pointers(lanes);
    need("eachv");
    open(fmt::format("eachv<{}>(0, width, [&](int64_t c, [[maybe_unused]] int64_t w) {{", s_.unroll));
    lane_index_ = "begin + c";
    declare_all(lanes, Place::lane);
    sink();
    close("});");
    leave(scope, true, lanes);
  }

  // What is ready after a wave and used later: numbers of the row, and those that change along columns in arrays.
  void keep_row_values(int wave) {
    for (const int v : row_values(wave)) {
      if (!along_inner(v)) {
        declare(v, Place::task);
        declared_.insert(v);
        continue;
      }
      // Cheaper, or only possible, where it is used.
      if (at(v).form == Instruction::Form::load || at(v).type != Type::f32) continue;
      if (at(v).wave == 0 || !used_later(v, wave)) continue;
      line(fmt::format("float {}[{}];", cpp_name(at(v).name), tune_));
      over_columns({v}, [&] { line(fmt::format("storev({0} + c, {0});", cpp_name(at(v).name))); });
      fix_shadow(v);
      declared_.insert(v);
      arrays_[v] = cpp_name(at(v).name);
    }
  }

  // The mask of a step where all reductions take nothing of the step in if it is false, as sums of what is scattered
  // do.
  [[nodiscard]] std::optional<int> step_mask(const std::vector<int>& reductions) const {
    std::optional<int> mask;
    for (const int v : reductions) {
      const Instruction& term = at(at(v).operands[0]);
      if (is_position(at(v).reduce) || term.form != Instruction::Form::pointwise || term.op != Op::where)
        return std::nullopt;
      const std::string none = at(v).reduce == ReduceOp::sum ? "0.0f" : first_of(at(v).reduce);
      const int chooses = term.operands[0];
      const Instruction& otherwise = at(term.operands[2]);
      if (along_inner(chooses) || (at(chooses).axes & r_.reduced) == 0 || mask.value_or(chooses) != chooses ||
          otherwise.form != Instruction::Form::constant || cpp_literal(otherwise.constant) != none)
        return std::nullopt;
      mask = chooses;
    }
    return mask;
  }

  void reduce_wave(int wave) {
    const std::vector<int> all = r_.reductions(wave);
    std::set<int> wanted;
    bool any_sum = false;
    for (const int v : all) {
      const std::string name = cpp_name(at(v).name);
      wanted.insert(at(v).operands[0]);
      const bool sum = at(v).reduce == ReduceOp::sum;
      any_sum = any_sum || sum;
      const bool position = is_position(at(v).reduce);
      line(fmt::format("{} {}[{}]{};", position ? "int32_t" : "float", name, tune_, position ? " = {}" : ""));
      if (position) {
        line(fmt::format("float {}_top[{}];", name, tune_));
        line(fmt::format("for (int64_t c = 0; c < {}; ++c) {}_top[c] = {};", tune_, name, first_of(at(v).reduce)));
        continue;
      }
      if (sum) {
        line(fmt::format("double {}_total[{}] = {{}};", name, tune_));
      } else {
        line(fmt::format("for (int64_t c = 0; c < {}; ++c) {}[c] = {};", tune_, name, first_of(at(v).reduce)));
      }
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
    const auto take_in = [&] {
      for (const int v : all) {
        const std::string name = cpp_name(at(v).name), term = as_vector(operand(at(v).operands[0], true));
        const std::string now = fmt::format("loadv({} + c)", name);
        switch (at(v).reduce) {
          case ReduceOp::sum:
            line(fmt::format("storev({} + c, {} + {});", name, now, term));
            break;
          case ReduceOp::prod:
            line(fmt::format("storev({} + c, {} * {});", name, now, term));
            break;
          case ReduceOp::argmax:
          case ReduceOp::argmin: {
            need("beyond");
            const std::string top = name + "_top";
            line(fmt::format("const f32v {0}_now = {1}, {0}_best = loadv({2} + c);", name, term, top));
            line(fmt::format("const i32v {0}_better = beyond<{1}>({0}_now, {0}_best);", name,
                             at(v).reduce == ReduceOp::argmax));
            line(fmt::format("storev({0} + c, {1}_better ? {1}_now : {1}_best);", top, name));
            line(fmt::format("storev({0} + c, {0}_better ? splatv((int32_t)step) : loadv({0} + c));", name));
            break;
          }
          case ReduceOp::max:
            need("greater");
            line(fmt::format("storev({} + c, greater({}, {}));", name, term, now));
            break;
          case ReduceOp::min:
            need("smaller");
            line(fmt::format("storev({} + c, smaller({}, {}));", name, term, now));
            break;
        }
      }
    };
    over_columns(wanted, take_in, step_mask(all));
    restore(scope);
    close();
    if (any_sum) {
      for (const int v : all)
        if (at(v).reduce == ReduceOp::sum)
          line(fmt::format("for (int64_t c = 0; c < width; ++c) {0}_total[c] += {0}[c];", cpp_name(at(v).name)));
      close();
      for (const int v : all)
        if (at(v).reduce == ReduceOp::sum)
          line(fmt::format("for (int64_t c = 0; c < width; ++c) {0}[c] = (float){0}_total[c];", cpp_name(at(v).name)));
    }
    for (const int v : all) {
      declared_.insert(v);
      arrays_[v] = cpp_name(at(v).name);
    }
  }

  // Whether all of these stores have the only reduced axis along memory, and what is turned fits the stack.
  bool lie_across(const std::vector<std::size_t>& which) {
    if (!std::has_single_bit(r_.reduced) || s_.block.empty() || std::ranges::max(s_.block) > max_turned) return false;
    return std::ranges::all_of(which, [&](std::size_t k) {
      const Access& access = r_.stores[k].access;
      const Subscript* along = access.along(axis_of(r_.reduced));
      return access.type == Type::f32 && along && along->stride.is(1) && access.along(inner_);
    });
  }

  // Sixteen steps at a time, turned on the stack, so that pieces of lines are written.
  void stores_across(const std::vector<std::size_t>& which, const std::set<int>& wanted) {
    need("turn");
    const int over = axis_of(r_.reduced);
    const std::string& n = r_.axes[static_cast<std::size_t>(over)].name;
    for (const std::size_t k : which) line(fmt::format("float {}_turned[16 * {}];", store_name(k), tune_));
    open(fmt::format("for (int64_t first = 0; first < {}; first += 16) {{", size(over)));
    line(fmt::format("const int64_t height = least(16, {} - first);", size(over)));
    open(fmt::format("for (int64_t {0} = first; {0} < first + height; ++{0}) {{", n));
    const Scope scope = save();
    over_columns(wanted, [&] {
      for (const std::size_t k : which)
        line(fmt::format("storev({}_turned + ({} - first) * {} + c, {});", store_name(k), n, tune_,
                         as_vector(operand(r_.stores[k].value, true))));
    });
    restore(scope);
    close();
    open("for (int64_t c = 0; c < width; c += 16) {");
    for (const std::size_t k : which) {
      const Access& access = r_.stores[k].access;
      const std::string name = store_name(k), step = stride(access, access.along(inner_)->stride, inner_, name);
      line(fmt::format(
          "turn({0}{1} + first + (begin + c) * {2}, {2}, {3}_turned + c, {4}, 1, height, least(16, width - c));",
          store_pointer(k, name), offset(access, name, bit(inner_) | bit(over)), step, name, tune_));
    }
    close();
    close();
  }

  // The stores that change along the reduced axes, or those of the columns alone.
  void stores(bool reduced) {
    std::set<int> wanted;
    std::vector<std::size_t> which;
    for (std::size_t k = 0; k < r_.stores.size(); ++k)
      if (((axes_of(r_.stores[k].access) & r_.reduced) != 0) == reduced) {
        which.push_back(k);
        wanted.insert(r_.stores[k].value);
      }
    if (which.empty()) return;
    const Scope scope = save();
    if (reduced && lie_across(which)) {
      stores_across(which, wanted);
      return restore(scope);
    }
    int opened = 0;
    if (reduced) opened = open_loops(r_.reduced);
    std::map<std::size_t, std::string> bases;
    for (const std::size_t k : which) {
      const std::string base = store_pointer(k, store_name(k));
      const std::string rest = offset(r_.stores[k].access, store_name(k), bit(inner_));
      bases[k] = base;
      if (rest.empty()) continue;
      bases[k] = store_name(k) + "_at" + (reduced ? "" : "_columns");
      line(fmt::format("{}* {} = {}{};", element(r_.stores[k].access), bases[k], base, rest));
    }
    over_columns(wanted, [&] {
      for (const std::size_t k : which) store_lane(r_.stores[k], bases[k]);
    });
    for (int i = 0; i < opened; ++i) close();
    restore(scope);
  }
};

}  // namespace

Emitted emit_cpp_columns(const Region& region, const Schedule& schedule, const std::string& name,
                         const std::string& tune) {
  return Columns(region, schedule, name, tune).run();
}

}  // namespace kerf
