// Passes over the reduced axes: loops, reductions, stores.
#include <fmt/format.h>

#include "synthesize/builtin/emit/cpp_kernel.h"

namespace kerf {

void CppKernel::restore(Scope scope) {
  declared_ = std::move(scope.declared);
  pointers_ = std::move(scope.pointers);
}

template <class Inside>
void CppKernel::pass(const std::set<int>& wanted, std::uint64_t loops, Inside inside) {
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

void CppKernel::leave(Scope scope, bool same_block, const std::set<int>& lanes) {
  if (!same_block) return restore(std::move(scope));
  for (const int v : lanes)
    if (!scope.declared.contains(v)) declared_.erase(v);
}

int CppKernel::axis_of(std::uint64_t mask) const {
  int a = 0;
  while (!(mask >> a & 1U)) ++a;
  return a;
}

std::pair<std::string, std::string> CppKernel::inner_range() {
  if (chunked_ == bit(inner_)) return {"begin", "end"};
  return {"0", size(inner_)};
}

std::string CppKernel::first_of(ReduceOp op) const {
  if (op == ReduceOp::max || op == ReduceOp::argmax) return "-__builtin_inff()";
  return op == ReduceOp::prod ? "1.0f" : "__builtin_inff()";
}

std::string CppKernel::totals_of(std::size_t part) const {
  const KernelPart& p = parts_[part];
  const char* what = !p.joint                                ? to_string(at(p.reductions[0]).reduce)
                     : p.joint->kind == Joint::Kind::moments ? "moments"
                                                             : "exponentials";
  return fmt::format("{}_of_pass_{}", what, part + 1);
}

std::vector<std::string> CppKernel::numbers_of(std::size_t part) const {
  const KernelPart& p = parts_[part];
  const std::string totals = totals_of(part);
  if (p.joint && p.joint->kind == Joint::Kind::moments)
    return {totals + ".count", totals + ".sum", totals + ".squares"};
  if (p.joint) return {totals + ".top", totals + ".total"};
  std::vector<std::string> found;
  for (std::size_t k = 0; k < p.reductions.size(); ++k) found.push_back(fmt::format("{}[{}]", totals, k));
  return found;
}

void CppKernel::declare_results(std::size_t part, const std::string& totals) {
  const KernelPart& p = parts_[part];
  const auto result = [&](int v, const std::string& text) {
    const bool wide = at(v).reduce == ReduceOp::sum;
    if (wide) wide_.insert(v);
    line(fmt::format("const {} {} = {};", wide ? "double" : "float", cpp_name(at(v).name), text));
    declared_.insert(v);
  };
  if (!p.joint && is_position(at(p.reductions[0]).reduce)) {
    for (std::size_t k = 0; k < p.reductions.size(); ++k) {
      line(fmt::format("const int64_t {} = {}_at[{}];", cpp_name(at(p.reductions[k]).name), totals, k));
      declared_.insert(p.reductions[k]);
    }
  } else if (!p.joint) {
    for (std::size_t k = 0; k < p.reductions.size(); ++k) result(p.reductions[k], fmt::format("{}[{}]", totals, k));
  } else if (p.joint->kind == Joint::Kind::moments) {
    result(p.joint->first, totals + ".sum");
    result(p.joint->second, totals + ".squares");
  } else {
    result(p.joint->first, totals + ".top");
    result(p.joint->second, fmt::format("sum_of({})", totals));
  }
}

void CppKernel::reduce_alike(const std::vector<int>& reductions, const std::string& totals) {
  const ReduceOp op = at(reductions[0]).reduce;
  const bool sum = op == ReduceOp::sum;
  std::string init;
  for (std::size_t k = 0; k < reductions.size(); ++k) init += (k ? ", " : "") + (sum ? std::string("0") : first_of(op));
  line(fmt::format("{} {}[{}] = {{{}}};", sum ? "double" : "float", totals, reductions.size(), init));
  if (is_position(op)) line(fmt::format("int64_t {}_at[{}] = {{}};", totals, reductions.size()));
  std::set<int> wanted;
  for (const int v : reductions) wanted.insert(at(v).operands[0]);
  pass(wanted, r_.reduced, [&](const std::set<int>& lanes) {
    const auto [begin, end] = inner_range();
    const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
    lane_index_ = column_ = n;
    if (is_position(op)) {
      need("positions");
      open(fmt::format(
          "positions<{}, {}, {}>({}, {}, {}, {}_at, [&](int64_t {}, [[maybe_unused]] int64_t w, f32v* term) {{",
          reductions.size(), s_.accumulators, op == ReduceOp::argmax, begin, end, totals, totals, n));
    } else if (sum) {
      need("sums");
      open(fmt::format("sums<{}, {}, {}>({}, {}, {}, [&](int64_t {}, [[maybe_unused]] int64_t w, f32v* term) {{",
                       reductions.size(), s_.accumulators, s_.chunk, begin, end, totals, n));
    } else {
      need("folds");
      const char* fold = op == ReduceOp::max ? "greater(a, b)" : op == ReduceOp::min ? "smaller(a, b)" : "a * b";
      if (op != ReduceOp::prod) need(op == ReduceOp::max ? "greater" : "smaller");
      line(fmt::format("const auto {}_of = [](auto a, auto b) {{ return {}; }};", totals, fold));
      open(
          fmt::format("folds<{}, {}>({}, {}, {}, {}, {}_of, [&](int64_t {}, [[maybe_unused]] int64_t w, f32v* term) {{",
                      reductions.size(), s_.accumulators, begin, end, first_of(op), totals, totals, n));
    }
    declare_lane(lanes);
    for (std::size_t k = 0; k < reductions.size(); ++k)
      line(fmt::format("term[{}] = {};", k, as_vector(operand(at(reductions[k]).operands[0], true))));
    close("});");
  });
}

void CppKernel::reduce_joint(const Joint& joint, const std::string& totals) {
  const char* helper = joint.kind == Joint::Kind::moments ? "moments" : "exponentials";
  need(helper);
  line(fmt::format("{} {};", joint.kind == Joint::Kind::moments ? "Moments" : "Exponentials", totals));
  pass({joint.value}, r_.reduced, [&](const std::set<int>& lanes) {
    const auto [begin, end] = inner_range();
    const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
    lane_index_ = column_ = n;
    open(fmt::format("{}<{}, {}>({}, {}, {}, [&](int64_t {}, [[maybe_unused]] int64_t w) {{", helper, s_.accumulators,
                     s_.chunk, begin, end, totals, n));
    declare_lane(lanes);
    line(fmt::format("return {};", as_vector(operand(joint.value, true))));
    close("});");
  });
}

void CppKernel::reduce_part(std::size_t part) {
  const KernelPart& p = parts_[part];
  fetching_ = ahead_ == part;
  if (p.joint) {
    reduce_joint(*p.joint, totals_of(part));
  } else {
    reduce_alike(p.reductions, totals_of(part));
  }
  fetching_ = false;
  if (!keeping_) return;
  arrays_[*keep_] = kept_row();
  declared_.insert(*keep_);
  keeping_ = false;
}

void CppKernel::store_lane(const RegionStore& store, const std::string& base) {
  const Subscript* s = store.access.along(inner_);
  const std::string value = as_vector(operand(store.value, true));
  const std::string name = "out" + std::to_string(&store - r_.stores.data());
  const std::string step = s ? stride(store.access, s->stride, inner_, name) : "0";
  if (store.access.type == Type::i64) {
    need("put_positions");
    const char* whole = at(store.value).type == Type::f32 ? "__builtin_convertvector({}, i32v)" : "{}";
    const std::string positions = fmt::format(fmt::runtime(whole), value);
    return line(fmt::format("put_positions({} + ({}) * {}, {}, {}, w);", base, lane_index_, step, step, positions));
  }
  if (store.access.type == Type::mask) {
    need("put_flags");
    return line(fmt::format("put_flags({} + ({}) * {}, {}, {}, w);", base, lane_index_, step, step, value));
  }
  if (step == "1") {
    need(s_.streaming ? "put_past" : "put");
    line(fmt::format("{}({} + {}, {}, w);", s_.streaming ? "put_past" : "put", base, lane_index_, value));
  } else {
    need("scatter");
    line(fmt::format("scatter({} + ({}) * {}, {}, {}, w);", base, lane_index_, step, step, value));
  }
}

std::string CppKernel::store_name(std::size_t k) const {
  return "out" + (r_.stores.size() > 1 ? std::to_string(k) : std::string());
}

void CppKernel::store_pass(std::uint64_t loops, bool inner_stores) {
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
      line(fmt::format("{}* {} = {}{};", element(r_.stores[k].access), bases[k], base, rest));
    }
    const auto [begin, end] = inner_range();
    const std::string& n = r_.axes[static_cast<std::size_t>(inner_)].name;
    lane_index_ = column_ = n;
    need("eachv");
    open(fmt::format("eachv<{}>({}, {}, [&](int64_t {}, int64_t w) {{", s_.unroll, begin, end, n));
    declare_lane(lanes);
    for (const std::size_t k : which) store_lane(r_.stores[k], bases[k]);
    close("});");
  });
}

}  // namespace kerf
