#include "synthesize/builtin/cost/gpu_formulas.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "synthesize/builtin/attention.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/passes.h"

namespace kerf {
namespace {

using Form = Instruction::Form;

constexpr double warp = 32;
constexpr double bytes_needed_in_flight = 40 << 10;  // of an SM
constexpr double registers_of_any_thread = 20;

double value_of(const Extent& extent) { return static_cast<double>(extent.values.at(0)); }

double row_loads(const Region& region) {
  double n = 0;
  for (const Instruction& i : region.code) n += i.form == Form::load && i.axes != 0 ? 1 : 0;
  return std::max(1.0, n);
}

// Elements that a thread has of each tensor at a time.
double elements_of_a_thread(const Region& region, const Schedule& s) {
  const auto threads = static_cast<double>(s.block.front());
  if (s.hold && (s.sketch == Sketch::rows || s.sketch == Sketch::columns)) {
    const double reduced = value_of(region.extent_of(region.reduced));
    const double sharing = s.lanes >= whole_block ? threads : static_cast<double>(s.lanes);
    const double width = s.sketch == Sketch::columns ? static_cast<double>(s.width) : 1;
    return std::max(1.0, std::ceil(reduced / sharing)) * width;
  }
  return static_cast<double>(std::max<std::int64_t>(1, s.width * s.unroll));
}

double blocks_of(const Region& region, const Schedule& s, double elements) {
  const auto threads = static_cast<double>(s.block.front());
  std::uint64_t all = (std::uint64_t{1} << region.axes.size()) - 1;
  const double kept = value_of(region.extent_of(all & ~region.reduced));
  const auto lanes = static_cast<double>(std::max<std::int64_t>(1, s.lanes));
  double blocks = 1;
  switch (s.sketch) {
    case Sketch::flat: {
      const double row = s.across || region.axes.empty() ? kept : value_of(region.axes.back().extent);
      blocks = std::ceil(row / (threads * elements)) * (kept / row);
      break;
    }
    case Sketch::rows:
      blocks = s.lanes >= whole_block ? kept : std::ceil(kept * lanes / threads);
      break;
    case Sketch::columns:
      blocks = std::ceil(kept / (threads / lanes * static_cast<double>(s.width)));
      break;
    case Sketch::split:
      blocks = static_cast<double>(std::max<std::int64_t>(1, s.resident));
      break;
    case Sketch::product: {
      const double tile = static_cast<double>(std::max<std::int64_t>(1, s.tile[0] * s.tile[1]));
      blocks = std::ceil(kept / tile) * static_cast<double>(s.pieces);
      break;
    }
    case Sketch::attention:
      if (const auto shape = attention_shape(region))
        blocks = std::ceil(value_of(region.extent_of(shape->rows)) / static_cast<double>(s.tile[0])) *
                 value_of(region.extent_of(shape->batch));
      break;
  }
  if (s.resident > 0) blocks = std::min(blocks, static_cast<double>(s.resident));
  return std::max(1.0, blocks);
}

}  // namespace

double registers_of(const Region& region, const Schedule& s, Language language) {
  const double each = elements_of_a_thread(region, s) * row_loads(region);
  if (s.sketch == Sketch::product)
    return registers_of_any_thread + static_cast<double>(s.tile[0] * s.tile[1]) /
                                         static_cast<double>(std::max<std::int64_t>(32, s.block.front()));
  if (const auto shape = s.sketch == Sketch::attention ? attention_shape(region) : std::nullopt)
    return registers_of_any_thread + static_cast<double>(s.tile[0]) *
                                         (static_cast<double>(s.tile[1]) + value_of(region.extent_of(shape->inner)) +
                                          value_of(region.extent_of(shape->width))) /
                                         static_cast<double>(std::max<std::int64_t>(32, s.block.front()));
  // The compiler of Triton keeps a tile's intermediate values, too.
  return registers_of_any_thread + each * (language == Language::triton ? 1.5 : 1.0) + (s.joint ? 16 : 0);
}

double occupancy_of(double registers, double threads, const MachineModel& machine) {
  const double warps = std::ceil(threads / warp);
  const double by_registers =
      std::floor(machine.registers_per_sm / (std::clamp(registers, 16.0, 255.0) * warp * warps));
  const double by_warps = std::floor(machine.warps_per_sm / warps);
  const double blocks = std::clamp(std::min(by_registers, by_warps), 1.0, static_cast<double>(machine.blocks_per_sm));
  return std::min(1.0, blocks * warps / machine.warps_per_sm);
}

double gpu_memory_efficiency(const Work& work) {
  if (work.in_flight <= 0) return 1;
  return std::min(1.0, work.in_flight / bytes_needed_in_flight);
}

Work gpu_work_of(const Region& region, const Schedule& s, const MachineModel& machine) {
  Work work;
  const std::uint64_t all = (std::uint64_t{1} << region.axes.size()) - 1;
  const double elements = value_of(region.extent_of(all));
  std::set<std::pair<std::string, int>> windowed;
  double loaded = 0;  // by every load, also where windows overlap
  for (const Instruction& i : region.code) {
    if (i.form == Form::pointwise) work.operations += (1 + cost(i.op)) * value_of(region.extent_of(i.axes)) / warp;
    if (i.form == Form::pointwise) work.functions += cost(i.op) * value_of(region.extent_of(i.axes)) / warp;
    if (i.form == Form::reduce) {
      const std::uint64_t over = region.code[static_cast<std::size_t>(i.operands[0])].axes;
      work.operations += (s.sketch == Sketch::attention ? value_of(region.extent_of(over)) : elements) / warp;
    }
    if (i.form != Form::load) continue;
    const auto bytes = static_cast<double>(bytes_of(i.access.type));
    loaded += bytes * value_of(region.extent_of(i.axes));
    double own = 1;
    for (const Subscript& sub : i.access.subscripts)
      own *= value_of(region.axes[static_cast<std::size_t>(sub.axis)].extent);
    if (!i.access.windows.empty())
      own = windowed.insert({i.access.tensor.name, i.access.tensor.index}).second
                ? static_cast<double>(i.access.elements.at(0))
                : 0;
    work.read += bytes * own;
  }
  for (const RegionStore& store : region.stores) {
    auto own = static_cast<double>(bytes_of(store.access.type));
    for (const Subscript& sub : store.access.subscripts)
      own *= value_of(region.axes[static_cast<std::size_t>(sub.axis)].extent);
    work.written += own;
  }
  work.operations += (loaded + work.written) / (4.0 * static_cast<double>(std::max<std::int64_t>(1, s.width)) * warp);
  // Passes that load again: from L2 where the rows under way fit.
  const auto passes = static_cast<double>(parts(region, s.joint).size() + (stores_rows(region) ? 1 : 0));
  const auto threads = static_cast<double>(s.block.front());
  work.occupancy = occupancy_of(registers_of(region, s, machine.caches.language), threads, machine);
  if (region.reduced != 0 && !s.hold && s.sketch != Sketch::product && s.sketch != Sketch::attention && passes > 1) {
    const double rows =
        machine.warps_per_sm * work.occupancy * warp / threads * static_cast<double>(machine.caches.sms);
    const double footprint = static_cast<double>(bytes_in_a_row(region)) * rows;
    (footprint < 0.6 * static_cast<double>(machine.caches.l2_bytes) || s.overlap ? work.again_l2 : work.again_memory) =
        (passes - 1) * work.read;
  }
  const double each = elements_of_a_thread(region, s);
  work.tasks = blocks_of(region, s, each);
  work.launches = s.sketch == Sketch::split && !s.overlap ? passes : s.pieces > 1 ? 2 : 1;
  const double resident = std::max(1.0, std::floor(machine.warps_per_sm * work.occupancy / std::ceil(threads / warp)));
  const auto sms = static_cast<double>(machine.caches.sms);
  // The last round of blocks takes as long as a full one, unless a launch is a loop of its own.
  work.uneven =
      s.resident > 0 ? 1 : std::min(unevenness(work.tasks, sms * resident), unevenness(work.tasks, sms) + 0.25);
  const double present = std::min(resident, std::max(1.0, work.tasks / sms));
  work.in_flight = present * threads * 4 * std::min(each, 64.0) * row_loads(region) *
                   static_cast<double>(std::max<std::int64_t>(1, s.stages));
  return work;
}

}  // namespace kerf
