#include "synthesize/builtin/cost/formulas.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "synthesize/builtin/cost/gpu_formulas.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/turned.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

constexpr double lanes = 16;
constexpr double latency = 4;               // cycles of an addition
constexpr double cycles_of_a_task = 120;    // handed out, its row found
constexpr double cycles_of_an_element = 2;  // loaded or stored alone
constexpr double cycles_of_a_jump = 60;     // to a page that no first-level entry of the TLB knows any more
constexpr double jumps_that_are_known = 64;
constexpr double hidden = 0.75;  // of the shorter one of memory and arithmetic, how much runs beside the longer one

const Instruction& at(const Region& region, int v) { return region.code[static_cast<std::size_t>(v)]; }
double value_of(const Extent& extent) { return static_cast<double>(extent.values.at(0)); }
double ceil_of(double a, double b) { return std::ceil(a / b); }

std::uint64_t all_axes(const Region& region) { return (std::uint64_t{1} << region.axes.size()) - 1; }
std::uint64_t inner_axis(const Region& region) {
  return region.axes.empty() ? 0 : std::uint64_t{1} << (region.axes.size() - 1);
}

void collect(const Region& region, int v, std::optional<int> kept, std::set<int>& into) {
  if (at(region, v).form == Form::reduce || !into.insert(v).second || v == kept) return;
  for (const int o : at(region, v).operands) collect(region, o, kept, into);
  for (const Pick& pick : at(region, v).access.picks) collect(region, pick.index, kept, into);
}

std::uint64_t axes_of(const Access& access) {
  std::uint64_t mask = 0;
  for (const Subscript& s : access.subscripts) mask |= std::uint64_t{1} << s.axis;
  return mask;
}

// Elements of a round that are touched one by one; 0 where a vector does.
double one_by_one(const Region& region, const Access& access, const std::set<int>& turned_loads, int v) {
  if (turned_loads.contains(v)) return 0;
  if (access.type != Type::f32) return lanes / 2;
  const Subscript* s = access.along(static_cast<int>(region.axes.size()) - 1);
  if (!s || s->stride.is(1)) return 0;
  return s->stride.is(2) ? 1 : lanes;
}

// A vector's worth of one value that changes along the innermost axis.
void count(const Region& region, int v, std::optional<int> kept, const std::set<int>& turned_loads, CountedPass& pass) {
  const Instruction& i = at(region, v);
  if ((i.axes & inner_axis(region)) == 0) return;  // once a row
  if (v == kept) {
    pass.operations += 1;  // loaded
    return;
  }
  if (i.form == Form::load) {
    pass.operations += i.access.guarded() ? 1.5 : 1;  // most vectors are inside, which is asked once
    pass.strided += one_by_one(region, i.access, turned_loads, v);
  } else if (i.form == Form::pointwise) {
    pass.operations += 1 + cost(i.op);
    pass.functions += cost(i.op);
  } else if (i.form == Form::index) {
    pass.operations += 2;
  }
}

struct Reducing {
  double operations = 0, functions = 0, chain = 0;
};
Reducing reducing(const Region& region, const KernelPart& part) {
  if (part.joint && part.joint->kind == Joint::Kind::exponentials)
    return {.operations = 7.0 + cost(Op::exp), .functions = static_cast<double>(cost(Op::exp)), .chain = 3 * latency};
  if (part.joint) return {.operations = 9, .functions = 0, .chain = 2 * latency};
  Reducing made;
  for (const int v : part.reductions) {
    const ReduceOp op = at(region, v).reduce;
    const bool simple = op == ReduceOp::sum || op == ReduceOp::prod;
    made.operations += is_position(op) ? 8 : simple ? 1 : 3;
    made.chain = std::max(made.chain, is_position(op) ? 3 * latency : simple ? latency : 2 * latency);
  }
  return made;
}

