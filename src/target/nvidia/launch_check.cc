#include "target/nvidia/launch_check.h"

#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "candidate/plan_error.h"
#include "target/nvidia/occupancy.h"

namespace kerf {
namespace {

int bytes_of(BoundArgument::Kind kind) {
  using enum BoundArgument::Kind;
  switch (kind) {
    case tensor:
    case thread:
    case i64:
    case f64:
      return 8;
    case i32:
    case f32:
      return 4;
    case boolean:
      return 1;
    case tensor_map:
      return tensor_map_bytes;
    case unknown:
      break;
  }
  return 0;
}

class LaunchCheck final : public BlindMachine {
 public:
  LaunchCheck(const Plan& plan, const GpuLimits& gpu, const std::map<std::string, CubinKernel>* kernels)
      : plan_(plan), gpu_(gpu), kernels_(kernels) {}

  Result<> launch(const BoundStep& bound, const BoundLaunch& launch) override {
    if (!launch.block) return {};
    const Step& step = plan_.steps[static_cast<std::size_t>(bound.step)];
    TRY(check_grid(step, launch));
    TRY(check_block(*launch.block));
    if (kernels_ == nullptr) return {};
    const auto kernel = kernels_->find(launch.kernel);
    if (kernel == kernels_->end()) return {};
    TRY(check_kernel(step, launch, kernel->second));
    if (told_.insert(bound.step).second) tell(step, launch, kernel->second);  // of a loop, its first round
    return {};
  }

  [[nodiscard]] nlohmann::json take() { return std::move(launches_); }

 private:
  [[nodiscard]] Result<> check_grid(const Step& step, const BoundLaunch& launch) const {
    for (std::size_t d = 0; d < launch.grid.size(); ++d) {
      const std::int64_t limit = d == 0 ? gpu_.grid_x : gpu_.grid_yz;
      if (launch.grid[d] > limit) {
        return refuse("grid",
                      fmt::format("extent {} of the grid is {}: a GPU allows {} there", d, launch.grid[d], limit),
                      step.grid[d].at);
      }
    }
    return {};
  }

  [[nodiscard]] Result<> check_block(const BoundBlock& block) const {
    std::int64_t threads = 1;
    bool too_long = false;
    for (std::size_t d = 0; d < 3; ++d) {
      too_long = too_long || block.extent[d] > (d == 2 ? gpu_.block_z : gpu_.block_xy);
      threads = too_long ? threads : threads * block.extent[d];
    }
    if (too_long || threads > gpu_.threads_per_block) {
      return refuse(
          "block",
          fmt::format("a block of {} x {} x {} threads: it has at most {} threads, {} along x and y, {} along z",
                      block.extent[0], block.extent[1], block.extent[2], gpu_.threads_per_block, gpu_.block_xy,
                      gpu_.block_z),
          block.at);
    }
    if (block.shared_bytes > gpu_.shared_per_block) {
      return refuse("shared_memory",
                    fmt::format("{} bytes of shared memory: a block has at most {} ({} KiB)", block.shared_bytes,
                                gpu_.shared_per_block, gpu_.shared_per_block >> 10),
                    block.shared_at);
    }
    constexpr std::int64_t portable_cluster = 8;
    if (block.cluster[0] * block.cluster[1] * block.cluster[2] > portable_cluster)
      return refuse("cluster", "a cluster has at most 8 blocks", block.at);
    return {};
  }

