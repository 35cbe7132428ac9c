#include "evaluate/profile/kernel_profile.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <optional>

namespace kerf {
namespace {

struct Direct {
  std::string_view name, unit, counter;
  double scale = 1;
};
constexpr double percent = 0.01;
constexpr double sector_bytes = 32;
constexpr double lanes = 32;
constexpr double warps_of_a_scheduler = 16;  // that an SM of 64 warps and 4 schedulers can hold

constexpr std::array direct{
    Direct{"time.kernel", "us", "gpu__time_duration.sum", 1e-3},
    Direct{"bytes.dram.read", "B", "dram__bytes_read.sum"},
    Direct{"bytes.dram.write", "B", "dram__bytes_write.sum"},
    Direct{"bytes.l2", "B", "lts__t_bytes.sum"},
    Direct{"bytes.l1", "B", "l1tex__t_bytes.sum"},
    Direct{"bytes.load", "B", "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum", sector_bytes},
    Direct{"bytes.store", "B", "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum", sector_bytes},
    Direct{"fraction.dram", "1", "gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed", percent},
    Direct{"fraction.l2", "1", "lts__throughput.avg.pct_of_peak_sustained_elapsed", percent},
    Direct{"fraction.l1", "1", "l1tex__throughput.avg.pct_of_peak_sustained_active", percent},
    Direct{"fraction.memory", "1", "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed", percent},
    Direct{"fraction.sm", "1", "sm__throughput.avg.pct_of_peak_sustained_elapsed", percent},
    Direct{"fraction.unit.fma", "1", "sm__inst_executed_pipe_fma.avg.pct_of_peak_sustained_active", percent},
    Direct{"fraction.unit.integer", "1", "sm__inst_executed_pipe_alu.avg.pct_of_peak_sustained_active", percent},
    Direct{"fraction.unit.special", "1", "sm__inst_executed_pipe_xu.avg.pct_of_peak_sustained_active", percent},
    Direct{"fraction.unit.load_store", "1", "sm__inst_executed_pipe_lsu.avg.pct_of_peak_sustained_active", percent},
    Direct{"fraction.unit.double", "1", "sm__pipe_fp64_cycles_active.avg.pct_of_peak_sustained_active", percent},
    Direct{"fraction.unit.tensor", "1", "sm__pipe_tensor_cycles_active.avg.pct_of_peak_sustained_active", percent},
    Direct{"hits.l2", "1", "lts__t_sector_hit_rate.pct", percent},
    Direct{"hits.l1", "1", "l1tex__t_sector_hit_rate.pct", percent},
    Direct{"occupancy.achieved", "1", "sm__warps_active.avg.pct_of_peak_sustained_active", percent},
    Direct{"issue.active", "1", "smsp__issue_active.avg.pct_of_peak_sustained_active", percent},
    Direct{"issue.eligible", "warps", "smsp__warps_eligible.avg.per_cycle_active"},
    Direct{"instructions", "1", "smsp__inst_executed.sum"},
    Direct{"threads.active", "1", "smsp__thread_inst_executed_per_inst_executed.ratio", 1 / lanes},
    Direct{"sectors.load", "1", "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_ld.ratio"},
    Direct{"sectors.store", "1", "l1tex__average_t_sectors_per_request_pipe_lsu_mem_global_op_st.ratio"},
    Direct{"used.load", "1", "smsp__sass_average_data_bytes_per_sector_mem_global_op_ld.ratio", 1 / sector_bytes},
    Direct{"used.store", "1", "smsp__sass_average_data_bytes_per_sector_mem_global_op_st.ratio", 1 / sector_bytes},
    Direct{"launch.registers", "1", "launch__registers_per_thread"},
    Direct{"launch.shared", "B", "launch__shared_mem_per_block"},
    Direct{"launch.threads", "1", "launch__block_size"},
    Direct{"launch.blocks", "1", "launch__grid_size"},
    Direct{"launch.sms", "1", "launch__sm_count"},
    Direct{"launch.waves", "1", "launch__waves_per_multiprocessor"},
    Direct{"fits.registers", "blocks", "launch__occupancy_limit_registers"},
    Direct{"fits.shared", "blocks", "launch__occupancy_limit_shared_mem"},
    Direct{"fits.warps", "blocks", "launch__occupancy_limit_warps"},
    Direct{"fits.blocks", "blocks", "launch__occupancy_limit_blocks"},
};

// What two or more counters make.
struct Derived {
  std::string_view name, unit;
  std::array<std::string_view, 4> over;   // summed
  std::array<std::string_view, 2> under;  // summed; the quotient is absent where this is zero; none: a sum
  std::array<double, 4> weights = {1, 1, 1, 1};
};
constexpr std::array derived{
    Derived{"active.sms", "1", {"sm__cycles_active.avg"}, {"sm__cycles_elapsed.max"}},
    Derived{"conflicts.shared",
            "1",
            {"l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_ld.sum",
             "l1tex__data_bank_conflicts_pipe_lsu_mem_shared_op_st.sum"},
            {"l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum",
             "l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st.sum"}},
    Derived{"accesses.shared",
            "1",
            {"smsp__sass_inst_executed_op_shared_ld.sum", "smsp__sass_inst_executed_op_shared_st.sum"},
            {"smsp__inst_executed.sum"}},
    Derived{"accesses.local",
            "1",
            {"smsp__sass_inst_executed_op_local_ld.sum", "smsp__sass_inst_executed_op_local_st.sum"},
            {"smsp__inst_executed.sum"}},
    Derived{"bytes.atomic",
            "B",
            {"lts__t_sectors_op_atom.sum", "lts__t_sectors_op_red.sum"},
            {},
            {sector_bytes, sector_bytes, 0, 0}},
    Derived{
        "operations.f32",
        "FLOP",
        {"smsp__sass_thread_inst_executed_op_ffma_pred_on.sum", "smsp__sass_thread_inst_executed_op_fadd_pred_on.sum",
         "smsp__sass_thread_inst_executed_op_fmul_pred_on.sum"},
        {},
        {2, 1, 1, 0}},
};

// Why a warp did not issue, as shares of the time of all warps that are on an SM. "selected" issues.
constexpr std::array stalls{
    "barrier",         "branch_resolving",   "dispatch_stall", "drain",        "gmma", "imc_miss",       "lg_throttle",
    "long_scoreboard", "math_pipe_throttle", "membar",         "mio_throttle", "misc", "no_instruction", "not_selected",
    "selected",        "short_scoreboard",   "sleeping",       "tex_throttle", "wait"};

std::string stall_counter(std::string_view stall) {
  return "smsp__average_warps_issue_stalled_" + std::string(stall) + "_per_issue_active.ratio";
}

std::optional<double> value_of(const std::map<std::string, double>& counters, std::string_view name) {
  const auto at = counters.find(std::string(name));
  if (at == counters.end() || !std::isfinite(at->second)) return std::nullopt;
  return at->second;
}

}  // namespace

std::string_view unit_of_metric(std::string_view name) {
  for (const Direct& metric : direct) {
    if (metric.name == name) return metric.unit;
  }
  for (const Derived& metric : derived) {
    if (metric.name == name) return metric.unit;
  }
  return name.starts_with("stall.") ? "1" : "";
}

KernelProfile from_nvidia_counters(std::string kernel, const std::map<std::string, double>& counters) {
  KernelProfile out{.kernel = std::move(kernel), .launches = 1, .metrics = {}};
  for (const Direct& metric : direct) {
    if (const auto value = value_of(counters, metric.counter)) {
      out.metrics[std::string(metric.name)] = *value * metric.scale;
    }
  }
  for (const Derived& metric : derived) {
    double over = 0, under = 0;
    bool known = true;
    for (std::size_t i = 0; i < metric.over.size(); ++i) {
      if (metric.over[i].empty()) continue;
      const auto value = value_of(counters, metric.over[i]);
      known = known && value;
      over += value.value_or(0) * metric.weights[i];
    }
    const bool quotient = !metric.under[0].empty();
    for (const auto counter : metric.under) {
      if (counter.empty()) continue;
      const auto value = value_of(counters, counter);
      known = known && value;
      under += value.value_or(0);
    }
    if (known && (!quotient || under > 0)) out.metrics[std::string(metric.name)] = quotient ? over / under : over;
  }
  double sum = 0;
  for (const auto* stall : stalls) sum += value_of(counters, stall_counter(stall)).value_or(0);
  // Where only some were counted, their sum is that of all warps on a scheduler for each instruction that it issues.
  const auto resident = value_of(counters, "sm__warps_active.avg.pct_of_peak_sustained_active");
  const auto issuing = value_of(counters, "smsp__issue_active.avg.pct_of_peak_sustained_active");
  if (!value_of(counters, stall_counter("selected")) && resident && issuing && *issuing > 0)
    sum = std::max(sum, warps_of_a_scheduler * *resident / *issuing);
  for (const auto* stall : stalls) {
    const auto value = value_of(counters, stall_counter(stall));
    if (value && sum > 0) out.metrics["stall." + std::string(stall)] = *value / sum;
  }
  return out;
}

std::vector<std::string> nvidia_counters() {
  std::vector<std::string> out;
  const auto add = [&](std::string_view counter) {
    if (!counter.empty() && std::ranges::find(out, counter) == out.end()) out.emplace_back(counter);
  };
  for (const Direct& metric : direct) add(metric.counter);
  for (const Derived& metric : derived) {
    for (const auto counter : metric.over) add(counter);
    for (const auto counter : metric.under) add(counter);
  }
  for (const auto* stall : stalls) add(stall_counter(stall));
  return out;
}

std::vector<std::vector<std::string>> cupti_groups(Effort effort) {
  constexpr std::array cold{"gpu__time_duration.sum",
                            "dram__bytes_read.sum",
                            "dram__bytes_write.sum",
                            "gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed",
                            "lts__t_bytes.sum",
                            "sm__cycles_active.avg",
                            "sm__cycles_elapsed.max",
                            "sm__warps_active.avg.pct_of_peak_sustained_active",
                            "smsp__issue_active.avg.pct_of_peak_sustained_active",
                            "smsp__inst_executed.sum",
                            "smsp__average_warps_issue_stalled_long_scoreboard_per_issue_active.ratio",
                            "l1tex__t_bytes.sum",
                            "l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum",
                            "l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum",
                            "lts__t_sectors_op_atom.sum",
                            "lts__t_sectors_op_red.sum"};
  std::vector<std::vector<std::string>> groups{{cold.begin(), cold.end()}};
  if (effort == Effort::screen) return groups;
  groups.emplace_back();
  for (std::string& counter : nvidia_counters()) {
    if (counter.starts_with("launch__") || std::ranges::find(cold, counter) != cold.end()) continue;
    groups[1].push_back(std::move(counter));
  }
  return groups;
}

}  // namespace kerf