// Distinct bytes of the loads among `values` over `axes`; what lies in windows counts as its part of the whole tensor.
double bytes_over(const Region& region, const std::set<int>& values, std::optional<int> kept, std::uint64_t axes) {
  double bytes = 0;
  std::set<std::pair<std::string, int>> windowed;
  for (const int v : values) {
    const Instruction& i = at(region, v);
    if (v == kept) bytes += 4 * value_of(region.extent_of(i.axes & axes));
    if (i.form != Form::load || v == kept) continue;
    if (i.access.windows.empty()) {
      bytes += static_cast<double>(bytes_of(i.access.type)) * value_of(region.extent_of(axes_of(i.access) & axes));
    } else if (windowed.insert({i.access.tensor.name, i.access.tensor.index}).second) {
      const double share = value_of(region.extent_of(axes)) / value_of(region.extent_of(all_axes(region)));
      bytes += static_cast<double>(bytes_of(i.access.type)) * static_cast<double>(i.access.elements.at(0)) * share;
    }
  }
  return bytes;
}

// What answers a pass over `footprint` bytes that were touched before, a thread's own.
double& level_of(Work& work, double footprint, const CacheFacts& caches) {
  const auto threads = static_cast<double>(caches.threads);
  if (footprint <= 0.75 * static_cast<double>(caches.l1_bytes)) return work.again_l1;
  if (footprint <= 0.75 * static_cast<double>(caches.l2_bytes)) return work.again_l2;
  if (footprint * threads <= 0.75 * static_cast<double>(caches.l3_bytes)) return work.again_l3;
  return work.again_memory;
}

void count_tensors(const Region& region, const Schedule& s, Work& work) {
  std::set<int> loads;
  for (std::size_t v = 0; v < region.code.size(); ++v)
    if (region.code[v].form == Form::load) loads.insert(static_cast<int>(v));
  std::set<std::pair<std::string, int>> seen;
  std::erase_if(loads, [&](int v) {  // a tensor that two instructions load the same way is read once
    const Access& access = at(region, v).access;
    return access.windows.empty() && axes_of(access) == all_axes(region) &&
           !seen.insert({access.tensor.name, access.tensor.index}).second;
  });
  work.read = bytes_over(region, loads, std::nullopt, all_axes(region));
  const std::uint64_t inner = inner_axis(region);
  for (const RegionStore& store : region.stores) {
    const double bytes =
        static_cast<double>(bytes_of(store.access.type)) * value_of(region.extent_of(axes_of(store.access)));
    const bool along = (axes_of(store.access) & inner) != 0 && store.access.type == Type::f32;
    (s.streaming && along ? work.streamed : work.written) += bytes;
  }
}

// The launches of a schedule and the tasks of each.
std::vector<double> tasks_of(const Region& region, const Schedule& s) {
  const auto block = static_cast<double>(s.block.front());
  const double inner = region.axes.empty() ? 1 : value_of(region.axes.back().extent);
  const double kept = value_of(region.extent_of(all_axes(region) & ~region.reduced));
  const double reduced = value_of(region.extent_of(region.reduced));
  switch (s.sketch) {
    case Sketch::flat: {
      if (const auto lies = turned(region)) {
        const double along = value_of(region.axes[static_cast<std::size_t>(lies->axis)].extent);
        return {ceil_of(inner, block) * kept / inner / along * ceil_of(along, 1024)};
      }
      return {ceil_of(inner, block) * ceil_of(kept / inner, std::max(1.0, std::floor(block / inner)))};
    }
    case Sketch::rows:
      return {ceil_of(kept, std::max(1.0, std::floor(block / reduced)))};
    case Sketch::columns:
      return {ceil_of(inner, block) * kept / inner};
    case Sketch::split: {
      double cut = 1;
      for (std::size_t a = 0; a < region.axes.size() && cut == 1; ++a)
        if (region.is_reduced(static_cast<int>(a))) cut = value_of(region.axes[a].extent);
      const double chunks = ceil_of(cut, std::max(1.0, std::floor(block / (reduced / cut))));
      std::set<int> waves;
      for (const KernelPart& part : parts(region, s.joint)) waves.insert(part.wave);
      std::vector<double> launches(waves.size(), chunks * kept);
      const bool stores_rows = std::ranges::any_of(
          region.stores, [&](const RegionStore& store) { return (axes_of(store.access) & region.reduced) != 0; });
      launches.push_back(stores_rows ? chunks * kept : kept);
      return launches;
    }
    case Sketch::product:
    case Sketch::attention:
      break;
  }
  return {1};
}

