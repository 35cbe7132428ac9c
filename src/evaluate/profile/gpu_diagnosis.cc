#include "evaluate/profile/gpu_diagnosis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace kerf {
namespace {

constexpr double busy = 0.6;           // of a roof: what is that full bounds the kernel
constexpr double at_the_roof = 0.8;    // of the memory's
constexpr double gpu_not_full = 0.85;  // of the cycles in which an SM has a block
constexpr double warps_of_an_sm = 64;  // since compute capability 8.0 of the large chips
constexpr double lanes = 32;
constexpr double no_share = 0.3;  // of traffic: less is not worth a word

std::string percent(double fraction) { return fmt::format("{:.0f} %", 100 * fraction); }
std::string bytes(double value) {
  return value >= 1e9 ? fmt::format("{:.2f} GB", value * 1e-9) : fmt::format("{:.1f} MB", value * 1e-6);
}

// What a stall waits for, in words.
std::string_view words_of(std::string_view stall) {
  struct Words {
    std::string_view stall, words;
  };
  constexpr std::array known{Words{"barrier", "other threads at a barrier"},
                             Words{"branch_resolving", "a branch"},
                             Words{"dispatch_stall", "the dispatcher"},
                             Words{"drain", "stores to leave at the end of a thread"},
                             Words{"gmma", "the tensor cores"},
                             Words{"imc_miss", "constants"},
                             Words{"lg_throttle", "a full queue of loads and stores"},
                             Words{"long_scoreboard", "loads from global or local memory"},
                             Words{"math_pipe_throttle", "a full arithmetic unit"},
                             Words{"membar", "a memory fence"},
                             Words{"mio_throttle", "a full queue of shared memory and special functions"},
                             Words{"no_instruction", "instructions"},
                             Words{"short_scoreboard", "shared memory or special functions"},
                             Words{"sleeping", "sleep"},
                             Words{"tex_throttle", "the texture queue"},
                             Words{"wait", "the fixed latency of the instruction before"}};
  const auto* const found = std::ranges::find(known, stall, &Words::stall);
  return found == known.end() ? stall : found->words;
}

class GpuDoctor {
 public:
  explicit GpuDoctor(const GpuRun& run) : run_(run) {
    launches_ = run.launches > 0 ? run.launches : static_cast<double>(run.kernels.size());
    double sum = 0, known = 0, most = 0;
    for (const auto& kernel : run.kernels) {
      const double us = kernel.get("time.kernel") * kernel.launches;
      sum += us;
      known += kernel.launches;
      dram_ += (kernel.get("bytes.dram.read") + kernel.get("bytes.dram.write")) * kernel.launches;
      if (heart_ != nullptr && us <= most) continue;
      heart_ = &kernel;
      most = us;
    }
    if (run.kernels.empty()) return;
    const double factor = launches_ / known;
    kernels_us_ = sum * factor;
    dram_ *= factor;
    share_ = sum > 0 ? most / sum : 0;
  }

  Diagnosis operator()() {
    if (heart_ == nullptr) return {};
    measure();
    if (!of_the_plan()) of_the_kernel();
    return std::move(out_);
  }

 private:
  [[nodiscard]] double get(std::string_view name, double otherwise = 0) const { return heart_->get(name, otherwise); }

  void measure() {
    for (const auto& [name, value] : heart_->metrics) {
      out_.metrics[name] = {.value = value, .unit = std::string(unit_of_metric(name)), .evidence = Evidence::silicon};
    }
    const auto add = [&](const char* name, double value, const char* unit) {
      if (value > 0) out_.metrics[name] = {.value = value, .unit = unit, .evidence = Evidence::silicon};
    };
    add("time.kernels", kernels_us_, "us");
    add("bytes.dram", dram_, "B");
    add("steps.launches", launches_, "1");
    add("share.dominating_kernel", share_, "1");
  }

  // A cause that holds. The first one decides the bound.
  void cause(Bound bound, const char* name, std::string what, const char* advice) {
    if (!out_.bound) out_.bound = bound;
    out_.causes.push_back({.name = name, .what = std::move(what), .evidence = Evidence::silicon});
    out_.advice.emplace_back(advice);
  }