  [[nodiscard]] Result<> check_kernel(const Step& step, const BoundLaunch& launch, const CubinKernel& kernel) const {
    if (kernel.parameters.size() != launch.args.size()) {
      return refuse("prototype",
                    fmt::format("the plan gives {} arguments and {} takes {}", launch.args.size(), launch.kernel,
                                kernel.parameters.size()),
                    step.args_at);
    }
    for (std::size_t i = 0; i < launch.args.size(); ++i) {
      const int given = bytes_of(launch.args[i].kind), taken = kernel.parameters[i].size;
      if (given == 0 || given == taken) continue;
      return refuse("prototype",
                    fmt::format("argument {} has {} bytes in the plan ({}) and {} in {}; i32(…), f64(…) and the like "
                                "choose a type in the plan",
                                i + 1, given, to_string(launch.args[i].kind), taken, launch.kernel),
                    step.args_at);
    }
    const BoundBlock& block = *launch.block;
    const std::int64_t threads = block.extent[0] * block.extent[1] * block.extent[2];
    if (block.cooperative) TRY(check_together(step, launch, kernel, threads));
    const std::int64_t bound = std::int64_t{1} * kernel.max_threads[0] * kernel.max_threads[1] * kernel.max_threads[2];
    if (bound > 0 && threads > bound) {
      return refuse("block",
                    fmt::format("a block of {} threads: {} is compiled for at most {} (__launch_bounds__)", threads,
                                launch.kernel, bound),
                    block.at);
    }
    if (kernel.shared_bytes + block.shared_bytes > gpu_.shared_per_block) {
      return refuse("shared_memory",
                    fmt::format("{} bytes of shared memory in the kernel and {} in the plan: a block has at most {}",
                                kernel.shared_bytes, block.shared_bytes, gpu_.shared_per_block),
                    block.shared_at);
    }
    constexpr std::int64_t warp = 32, unit = 256;
    const std::int64_t registers = (kernel.registers * warp + unit - 1) / unit * unit * ((threads + warp - 1) / warp);
    if (registers > gpu_.registers_per_sm) {
      return refuse("registers",
                    fmt::format("{} takes {} registers a thread: {} threads need {}, and an SM has {}; add "
                                "__launch_bounds__({})",
                                launch.kernel, kernel.registers, threads, registers, gpu_.registers_per_sm, threads),
                    block.at);
    }
    return {};
  }

  // All blocks of a cooperative launch run at the same time.
  [[nodiscard]] Result<> check_together(const Step& step, const BoundLaunch& launch, const CubinKernel& kernel,
                                        std::int64_t threads) const {
    const Occupancy o =
        occupancy(gpu_, static_cast<int>(threads), kernel.registers, kernel.shared_bytes + launch.block->shared_bytes);
    const double most = static_cast<double>(o.blocks) * gpu_.sms;
    double blocks = 1;
    for (const std::int64_t extent : launch.grid) blocks *= static_cast<double>(extent);
    if (o.blocks == 0 || blocks <= most) return {};  // other rules tell of a block that no SM holds
    return refuse(
        "cooperative",
        fmt::format("a cooperative launch of {:.0f} blocks: the GPU runs {:.0f} of {} at the same time ({} an "
                    "SM, limited by {})",
                    blocks, most, launch.kernel, o.blocks, o.limited_by),
        step.grid_at);
  }

  void tell(const Step& step, const BoundLaunch& launch, const CubinKernel& kernel) {
    const BoundBlock& block = *launch.block;
    const std::int64_t threads = block.extent[0] * block.extent[1] * block.extent[2];
    const std::int64_t shared = kernel.shared_bytes + block.shared_bytes;
    double blocks = 1;
    for (const std::int64_t extent : launch.grid) blocks *= static_cast<double>(extent);
    const Occupancy o = occupancy(gpu_, static_cast<int>(threads), kernel.registers, shared);
    const double at_a_time = static_cast<double>(o.blocks) * gpu_.sms;
    launches_.push_back({{"kernel", launch.kernel},
                         {"line", step.target.at.line},
                         {"blocks", blocks},
                         {"threads", threads},
                         {"registers", kernel.registers},
                         {"shared_bytes", shared},
                         {"local_bytes", kernel.local_bytes},
                         {"blocks_per_sm", o.blocks},
                         {"occupancy", o.fraction},
                         {"limited_by", o.limited_by},
                         {"waves", at_a_time > 0 ? nlohmann::json(blocks / at_a_time) : nlohmann::json()}});
  }

  const Plan& plan_;
  const GpuLimits& gpu_;
  const std::map<std::string, CubinKernel>* kernels_;
  std::set<int> told_;
  nlohmann::json launches_ = nlohmann::json::array();
};

}  // namespace

Result<nlohmann::json> check_launches(const Source& source, const Workload& workload, const TunePoint& point,
                                      const GpuLimits& gpu, const std::map<std::string, CubinKernel>* kernels) {
  LaunchCheck machine(source.plan, gpu, kernels);
  TRY(bind({.source = &source, .workload = &workload, .tune = point}, machine));
  return machine.take();
}

}  // namespace kerf