// What later passes over a row (a block of columns, everything) find in a cache.
void count_again(const Region& region, const Schedule& s, const std::vector<CountedPass>& passes,
                 std::optional<int> kept, const MachineModel& machine, Work& work) {
  const std::uint64_t all = all_axes(region), inner = inner_axis(region);
  std::uint64_t once = s.sketch == Sketch::rows ? region.reduced : all;  // the axes between two passes
  double part = 1;
  if (s.sketch == Sketch::columns) {
    once = region.reduced | inner;
    part = std::min(1.0, static_cast<double>(s.block.front()) / value_of(region.axes.back().extent));
  }
  const double times = value_of(region.extent_of(all & ~once)) / part;
  std::set<int> seen;
  std::set<int> touched;
  for (const CountedPass& pass : passes) touched.insert(pass.values.begin(), pass.values.end());
  double footprint = bytes_over(region, touched, kept, once) * part;
  if (s.sketch == Sketch::split) footprint /= static_cast<double>(machine.caches.threads);
  for (const CountedPass& pass : passes) {
    std::set<int> again;
    for (const int v : pass.values)
      if (seen.contains(v)) again.insert(v);
    level_of(work, footprint, machine.caches) += bytes_over(region, again, kept, once) * part * times;
    seen.insert(pass.values.begin(), pass.values.end());
  }
  // Passes written as chunks (moments, exponentials) read their chunk again from L1.
  if (s.joint) work.again_l1 += 4 * value_of(region.extent_of(all)) * static_cast<double>(joints(region).size());
}

}  // namespace

double cycles_of(const Work& work) {
  return work.operations + work.waiting + work.strided * cycles_of_an_element + work.rows * cycles_of_a_row +
         work.tasks * cycles_of_a_task;
}

double unevenness(double tasks, double threads) {
  if (tasks <= 0 || threads <= 1) return 1;
  return ceil_of(tasks, threads) / (tasks / threads);
}

std::vector<CountedPass> counted_passes(const Region& region, const Schedule& s) {
  std::vector<CountedPass> made;
  const std::uint64_t all = all_axes(region), inner = inner_axis(region);
  const double row = region.axes.empty() ? 1 : value_of(region.axes.back().extent);
  std::set<int> turned_loads;
  if (const auto lies = turned(region)) turned_loads.insert(lies->loads.begin(), lies->loads.end());
  const auto rounds_over = [&](std::uint64_t axes) {
    return (axes & inner) != 0 ? value_of(region.extent_of(axes & ~inner)) * ceil_of(row, lanes)
                               : value_of(region.extent_of(axes));
  };
  std::optional<int> kept = s.keep ? kept_value(region, s) : std::nullopt;
  bool is_kept = false;
  for (const KernelPart& part : parts(region, s.joint)) {
    CountedPass pass;
    pass.rounds = rounds_over(all);
    const auto known = is_kept ? kept : std::nullopt;
    for (const int v : part.operands(region)) collect(region, v, known, pass.values);
    for (const int v : pass.values) count(region, v, known, turned_loads, pass);
    if (kept && !is_kept && pass.values.contains(*kept)) {
      is_kept = true;
      pass.operations += 1;
    }
    const Reducing made_of = reducing(region, part);
    pass.operations += made_of.operations;
    pass.functions += made_of.functions;
    pass.chain = made_of.chain;
    if (s.sketch == Sketch::columns) {  // accumulators lie in arrays
      pass.operations += 2 * static_cast<double>(part.reductions.size());
      pass.chain = 0;
    }
    made.push_back(std::move(pass));
  }
  const auto known = is_kept ? kept : std::nullopt;
  for (const bool along_reduced : {true, false}) {
    CountedPass pass;
    std::uint64_t axes = 0;
    for (const RegionStore& store : region.stores) {
      const std::uint64_t own = axes_of(store.access);
      if (((own & region.reduced) != 0 || region.reduced == 0) != along_reduced) continue;
      axes |= own;
      collect(region, store.value, known, pass.values);
      pass.operations += 1;
      pass.strided += one_by_one(region, store.access, {}, -1);
    }
    if (pass.operations == 0) continue;
    pass.rounds = rounds_over(along_reduced ? all : axes & ~region.reduced);
    for (const int v : pass.values) count(region, v, known, turned_loads, pass);
    made.push_back(std::move(pass));
  }
  return made;
}