  // True if the time is spent between kernels rather than in them: then nothing in them matters yet.
  bool of_the_plan() {
    if (run_.time_us <= 0 || run_.launch_us <= 0) return false;
    const double launching = launches_ * run_.launch_us;
    // A profiler takes kernels one by one, cold: a chain of tiny ones can seem longer than it is.
    const bool rate_is_met = launching > 0.75 * run_.time_us;
    if (launches_ > 1 && (rate_is_met || (launching > 0.4 * run_.time_us && kernels_us_ < 0.6 * run_.time_us))) {
      cause(Bound::launch, "launch_chain",
            fmt::format("{:.0f} launches of {:.1f} us each: launching takes longer than the work", launches_,
                        kernels_us_ / launches_),
            "fuse: do the steps of this chain in one launch, or loop inside the kernel");
      return true;
    }
    const double gaps = run_.time_us - kernels_us_ - launching;
    if (gaps > 0.4 * run_.time_us) {
      out_.bound = Bound::host;
      out_.advice.push_back(
          fmt::format("{} of the time no kernel of the plan runs and none is being launched: look at its calls and at "
                      "what synchronises",
                      percent(gaps / run_.time_us)));
      return true;
    }
    return false;
  }

  void of_the_kernel() {
    blocks();
    atomics();
    local_memory();
    bank_conflicts();
    coalescing();
    traffic();
    barriers();
    occupancy();
    divergence();
    tensor_cores();
    roofs();
  }

  void blocks() {
    const double sms = get("launch.sms"), grid = get("launch.blocks"), waves = get("launch.waves");
    if (sms > 0 && grid > 0 && grid < 0.75 * sms) {
      cause(Bound::occupancy, "few_blocks",
            fmt::format("{:.0f} blocks for {:.0f} SMs: {} of the GPU stands idle", grid, sms, percent(1 - grid / sms)),
            "split: give each block less to do (split the reduction or the inner dimension) until there are a few "
            "blocks for every SM");
      return;
    }
    const double last = waves / std::ceil(waves);
    if (waves > 1 && last < 0.75 && get("active.sms", 1) < gpu_not_full) {
      cause(Bound::occupancy, "tail_wave",
            fmt::format("{:.2f} waves of blocks: the last one fills {} of the GPU, and SMs are idle {} of the time",
                        waves, percent(waves - std::floor(waves)), percent(1 - get("active.sms"))),
            "blocks: choose a grid of whole waves, smaller blocks, or a persistent loop over the work");
    }
  }

  void atomics() {
    const double moved = get("bytes.load") + get("bytes.store") + get("bytes.atomic");
    if (moved <= 0 || get("bytes.atomic") < 0.2 * moved || !knows_roofs()) return;
    if (get("fraction.memory") > busy || get("fraction.sm") > busy) return;
    cause(Bound::latency, "contended_atomics",
          fmt::format("atomic operations are {} of the traffic while memory is {} busy: they wait for each other",
                      percent(get("bytes.atomic") / moved), percent(get("fraction.memory"))),
          "accumulate: sum within the thread, the warp and the block first; one atomic operation a block, or none");
  }

  void local_memory() {
    if (get("accesses.local") < 0.05) return;
    cause(
        moves() ? Bound::memory : Bound::latency, "spills",
        fmt::format("{} of all instructions load or store local memory: registers were spilled, or an array is indexed "
                    "by a variable",
                    percent(get("accesses.local"))),
        "registers: smaller tiles, looser launch bounds, and indexes of arrays that the compiler can know (unroll)");
  }

  void bank_conflicts() {
    const double waiting = get("stall.short_scoreboard") + get("stall.mio_throttle") + get("stall.barrier");
    if (get("conflicts.shared") < 0.5 || (get("fraction.l1") < busy && waiting < 0.4)) return;
    cause(get("fraction.l1") > busy ? Bound::memory : Bound::latency, "bank_conflicts",
          fmt::format("{} of the cycles of shared memory are repeats because of bank conflicts",
                      percent(get("conflicts.shared"))),
          "layout: pad rows of shared memory by a word, or swizzle the columns, so that a warp's lanes fall into "
          "different banks");
  }

