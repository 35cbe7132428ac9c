#include "synthesize/builtin/passes.h"

#include <algorithm>
#include <set>

namespace kerf {
namespace {

using Form = Instruction::Form;

const Instruction& at(const Region& region, int v) { return region.code[static_cast<std::size_t>(v)]; }

bool is(const Region& region, int v, Op op) { return at(region, v).form == Form::pointwise && at(region, v).op == op; }

bool is_number_of_reduced(const Region& region, int v) {
  const Instruction& i = at(region, v);
  const Extent count = region.extent_of(region.reduced);
  for (std::size_t w = 0; w < region.workloads; ++w) {
    const auto n = static_cast<double>(count.values[w]);
    if (i.form == Form::constant ? i.constant != n : i.form != Form::parameter || i.values[w] != n) return false;
  }
  return true;
}

std::optional<Joint> joint_of(const Region& region, int second) {
  const Instruction& sum = at(region, second);
  if (sum.form != Form::reduce || sum.reduce != ReduceOp::sum) return std::nullopt;
  const int term = sum.operands[0];
  const auto reduces = [&](int v, ReduceOp op, int value) {
    const Instruction& i = at(region, v);
    return i.form == Form::reduce && i.reduce == op && i.operands[0] == value && i.wave + 1 == sum.wave;
  };
  const bool square = is(region, term, Op::square) ||
                      (is(region, term, Op::mul) && at(region, term).operands[0] == at(region, term).operands[1]);
  if (!square && !is(region, term, Op::exp)) return std::nullopt;
  const int difference = at(region, term).operands[0];
  if (!is(region, difference, Op::sub)) return std::nullopt;
  const int value = at(region, difference).operands[0], from = at(region, difference).operands[1];
  if (!square)
    return reduces(from, ReduceOp::max, value)
               ? std::optional<Joint>(
                     {.kind = Joint::Kind::exponentials, .first = from, .second = second, .value = value})
               : std::nullopt;
  if (!is(region, from, Op::div) || !is_number_of_reduced(region, at(region, from).operands[1])) return std::nullopt;
  const int first = at(region, from).operands[0];
  if (!reduces(first, ReduceOp::sum, value)) return std::nullopt;
  return Joint{.kind = Joint::Kind::moments, .first = first, .second = second, .value = value};
}

// The values that a pass computes for its results, operands of its reductions excluded.
void collect(const Region& region, int v, std::set<int>& into) {
  if (at(region, v).form == Form::reduce || !into.insert(v).second) return;
  for (const int o : at(region, v).operands) collect(region, o, into);
  for (const Pick& pick : at(region, v).access.picks) collect(region, pick.index, into);
}

std::set<int> values_of(const Region& region, const std::vector<int>& wanted) {
  std::set<int> found;
  for (const int v : wanted) collect(region, v, found);
  std::erase_if(found, [&](int v) { return (at(region, v).axes & region.reduced) == 0; });
  return found;
}

// What it takes to compute a value again: operations that cost much, and loads of windows, of which some are no dearer
// than the value's own.
int effort(const Region& region, int v) {
  constexpr int few = 3;
  int operations = 0, loads = 0;
  for (const int u : values_of(region, {v})) {
    const Instruction& i = at(region, u);
    if (i.form == Form::pointwise) operations += cost(i.op);
    if (i.form == Form::load && !i.access.windows.empty()) ++loads;
  }
  return operations + std::max(0, loads - few);
}

// The values of each pass, the one that stores last.
std::vector<std::set<int>> values_by_pass(const Region& region, bool joint) {
  std::vector<std::set<int>> found;
  for (const KernelPart& part : parts(region, joint)) found.push_back(values_of(region, part.operands(region)));
  std::vector<int> stored;
  for (const RegionStore& store : region.stores)
    if ((at(region, store.value).axes & region.reduced) != 0) stored.push_back(store.value);
  found.push_back(values_of(region, stored));
  return found;
}

}  // namespace

std::vector<Joint> joints(const Region& region) {
  std::vector<Joint> found;
  std::set<int> taken;
  for (std::size_t v = 0; v < region.code.size(); ++v) {
    const auto joint = joint_of(region, static_cast<int>(v));
    if (!joint || taken.contains(joint->first) || taken.contains(joint->second)) continue;
    taken.insert({joint->first, joint->second});
    found.push_back(*joint);
  }
  return found;
}

std::vector<int> KernelPart::operands(const Region& region) const {
  if (joint) return {joint->value};
  std::vector<int> found;
  for (const int v : reductions) found.push_back(at(region, v).operands[0]);
  return found;
}

std::vector<KernelPart> parts(const Region& region, bool joint) {
  std::vector<KernelPart> found;
  const std::vector<Joint> pairs = joint ? joints(region) : std::vector<Joint>();
  const auto paired = [&](int v) {
    return std::ranges::any_of(pairs, [&](const Joint& j) { return j.first == v || j.second == v; });
  };
  for (int wave = 1; wave <= region.waves; ++wave) {
    for (const Joint& j : pairs)
      if (at(region, j.first).wave == wave)
        found.push_back({.wave = wave, .joint = j, .reductions = {j.first, j.second}});
    for (const ReduceOp op :
         {ReduceOp::max, ReduceOp::min, ReduceOp::prod, ReduceOp::argmax, ReduceOp::argmin, ReduceOp::sum}) {
      KernelPart part{.wave = wave};
      for (const int v : region.reductions(wave))
        if (at(region, v).reduce == op && !paired(v)) part.reductions.push_back(v);
      if (!part.reductions.empty()) found.push_back(std::move(part));
    }
  }
  return found;
}

std::optional<int> kept_value(const Region& region, const Schedule& schedule) {
  if (region.axes.empty() || !region.is_reduced(static_cast<int>(region.axes.size()) - 1)) return std::nullopt;
  const std::vector<std::set<int>> passes = values_by_pass(region, schedule.joint);
  std::optional<int> best;
  int most = 0;
  for (std::size_t p = 0; p + 1 < passes.size(); ++p)
    for (const int v : passes[p]) {
      if (at(region, v).type != Type::f32 || at(region, v).form != Form::pointwise) continue;
      if ((at(region, v).axes >> (region.axes.size() - 1) & 1U) == 0) continue;
      if (std::ranges::any_of(passes.begin(), passes.begin() + static_cast<std::ptrdiff_t>(p),
                              [&](const std::set<int>& earlier) { return earlier.contains(v); }))
        continue;
      const int saved = effort(region, v);
      const auto uses = std::ranges::count_if(passes.begin() + static_cast<std::ptrdiff_t>(p) + 1, passes.end(),
                                              [&](const std::set<int>& later) { return later.contains(v); });
      if (saved * static_cast<int>(uses) >= most && saved > 0 && uses > 0) {
        most = saved * static_cast<int>(uses);
        best = v;
      }
    }
  return best;
}

std::optional<std::size_t> later_pass(const Region& region, const Schedule& schedule) {
  const std::vector<std::set<int>> passes = values_by_pass(region, schedule.joint);
  std::size_t reading = 0;
  for (std::size_t p = 0; p < passes.size(); ++p) {
    const bool reads = std::ranges::any_of(passes[p], [&](int v) { return at(region, v).form == Form::load; });
    if (reads && ++reading == 2) return p;
  }
  return std::nullopt;
}

}  // namespace kerf
