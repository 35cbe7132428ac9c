// The end of lowering: what the stores need, its axes in memory order, merged where every tensor allows it.
#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/attention.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/lowering.h"
#include "synthesize/builtin/places.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

constexpr std::uint64_t bit(std::size_t axis) { return std::uint64_t{1} << axis; }

void for_each_access(Region& region, auto&& f) {
  for (Instruction& i : region.code)
    if (i.form == Instruction::Form::load) f(i.access);
  for (RegionStore& store : region.stores) f(store.access);
}

// Removes bit `b` and shifts what is above it.
std::uint64_t without(std::uint64_t mask, std::size_t b) {
  const std::uint64_t low = mask & (bit(b) - 1), high = mask >> (b + 1);
  return low | high << b;
}

// Whether integers that are computed as floats stay exact: what is computed with is small.
bool stays_exact(const std::vector<Instruction>& code, int value) {
  const auto small = [](double number) { return std::isinf(number) || std::abs(number) <= most_exact; };
  std::vector<int> open = {value};
  std::set<int> seen;
  while (!open.empty()) {
    const int v = open.back();
    open.pop_back();
    if (!seen.insert(v).second) continue;
    const Instruction& i = code[static_cast<std::size_t>(v)];
    if (i.form == Instruction::Form::constant && !small(i.constant)) return false;
    if (!std::ranges::all_of(i.values, small)) return false;
    open.insert(open.end(), i.operands.begin(), i.operands.end());
  }
  return true;
}

// Whether a value is stored as elements of this type: integers are positions, or numbers that floats hold exactly.
bool is_stored_as(const std::vector<Instruction>& code, int at, Dtype dtype) {
  const Instruction& value = code[static_cast<std::size_t>(at)];
  switch (value.type) {
    case Type::f32:
      return dtype == Dtype::f32 || (dtype == Dtype::i64 && stays_exact(code, at));
    case Type::mask:
      return dtype == Dtype::boolean;
    case Type::i64:
      return dtype == Dtype::i64 && value.form == Instruction::Form::reduce && is_position(value.reduce);
  }
  return false;
}

// Of one region: instructions that give the same have the same.
std::string key_of(const Instruction& i) {
  std::string key = fmt::format("{} {} {} {} {} {} {}", static_cast<int>(i.form), static_cast<int>(i.op),
                                static_cast<int>(i.reduce), i.backward, fmt::join(i.operands, ","), i.constant, i.text);
  if (i.form == Instruction::Form::load)
    key += fmt::format(" {}#{} {}", i.access.tensor.name, i.access.tensor.index, i.axes);
  for (const Pick& pick : i.access.picks) key += fmt::format(" [{} * {}]", pick.index, pick.stride.text);
  for (const Window& window : i.access.windows) {
    key +=
        fmt::format(" {}{}{}{}{}", i.access.outside, window.shift.text, window.stride.text, window.below, window.above);
    for (const Window::Term& term : window.terms) key += fmt::format(" {}*{}", term.axis, term.step.text);
  }
  for (const Subscript& s : i.access.subscripts)
    if (!i.access.windows.empty()) key += fmt::format(" {}:{}", s.axis, s.stride.text);
  if (i.form == Instruction::Form::index) key += fmt::format(" {}", i.axes);
  return key;
}

void check_scans(const Region& region) {
  if (region.reduced != 0) throw CannotLower{"a scan beside a reduction"};
  const std::vector<int> scans = region.scans();
  for (const int v : scans)
    if (region.code[static_cast<std::size_t>(v)].backward != region.code[static_cast<std::size_t>(scans[0])].backward)
      throw CannotLower{"scans in both directions"};
  for (const RegionStore& store : region.stores)
    if (store.access.subscripts.size() != region.axes.size() || store.access.type == Type::mask)
      throw CannotLower{"a result beside a scan that is not of its shape"};
}