  void coalescing() {
    const double loaded = get("bytes.load"), stored = get("bytes.store"), all = loaded + stored;
    const auto scattered = [&](double moved, const char* sectors, const char* used) {
      // Many sectors a request of which little is used; one sector that all lanes share is a broadcast.
      return all > 0 && moved > no_share * all && get(sectors) >= 12 && get(used, 1) <= 0.5;
    };
    const bool loads = scattered(loaded, "sectors.load", "used.load");
    const bool stores = scattered(stored, "sectors.store", "used.store");
    if (!loads && !stores) return;
    const double used = std::min(loads ? get("used.load") : 1, stores ? get("used.store") : 1);
    cause(moves() ? Bound::memory : Bound::latency, "uncoalesced",
          fmt::format("{} touch {:.0f} sectors a warp and use {} of the bytes that they move",
                      loads && stores ? "loads and stores"
                      : loads         ? "loads"
                                      : "stores",
                      std::max(loads ? get("sectors.load") : 0, stores ? get("sectors.store") : 0), percent(used)),
          "coalesce: let neighbouring threads touch neighbouring addresses; go through a tile of shared memory where "
          "input and output differ in order");
  }

  void traffic() {
    if (run_.least_bytes <= 0 || dram_ < 1.5 * run_.least_bytes || !full()) return;
    cause(Bound::memory, "redundant_traffic",
          fmt::format("{} went through memory where {} would do, at {} of its bandwidth", bytes(dram_),
                      bytes(run_.least_bytes), percent(get("fraction.dram"))),
          "fuse: keep what is needed again in registers or shared memory; read each input and write each output once");
  }

  void barriers() {
    const auto stalls = top_stalls(*heart_, 1);
    if (stalls.empty() || stalls[0].first != "barrier" || stalls[0].second < 0.25) return;
    cause(Bound::latency, "serialised_barrier",
          fmt::format("warps spend {} of their time waiting for each other at barriers", percent(stalls[0].second)),
          "barriers: reduce within warps by shuffles, let all warps work between barriers, use two buffers instead of "
          "two barriers");
  }

  void occupancy() {
    const double threads = get("launch.threads");
    const double by_warps = get("fits.warps"), by_blocks = get("fits.blocks"), by_registers = get("fits.registers"),
                 by_shared = get("fits.shared");
    if (!knows_roofs() || threads <= 0 || by_warps <= 0 || by_blocks <= 0 || by_registers <= 0 || by_shared <= 0)
      return;
    const double fit = std::min({by_warps, by_blocks, by_registers, by_shared});
    const double possible = fit * std::ceil(threads / lanes) / warps_of_an_sm;
    const double work = std::max({get("fraction.memory"), get("fraction.sm"), get("issue.active")});
    if (possible > 0.5 || work > busy || !out_.causes.empty()) return;
    const auto what = [&](std::string_view limit) {
      return fmt::format(
          "{} leave room for {:.0f} blocks of {:.0f} threads on an SM: {} of the warps that it could hold", limit, fit,
          threads, percent(possible));
    };
    if (fit == by_shared && by_shared < by_blocks) {
      cause(Bound::occupancy, "occupancy_shared",
            what(fmt::format("{:.0f} bytes of shared memory a block", get("launch.shared"))),
            "occupancy: ask for less shared memory a block, or let more threads share it");
    } else if (fit == by_registers && by_registers < by_blocks) {
      cause(Bound::occupancy, "occupancy_registers",
            what(fmt::format("{:.0f} registers a thread", get("launch.registers"))),
            "occupancy: keep fewer values alive in a thread, or bound the registers (__launch_bounds__)");
    } else {
      cause(Bound::occupancy, "occupancy_block", what("the small blocks"),
            "occupancy: more threads a block, in whole warps of 32");
    }
  }

  void divergence() {
    // Where leaders work while others wait, or blocks are smaller than a warp, lanes are idle for that reason.
    if (get("threads.active", 1) > 0.75 || named("serialised_barrier") || named("occupancy_block")) return;
    cause(get("fraction.sm") > busy || get("issue.active") > busy ? Bound::compute : Bound::latency, "divergent",
          fmt::format("{:.0f} of 32 lanes are active in an average instruction", lanes * get("threads.active")),
          "divergence: give the lanes of a warp the same path and the same number of rounds (sort, or compute both "
          "sides without a branch)");
  }

  void tensor_cores() {
    if (!run_.half_products || get("fraction.unit.tensor", 1) > 0.01 || full_of_dram()) return;
    if (named("few_blocks")) return;
    cause(Bound::compute, "no_tensor_cores",
          "the product of 16-bit matrices is computed by scalar multiply-adds; the tensor cores stand idle",
          "tensor cores: use matrix instructions (mma, wgmma, or tl.dot) on tiles in shared memory");
  }

