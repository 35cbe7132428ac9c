#include "synthesize/builtin/cost/machine.h"

#include <nlohmann/json.hpp>

#include "target/cpu/roofline.h"

namespace kerf {
namespace {

constexpr double operations_of_a_vector = 32;  // fused multiply-add, 16 lanes

void take(double& into, double found) {
  if (found > 0) into = found;
}

MachineModel gpu_model(const nlohmann::json& target, MachineModel machine) {
  // An H100 SXM: 3.35 TB/s at 90 %; an L2 of about twice that; four schedulers at 1.7 GHz, half of their slots used.
  machine.memory_read = machine.memory_write = machine.memory_stream = 3000;
  machine.l2_read = machine.l3_read = 5500;
  machine.vectors = 3.4;
  machine.launch_us = 2;
  const auto gpu = target.is_object() ? target.find("gpu") : target.end();
  if (gpu == target.end() || !gpu->is_object()) return machine;
  machine.warps_per_sm = gpu->value("warps_per_sm", machine.warps_per_sm);
  machine.blocks_per_sm = gpu->value("blocks_per_sm", machine.blocks_per_sm);
  machine.registers_per_sm = gpu->value("registers_per_sm", machine.registers_per_sm);
  return machine;
}

}  // namespace

MachineModel machine_model(const nlohmann::json& target, Language language) {
  MachineModel machine{.caches = machine_facts(target, language)};
  if (machine.gpu()) return gpu_model(target, machine);
  const auto calibration = target.is_object() ? target.find("calibration") : target.end();
  if (calibration == target.end() || !calibration->is_object()) return machine;
  const Result<Roofline> measured = roofline_from_json(*calibration);
  if (!measured) return machine;
  for (const LevelBandwidth& level : measured->levels) {
    if (level.level == "L2") take(machine.l2_read, level.read.median);
    if (level.level == "L3") take(machine.l3_read, level.read.median);
    if (level.level != "memory") continue;
    take(machine.memory_read, level.read.median);
    take(machine.memory_write, level.write.median);
    take(machine.memory_stream, level.stream_write.median);
  }
  take(machine.vectors, measured->f32_core.median / operations_of_a_vector);
  take(machine.launch_us, measured->barrier_us);
  return machine;
}

}  // namespace kerf