// What no kernel does. `chained`: reductions follow one another over different axes.
void check(const Region& region, bool chained) {
  if (region.scanned != 0) check_scans(region);
  for (const Instruction& i : region.code)
    if (i.form == Instruction::Form::reduce && is_position(i.reduce) &&
        (!std::has_single_bit(region.reduced) ||
         std::ranges::any_of(region.extent_of(region.reduced).values, [](std::int64_t n) { return n >> 31 != 0; })))
      throw CannotLower{"a position along several axes, or beyond 32 bits"};
  // An axis along which only results of reductions are spread out belongs to a kernel of its own.
  std::uint64_t met = region.reduced;
  for (const Instruction& i : region.code) {
    if (i.form == Instruction::Form::reduce) met |= region.code[static_cast<std::size_t>(i.operands[0])].axes;
  }
  if (region.reduced != 0 && met != bit(region.axes.size()) - 1)
    throw CannotLower{"loops that no reduction runs through"};
  for (const Instruction& i : region.code) {
    if (i.form == Instruction::Form::index && !std::has_single_bit(i.axes))
      throw CannotLower{"a position along an axis that is cut up"};
    if (i.access.windows.empty() || region.reduced != 0) continue;
    for (const RegionStore& store : region.stores)
      if (store.access.subscripts.size() != region.axes.size()) throw CannotLower{"windows beside what they move over"};
  }
  const std::size_t inner = region.axes.empty() ? 0 : region.axes.size() - 1;
  // Where columns are reduced side by side, what is one number for all of them would be reduced once a column.
  if (region.reduced != 0 && !chained && !region.is_reduced(static_cast<int>(inner)) &&
      std::ranges::any_of(region.code, [&](const Instruction& i) {
        return i.form == Instruction::Form::reduce && (i.axes >> inner & 1U) == 0;
      }))
    throw CannotLower{"a number beside columns"};
  for (const Instruction& i : region.code) {
    if (region.axes.empty() || !region.picks_along(i.access, bit(inner))) continue;
    for (const Pick& pick : i.access.picks)
      if (std::ranges::any_of(pick.limit.values, [](std::int64_t n) { return n >> 24 != 0; }))
        throw CannotLower{"indices that floats cannot tell apart"};
    if (i.type == Type::i64) throw CannotLower{"integers that are gathered along the innermost axis"};
    if (i.access.guarded()) throw CannotLower{"borders beside a gather along the innermost axis"};
    if (region.scanned != 0) throw CannotLower{"a gather along the innermost axis beside a scan"};
  }
  for (const Instruction& i : region.code)
    if (i.type == Type::i64 && i.form == Instruction::Form::pointwise && !region.axes.empty() &&
        (i.axes >> inner & 1U) != 0)
      throw CannotLower{"integer arithmetic along the innermost axis"};
}

}  // namespace

// Loops that never meet in one value may share an axis if they are equally long: reductions of two tensors become one
// pass.
void Lowering::merge_unrelated_axes() {
  std::set<int> used;
  for (std::size_t v = 0; v < code_.size(); ++v) {
    for (const int a : axes_of_value(static_cast<int>(v))) used.insert(a);
    for (const int a : expand(reduce_over_[v])) used.insert(a);
  }
  const std::vector<int> axes(used.begin(), used.end());
  for (std::size_t i = 0; i < axes.size(); ++i)
    for (std::size_t j = i + 1; j < axes.size(); ++j)
      if (root(axes[i]) == axes[i] && root(axes[j]) == axes[j]) unify(axes[i], axes[j]);
}