  // Of the few counters of a screen: how full device memory is, which is known, is enough for a bound; whether it is
  // filled in vain, and with what, is not looked at, so that no cause is named.
  void memory_alone() {
    if (!full_of_dram()) return;
    if (at_the_light()) return end_at_the_light();
    out_.bound = Bound::memory;
    out_.advice.push_back(fmt::format("memory: device memory is {} busy: move less, or the same in wider loads",
                                      percent(get("fraction.dram"))));
  }

  [[nodiscard]] bool at_the_light() const {
    const bool least = run_.least_bytes > 0 && dram_ < 1.25 * run_.least_bytes;
    // Under a profiler clocks are lower and kernels slower than when they were timed.
    const double slower = run_.time_us > 0 ? std::max(1.0, kernels_us_ / run_.time_us) : 1;
    return get("fraction.dram") * slower >= at_the_roof && least;
  }
  void end_at_the_light() {
    out_.bound = Bound::none;
    out_.advice.emplace_back("at the speed of light: only another algorithm, that moves less, would be faster");
  }

  void roofs() {
    if (!out_.causes.empty()) return;
    if (!knows_roofs()) return memory_alone();
    struct Unit {
      const char* metric;
      const char* name;
    };
    constexpr std::array units{
        Unit{"fraction.unit.tensor", "tensor cores"}, Unit{"fraction.unit.special", "special functions"},
        Unit{"fraction.unit.double", "double precision"}, Unit{"fraction.unit.fma", "multiply-adds"},
        Unit{"fraction.unit.integer", "integers and comparisons"}};
    const auto* const unit =
        std::ranges::max_element(units, {}, [&](const Unit& candidate) { return get(candidate.metric); });
    const double memory = get("fraction.memory"), arithmetic = std::max(get("fraction.sm"), get(unit->metric));
    if (memory > arithmetic && memory > busy) {
      if (at_the_light()) {
        end_at_the_light();
      } else {
        cause(Bound::memory, "busy_memory",
              fmt::format("memory is {} busy, and no waste of it was found", percent(memory)),
              "vectorize: 16 bytes a thread and load; several loads in flight before the first is used");
      }
    } else if (arithmetic > busy) {
      cause(Bound::compute, "busy_unit",
            fmt::format("the unit of {} is {} busy", unit->name, percent(get(unit->metric))),
            "arithmetic: fewer or cheaper operations on the unit that is full, or move some to another unit");
    } else if (const auto stalls = top_stalls(*heart_, 1); !stalls.empty()) {
      cause(Bound::latency, "dependent_chain",
            fmt::format("neither memory ({}) nor arithmetic ({}) is busy; warps wait for {}", percent(memory),
                        percent(arithmetic), words_of(stalls[0].first)),
            "unroll: several independent loads and accumulators in flight in each thread");
    }
  }

  [[nodiscard]] bool named(std::string_view name) const {
    return std::ranges::any_of(out_.causes, [&](const Cause& c) { return c.name == name; });
  }
  // Without them nothing can be said to be idle; that device memory is full can.
  [[nodiscard]] bool knows_roofs() const { return heart_->has("fraction.memory") && heart_->has("fraction.sm"); }
  // What is moved in vain slows long before a roof is reached.
  [[nodiscard]] bool moves() const { return get("fraction.memory") > 0.4; }
  [[nodiscard]] bool full() const { return get("fraction.memory", get("fraction.dram")) > busy; }
  [[nodiscard]] bool full_of_dram() const { return get("fraction.dram") > busy; }

  const GpuRun& run_;
  const KernelProfile* heart_ = nullptr;
  double launches_ = 0, kernels_us_ = 0, dram_ = 0, share_ = 0;
  Diagnosis out_;
};

}  // namespace

std::vector<std::pair<std::string, double>> top_stalls(const KernelProfile& kernel, std::size_t most) {
  std::vector<std::pair<std::string, double>> stalls;
  constexpr std::string_view prefix = "stall.";
  for (const auto& [name, share] : kernel.metrics) {
    if (!name.starts_with(prefix)) continue;
    const std::string stall = name.substr(prefix.size());
    if (stall != "selected" && stall != "not_selected" && share > 0) stalls.emplace_back(stall, share);
  }
  std::ranges::stable_sort(stalls, std::greater(), &std::pair<std::string, double>::second);
  if (stalls.size() > most) stalls.resize(most);
  return stalls;
}

std::string_view words_of_stall(std::string_view stall) { return words_of(stall); }

Diagnosis diagnose_gpu(const GpuRun& run) { return GpuDoctor(run)(); }

}  // namespace kerf