Work work_of(const Region& region, const Schedule& s, const MachineModel& machine) {
  if (machine.gpu()) return gpu_work_of(region, s, machine);
  Work work;
  count_tensors(region, s, work);
  const std::vector<double> launches = tasks_of(region, s);
  work.launches = static_cast<double>(launches.size());
  const auto threads = static_cast<double>(machine.caches.threads);
  double busiest = 0, total = 0;
  for (const double tasks : launches) {
    work.tasks += tasks;
    busiest += unevenness(tasks, threads);
    total += 1;
  }
  work.uneven = busiest / total;
  const std::vector<CountedPass> passes = counted_passes(region, s);
  const double kept_rows = value_of(region.extent_of(all_axes(region) & ~region.reduced & ~inner_axis(region)));
  // A block of columns is a short piece of each row: the next one lies elsewhere.
  const double steps = value_of(region.extent_of(region.reduced));
  const bool jumps = s.sketch == Sketch::columns && steps > jumps_that_are_known;
  for (const CountedPass& pass : passes) {
    work.operations += pass.rounds * pass.operations;
    work.functions += pass.rounds * pass.functions;
    work.strided += pass.rounds * pass.strided;
    // What a round computes beyond its additions fills the time in which these wait.
    const double open = pass.chain / static_cast<double>(std::max<std::int64_t>(1, s.accumulators));
    work.waiting += pass.rounds * std::max(0.0, open - pass.operations);
    const double pieces = pass.rounds / std::max(1.0, ceil_of(static_cast<double>(s.block.front()), lanes));
    work.rows += s.sketch == Sketch::columns || region.reduced == 0
                     ? pieces * (jumps ? 1 + cycles_of_a_jump / cycles_of_a_row : 1)
                     : std::max(kept_rows, pass.chain > 0 ? work.tasks : 0);
  }
  count_again(region, s, passes, s.keep ? kept_value(region, s) : std::nullopt, machine, work);
  return work;
}

double memory_time(const Work& work, const Traffic& traffic, const MachineModel& machine) {
  return (traffic.memory + work.again_memory) / machine.memory_read + (traffic.l3 + work.again_l3) / machine.l3_read +
         (traffic.l2 + work.again_l2) / machine.l2_read + work.written / machine.memory_write +
         work.streamed / machine.memory_stream;
}

double seconds_of(const Work& work, const Traffic& traffic, const MachineModel& machine) {
  const double threads =
      machine.gpu() ? static_cast<double>(machine.caches.sms) : static_cast<double>(machine.caches.threads);
  const double rate = machine.vectors * 1e9 * threads;
  double memory = memory_time(work, traffic, machine) * 1e-9;
  double busy = (machine.gpu() ? work.operations : cycles_of(work)) / rate;
  if (machine.gpu()) {
    memory /= gpu_memory_efficiency(work);
    busy /= std::clamp(2 * work.occupancy, 0.1, 1.0);
  }
  const double longer = std::max(memory, busy), shorter = std::min(memory, busy);
  return work.launches * machine.launch_us * 1e-6 + work.uneven * (longer + (1 - hidden) * shorter);
}

}  // namespace kerf