// Two neighbouring axes become one where every tensor steps through both evenly and every value has both or neither.
void Lowering::collapse(Region& region) {
  for (std::size_t a = 0; a + 1 < region.axes.size();) {
    const std::size_t b = a + 1;
    bool can = true;
    const auto both = [&](std::uint64_t mask) { return ((mask >> a) & 1U) == ((mask >> b) & 1U); };
    for (const Instruction& i : region.code) can = can && both(i.axes);
    can = can && both(region.reduced) && both(region.scanned);
    for_each_access(region, [&](const Access& access) {
      if ((access.guards() & (bit(a) | bit(b))) != 0) can = false;
      const Subscript *x = access.along(static_cast<int>(a)), *y = access.along(static_cast<int>(b));
      if ((x == nullptr) != (y == nullptr)) can = false;
      if (!can || !x) return;
      for (std::size_t w = 0; w < region.workloads; ++w)
        if (x->stride.values[w] != y->stride.values[w] * region.axes[b].extent.values[w]) can = false;
    });
    if (!can) {
      ++a;
      continue;
    }
    region.axes[a].extent = region.axes[a].extent * region.axes[b].extent;
    region.axes.erase(region.axes.begin() + static_cast<std::ptrdiff_t>(b));
    for (Instruction& i : region.code) i.axes = without(i.axes, b);
    region.reduced = without(region.reduced, b);
    region.scanned = without(region.scanned, b);
    for_each_access(region, [&](Access& access) {
      for (Subscript& s : access.subscripts)
        if (s.axis == static_cast<int>(a)) s.axis = -1;
      std::erase_if(access.subscripts, [](const Subscript& s) { return s.axis < 0; });
      for (Subscript& s : access.subscripts)
        if (s.axis >= static_cast<int>(b)) --s.axis;
      for (Window& window : access.windows)
        for (Window::Term& term : window.terms)
          if (term.axis >= static_cast<int>(b)) --term.axis;
    });
  }
}

Region Lowering::finish(const std::vector<TensorRef>& stores, bool tentative) {
  Region region = finish(stores, tentative, nullptr);
  const auto innermost_runs = [](const Region& r) {
    return !r.axes.empty() && ((r.reduced | r.scanned) >> (r.axes.size() - 1) & 1U) != 0;
  };
  if (!innermost_runs(region) || !turned(region)) return region;
  if (graph_.stores_across == StoresAcross::never) throw CannotLower{"rows that run across memory"};
  // The axes are put in the order of what is read, and results are written across instead.
  const TensorRef read = region.code[static_cast<std::size_t>(turned(region)->loads.front())].access.tensor;
  Region other = finish(stores, tentative, &read);
  const bool along = graph_.stores_across == StoresAcross::rows
                         ? !innermost_runs(other) || !turned(other)
                         : !innermost_runs(other) && region.scanned == 0 && !reads_across(other);
  if (!along) throw CannotLower{"rows that run across memory"};
  return other;
}

Region Lowering::finish(const std::vector<TensorRef>& stores, bool tentative, const TensorRef* leading) {
  // What is summed over for scores and what runs along values are as long as one another, and two things.
  if (!chained_) merge_unrelated_axes();
  Region region;
  region.workloads = workloads_;
  region.requirements = requirements_;
  // What the stores need, nothing else.
  std::vector<bool> needed(code_.size(), false);
  std::vector<Sink> open, sinks;
  for (const TensorRef& ref : stores) std::ranges::move(sinks_of(ref), std::back_inserter(open));
  for (Sink& sink : open) {
    const auto& [v, ref, part] = sink;
    const GeneralTensor* tensor = graph_.tensor(ref);
    const bool storable = tensor && is_stored_as(code_, v.value, tensor->dtype);
    if (!storable && tentative) continue;
    if (!storable) throw CannotLower{"only f32 results, masks and small integers are stored"};
    const bool is_output = std::ranges::find(graph_.outputs, ref) != graph_.outputs.end();
    if (!is_output && !tensor->contiguous()) {
      const GeneralNode* node = graph_.node(ref.name);
      const bool windows = !node || node->base().starts_with("conv") || node->base().find("pool") != std::string::npos;
      const bool elements = !windows && std::ranges::none_of(code_, [](const Instruction& i) {
        return i.form == Instruction::Form::reduce;
      });
      if (tentative && (elements || chained_ || (node && is_trivial(*node)))) continue;
      throw CannotLower{"an intermediate result that is not contiguous"};
    }
    const std::vector<int> varies = axes_of_value(v.value);
    bool repeats = false;
    for (const auto& dim : v.dims)
      for (const int a : expand(dim)) repeats = repeats || std::ranges::find(varies, a) == varies.end();
    if (repeats && tentative) continue;
    if (repeats) throw CannotLower{"a repetition that is written out"};
    needed[static_cast<std::size_t>(v.value)] = true;
    sinks.push_back(std::move(sink));
  }
  if (sinks.empty() && tentative) return region;
  if (sinks.empty()) throw CannotLower{"nothing is stored"};
  for (std::size_t v = code_.size(); v-- > 0;) {
    if (!needed[v]) continue;
    for (const int o : code_[v].operands) needed[static_cast<std::size_t>(o)] = true;
    for (const auto& [dim, index] : loads_[v].picks) needed[static_cast<std::size_t>(index)] = true;
  }
  // Axes in use, ordered by the strides of the tensor that has most of them (a stored one, if equal).
  std::set<int> used;
  const auto use = [&](const std::vector<int>& list) {
    for (const int a : expand(list)) used.insert(a);
  };
  for (std::size_t v = 0; v < code_.size(); ++v)
    if (needed[v]) {
      use(code_axes_[v]);
      use(reduce_over_[v]);
    }
  const RawAccess* lead = nullptr;
  std::vector<RawAccess> store_access;
  for (const Sink& sink : sinks) {
    for (const auto& dim : sink.value.dims) use(dim);
    store_access.push_back(store_of(sink));
  }
  const auto count_axes = [&](const RawAccess& raw) {
    std::size_t n = 0;
    for (const auto& dim : raw.dims) n += expand(dim).size();
    for (const RawWindow& window : raw.windows)
      for (const auto& [axis, step] : window.terms) n += axes_[static_cast<std::size_t>(axis)].inside ? 0 : 1;
    return n;
  };
  const auto follow = [&](const RawAccess& raw) {
    if (!lead || count_axes(raw) > count_axes(*lead)) lead = &raw;
  };
  std::ranges::for_each(store_access, follow);
  for (std::size_t v = 0; v < code_.size(); ++v)
    if (needed[v] && code_[v].form == Instruction::Form::load) follow(loads_[v]);
  for (std::size_t v = 0; v < code_.size() && leading; ++v)
    if (needed[v] && code_[v].form == Instruction::Form::load && loads_[v].ref == *leading) lead = &loads_[v];
  if (used.size() > 12) throw CannotLower{"too many axes"};
  std::vector<int> provisional(axes_.size(), -1);
  for (const int a : used) {
    provisional[static_cast<std::size_t>(a)] = static_cast<int>(region.axes.size());
    region.axes.push_back({axes_[static_cast<std::size_t>(a)].name, axes_[static_cast<std::size_t>(a)].extent});
  }
  std::vector<int> order;
  {
    Access lead_access = access(*lead, provisional, region);
    std::ranges::stable_sort(lead_access.subscripts, [](const Subscript& x, const Subscript& y) {
      return x.stride.values[0] < y.stride.values[0];
    });
    // Equal strides (extent 1 in the primary): the order in which access() listed them, inner first, is kept.
    for (const Subscript& s : lead_access.subscripts) order.insert(order.begin(), s.axis);
    for (int a = static_cast<int>(region.axes.size()); a-- > 0;)
      if (std::ranges::find(order, a) == order.end()) order.insert(order.begin(), a);
    // Windows are small: what moves them is what runs along memory.
    std::ranges::stable_partition(order, [&](int a) {
      return std::ranges::any_of(used, [&](int u) {
        return provisional[static_cast<std::size_t>(u)] == a && axes_[static_cast<std::size_t>(u)].inside;
      });
    });
  }
  std::vector<Axis> sorted;
  std::vector<int> position(region.axes.size());
  for (std::size_t k = 0; k < order.size(); ++k) {
    position[static_cast<std::size_t>(order[k])] = static_cast<int>(k);
    sorted.push_back(region.axes[static_cast<std::size_t>(order[k])]);
  }
  region.axes = std::move(sorted);
  std::vector<int> compact(axes_.size(), -1);
  for (const int a : used)
    compact[static_cast<std::size_t>(a)] = position[static_cast<std::size_t>(provisional[static_cast<std::size_t>(a)])];
  const auto mask_of = [&](const std::vector<int>& list) {
    std::uint64_t mask = 0;
    for (const int a : expand(list)) mask |= bit(static_cast<std::size_t>(compact[static_cast<std::size_t>(a)]));
    return mask;
  };
  // Instructions, renumbered, equal ones once.
  std::vector<int> number(code_.size(), -1);
  std::set<std::string> names;
  std::map<std::string, int> seen;
  for (std::size_t v = 0; v < code_.size(); ++v) {
    if (!needed[v]) continue;
    Instruction i = code_[v];
    for (int& o : i.operands) o = number[static_cast<std::size_t>(o)];
    i.axes = mask_of(code_axes_[v]);
    if (i.form == Instruction::Form::load) {
      const double outside = i.access.outside;
      i.access = access(loads_[v], compact, region);
      i.access.outside = outside;
      for (Pick& pick : i.access.picks) pick.index = number[static_cast<std::size_t>(pick.index)];
      i.type = i.access.type;
    }
    for (const int o : i.operands) i.wave = std::max(i.wave, region.code[static_cast<std::size_t>(o)].wave);
    for (const Pick& pick : i.access.picks)
      i.wave = std::max(i.wave, region.code[static_cast<std::size_t>(pick.index)].wave);
    std::uint64_t over = 0;
    if (i.form == Instruction::Form::reduce) {
      over = mask_of(reduce_over_[v]);
      if (region.reduced != 0 && region.reduced != over && !chained_)
        throw CannotLower{"reductions over different dimensions"};
      region.reduced |= over;
      region.waves = std::max(region.waves, ++i.wave);
    }
    if (i.form == Instruction::Form::scan) {
      const std::uint64_t along = mask_of(reduce_over_[v]);
      if (!std::has_single_bit(along)) throw CannotLower{"a scan along several axes"};
      if (region.scanned != 0 && region.scanned != along) throw CannotLower{"scans along different dimensions"};
      region.scanned = along;
    }
    std::string key = key_of(i);
    if (const auto it = seen.find(key); it != seen.end()) {
      number[v] = it->second;
      continue;
    }
    std::string name = i.name;
    for (int n = 1; !names.insert(name).second; ++n) name = fmt::format("{}_{}", i.name, n);
    i.name = std::move(name);
    number[v] = static_cast<int>(region.code.size());
    seen.emplace(std::move(key), number[v]);
    region.code.push_back(std::move(i));
  }
  for (std::size_t k = 0; k < sinks.size(); ++k) {
    Access a = access(store_access[k], compact, region);
    std::vector<Extent> shape;
    for (const auto& dim : sinks[k].value.dims) {
      shape.push_back(one(workloads_));
      for (const int axis : expand(dim)) shape.back() = shape.back() * extent(axis);
    }
    if (!a.windows.empty()) {  // a part: elements are those that are stored, the shape is that of all
      for (std::size_t w = 0; w < workloads_; ++w) {
        a.elements.at(w) = 1;
        for (const Extent& each : shape) a.elements[w] *= each.values[w];
      }
      const std::size_t d = sinks[k].part->dim;
      shape[d] = literal(graph_.tensor(sinks[k].ref)->shape[0][d], workloads_);
    }
    region.stores.push_back({.value = number[static_cast<std::size_t>(sinks[k].value.value)],
                             .access = std::move(a),
                             .shape = std::move(shape)});
  }
  const bool alike = std::ranges::all_of(region.code, [&](const Instruction& i) {
    return i.form != Instruction::Form::reduce ||
           (region.code[static_cast<std::size_t>(i.operands[0])].axes & ~i.axes) == region.reduced;
  });
  collapse(region);
  if (!alike && !attention_shape(region)) throw CannotLower{"a reduction inside another"};
  check(region, chained_);
  for (std::size_t a = 0; a < region.axes.size(); ++a) region.axes[a].name = std::string(1, "ijklmnpqrstu"[a]);
  return region;
}

}  // namespace kerf
