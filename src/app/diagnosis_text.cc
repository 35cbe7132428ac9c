// A diagnosis as a colleague would put it who has looked at the figures.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "app/report.h"
#include "app/words.h"
#include "evaluate/profile/gpu_diagnosis.h"
#include "session/suite.h"

namespace kerf {
namespace {

class Note {
 public:
  explicit Note(const Evaluation& e) : e_(e), d_(e.diagnosis) {}

  std::string operator()() {
    if (e_.verdict != Verdict::measured || !e_.receipt) {
      return fmt::format("It is not right ({}), so that its speed is of no interest{}.\n", verdict_words(e_),
                         e_.message ? ": " + one_line(*e_.message) : "");
    }
    time();
    bound();
    causes();
    kernel();
    plan();
    places();
    timeline();
    activity();
    traces();
    moves();
    missing();
    return std::move(text_);
  }

 private:
  [[nodiscard]] const Metric* find(std::string_view name) const {
    const auto at = d_.metrics.find(std::string(name));
    return at == d_.metrics.end() ? nullptr : &at->second;
  }
  [[nodiscard]] double get(std::string_view name) const {
    const Metric* metric = find(name);
    return metric == nullptr ? 0 : metric->value;
  }
  // "; "-separated facts of one line, those left out whose metrics are unknown.
  void line(const char* title, const std::vector<std::string>& facts) {
    std::string all;
    for (const std::string& fact : facts)
      if (!fact.empty()) all += (all.empty() ? "" : "; ") + fact;
    if (!all.empty()) text_ += fmt::format("  {:<14} {}\n", title, all);
  }
  [[nodiscard]] std::string share(const char* name, std::string_view words) const {
    return find(name) == nullptr ? "" : percent_words(get(name)) + " " + std::string(words);
  }

  void time() {
    const Receipt& r = *e_.receipt;
    if (!r.timed()) {
      text_ += fmt::format("It is right, and no time was taken ({}).\n", to_string(r.evidence));
      return;
    }
    text_ += fmt::format("A run takes {} (95 % interval {} to {})", time_words(r.time_us.median),
                         time_words(r.time_us.low), time_words(r.time_us.high));
    if (r.speed_of_light_us && r.fraction_of_speed_of_light) {
      text_ += fmt::format(", where {} would be possible: {} of the speed of light", time_words(*r.speed_of_light_us),
                           percent_words(*r.fraction_of_speed_of_light));
    }
    text_ += ".";
    for (const auto& [name, ratio] : r.speedup) text_ += fmt::format(" Against {}: {}.", name, ratio_words(ratio));
    text_ += "\n";
  }

  void bound() {
    if (!e_.receipt->timed()) return;
    text_ += fmt::format("\nWhat bounds it: {}.\n", bound_words(e_));
  }

  void causes() {
    if (d_.causes.empty()) return;
    text_ += d_.causes.size() == 1 ? "\nWhy:\n" : "\nWhy, the main cause first:\n";
    for (std::size_t i = 0; i < d_.causes.size(); ++i) {
      const Cause& cause = d_.causes[i];
      text_ += fmt::format("  {}. {} [{}, {}]\n", i + 1, one_line(cause.what), one_line(cause.name),
                           to_string(cause.evidence));
    }
  }

  // Counters of the slowest kernel.
  void kernel() {
    if (find("time.kernel") == nullptr) return;
    text_ += fmt::format("\nWhat was counted in the slowest kernel (silicon{}{}):\n", d_.profiler.empty() ? "" : ", ",
                         one_line(d_.profiler));
    line("time", {time_words(get("time.kernel")) + " a launch",
                  find("steps.launches") != nullptr && get("steps.launches") > 1
                      ? fmt::format("{:.0f} launches take {}", get("steps.launches"), time_words(get("time.kernels")))
                      : "",
                  find("share.dominating_kernel") != nullptr && get("share.dominating_kernel") < 0.995
                      ? share("share.dominating_kernel", "of the time of all kernels")
                      : ""});
    std::string traffic;
    if (find("bytes.dram.read") != nullptr) {
      traffic =
          fmt::format("{} read, {} written", bytes_words(get("bytes.dram.read")), bytes_words(get("bytes.dram.write")));
      if (get("bytes.memory.least") > 0)
        traffic += fmt::format(" (the whole problem needs {})", bytes_words(get("bytes.memory.least")));
    }
    line("device memory", {traffic, share("fraction.dram", "of its bandwidth")});
    line("caches", {share("fraction.l2", "of L2's throughput"), share("hits.l2", "found in L2"),
                    share("fraction.l1", "of L1's throughput"), share("hits.l1", "found in L1")});
    line("access",
         {find("sectors.load") != nullptr && get("bytes.load") > 0
              ? fmt::format("a load touches {:.1f} sectors a warp and uses {} of them", get("sectors.load"),
                            percent_words(get("used.load")))
              : "",
          find("sectors.store") != nullptr && get("bytes.store") > 0
              ? fmt::format("a store {:.1f} and {}", get("sectors.store"), percent_words(get("used.store")))
              : "",
          get("conflicts.shared") >= 0.05
              ? share("conflicts.shared", "of shared memory's cycles repeat because of bank conflicts")
              : "",
          get("accesses.local") >= 0.01 ? share("accesses.local", "of instructions go to local memory") : ""});
    units();
    line("launch",
         {find("launch.blocks") != nullptr
              ? fmt::format("{:.0f} blocks of {:.0f} threads", get("launch.blocks"), get("launch.threads"))
              : "",
          find("launch.registers") != nullptr ? fmt::format("{:.0f} registers a thread, {} of shared memory a block",
                                                            get("launch.registers"), bytes_words(get("launch.shared")))
                                              : "",
          find("launch.waves") != nullptr ? fmt::format("{:.2f} waves", get("launch.waves")) : ""});
    line("occupancy",
         {share("occupancy.achieved", "of the warps that an SM holds were there"),
          share("active.sms", "of the time an SM has a block"),
          share("issue.active", "of the cycles a scheduler issues"),
          find("threads.active") != nullptr ? fmt::format("{:.0f} of 32 lanes take part", 32 * get("threads.active"))
                                            : ""});
    stalls();
  }

  void units() {
    constexpr std::string_view prefix = "fraction.unit.";
    std::vector<std::pair<double, std::string>> used;
    for (const auto& [name, metric] : d_.metrics)
      if (name.starts_with(prefix) && metric.value >= 0.05) used.emplace_back(metric.value, name.substr(prefix.size()));
    std::ranges::sort(used, std::greater());
    std::vector<std::string> facts{share("fraction.sm", "of the SM's fullest part")};
    for (std::size_t i = 0; i < std::min<std::size_t>(used.size(), 3); ++i)
      facts.push_back(percent_words(used[i].first) + " of " + used[i].second);
    line("units", facts);
  }

  void stalls() {
    KernelProfile profile;
    for (const auto& [name, metric] : d_.metrics)
      if (name.starts_with("stall.")) profile.metrics[name] = metric.value;
    std::vector<std::string> facts;
    for (const auto& [stall, part] : top_stalls(profile))
      facts.push_back(fmt::format("{} of the time for {}", percent_words(part), words_of_stall(stall)));
    line("warps wait", facts);
  }

  // What is known without a profiler.
  void plan() {
    if (find("time.kernel") != nullptr) return;
    std::vector<std::string> facts;
    if (find("bandwidth.memory") != nullptr)
      facts.push_back(fmt::format("{:.1f} GB/s of what must move", get("bandwidth.memory")));
    if (find("fraction.bandwidth") != nullptr) facts.push_back(share("fraction.bandwidth", "of the bandwidth"));
    if (find("fraction.arithmetic") != nullptr) facts.push_back(share("fraction.arithmetic", "of the arithmetic"));
    if (find("share.calls") != nullptr && get("share.calls") > 0)
      facts.push_back(share("share.calls", "of the time in library calls"));
    if (find("share.outside_steps") != nullptr && get("share.outside_steps") > 0.05)
      facts.push_back(share("share.outside_steps", "of the time outside the steps"));
    const std::vector<std::string> watched = threads();
    if (facts.empty() && watched.empty()) return;
    text_ += "\nWhat was measured:\n";
    line("run", facts);
    line("threads", watched);
  }

  // Of a run that was watched.
  [[nodiscard]] std::vector<std::string> threads() const {
    std::vector<std::string> facts;
    if (find("imbalance") != nullptr)
      facts.push_back(fmt::format("the busiest works {:.2f} times as long as the average", get("imbalance")));
    if (find("slowdown.shared_lines") != nullptr && get("share.shared_lines") > 0)
      facts.push_back(
          fmt::format("{} of the writes to cache lines meet another thread's, which makes it {:.2f} times "
                      "as long",
                      percent_words(get("share.shared_lines")), get("slowdown.shared_lines")));
    if (find("page_faults") != nullptr) facts.push_back(fmt::format("{:.0f} page faults a run", get("page_faults")));
    if (find("threads.nodes") != nullptr)
      facts.push_back(
          fmt::format("they ran on {:.0f} memory nodes, memory was first touched on one", get("threads.nodes")));
    return facts;
  }

  void places() {
    if (d_.hot_spots.empty()) return;
    text_ += "\nWhere:\n";
    for (const HotSpot& spot : d_.hot_spots) {
      text_ += fmt::format("  {:<14} {} [{}]\n", spot.line > 0 ? fmt::format("line {}", spot.line) : "-",
                           one_line(spot.what), to_string(spot.evidence));
    }
  }

  void timeline() {
    if (!d_.timeline) return;
    const Timeline& t = *d_.timeline;
    text_ += fmt::format(
        "\nInside {} (probes in its IR, the first {} programs, {} each in the median; a launch takes {} with probes "
        "and {} "
        "without{}):\n",
        one_line(t.kernel), t.programs, time_words(t.program_ns * 1e-3), time_words(t.probed_us),
        time_words(t.plain_us), t.disturbed ? ": the probes disturb it, read this with care" : "");
    for (const Timeline::Part& part : t.parts) {
      text_ += fmt::format(
          "  {:<14} {}: {} of a program's time in {} recorded, {} in the median, {} at most [silicon]\n",
          part.line > 0 ? fmt::format("line {}", part.line) : "-", one_line(part.op), percent_words(part.share),
          part.events, time_words(part.median_ns * 1e-3), time_words(part.longest_ns * 1e-3));
    }
  }

  // Of what is one kernel there is nothing to say that is not said elsewhere.
  void activity() {
    if (!d_.activity || d_.activity->count < 2) return;
    const RunActivity& a = *d_.activity;
    constexpr std::size_t most = 16;
    text_ += fmt::format(
        "\nOn the device, in one run (CUPTI's records; stream {} is timed): {} kernels, copies and fillings in {}, of "
        "which nothing runs for {}; the longest gap is {}",
        a.stream, a.count, time_words(a.span_us), time_words(a.idle_us), time_words(a.longest_gap_us));
    if (a.beside > 0) text_ += fmt::format("; {} of them on other streams, which the timed one waited for", a.beside);
    text_ += ".\n";
    for (std::size_t i = 0; i < std::min(most, a.events.size()); ++i) {
      const RunActivity::Event& e = a.events[i];
      const std::string size =
          e.block[0] == 0
              ? fmt::format("{} bytes", e.bytes)
              : fmt::format("{} x {} x {} blocks of {} threads, {} registers, {} bytes shared", e.grid[0], e.grid[1],
                            e.grid[2], e.block[0] * e.block[1] * e.block[2], e.registers, e.shared_bytes);
      text_ +=
          fmt::format("  {:<14} {} at {}, stream {}, after a gap of {}; {}\n", time_words(e.us),
                      one_line(e.what).substr(0, 60), time_words(e.begin_us), e.stream, time_words(e.gap_us), size);
    }
    if (a.count > static_cast<std::int64_t>(std::min(most, a.events.size())))
      text_ += fmt::format("  and {} more\n", a.count - static_cast<std::int64_t>(std::min(most, a.events.size())));
  }

  // What the others do.
  void traces() {
    for (const auto& [name, t] : d_.traces) {
      text_ += fmt::format("\nWhat {} does (PyTorch's profiler, one warm call): ", baseline_words(name));
      if (t.launches > 0) {
        text_ += fmt::format("{} kernel{} in {}, of which the device is busy for {}; the longest gap is {}; {} copies",
                             t.launches, t.launches == 1 ? "" : "s", time_words(t.span_us), time_words(t.busy_us),
                             time_words(t.longest_gap_us), t.copies);
        for (const TorchTrace::Wait& wait : t.waits)
          text_ +=
              fmt::format("; the host waits {} times in {} ({})", wait.times, one_line(wait.call), time_words(wait.us));
        text_ += ".\n";
        for (const TorchTrace::Kernel& kernel : t.kernels)
          text_ += fmt::format("  {:<14} {} x {}\n", time_words(kernel.us), kernel.launches,
                               one_line(kernel.name).substr(0, 90));
      } else {
        text_ += fmt::format("nothing on a device; {} on the host.\n", time_words(t.host_us));
        for (const TorchTrace::Operator& op : t.operators)
          text_ += fmt::format("  {:<14} {} x {}\n", time_words(op.us), op.calls, one_line(op.name).substr(0, 90));
      }
    }
  }

  void moves() {
    if (d_.advice.empty()) return;
    text_ += "\nWhat I would try (fixed rules over these figures, no promise):\n";
    for (const std::string& advice : d_.advice) text_ += fmt::format("  - {}\n", one_line(advice));
  }

  void missing() {
    constexpr std::array kinds{std::pair("profile", "counters"),
                               std::pair("ncu", "counters of Nsight Compute's"),
                               std::pair("lines", "lines of what was sampled"),
                               std::pair("loop", "model of the inner loop"),
                               std::pair("threads", "look at the threads"),
                               std::pair("shared_lines", "look at the cache lines that threads share"),
                               std::pair("timeline", "timeline"),
                               std::pair("activity", "record of what ran on the device"),
                               std::pair("trace.eager", "trace of eager"),
                               std::pair("trace.compile", "trace of torch.compile"),
                               std::pair("trace.max_autotune", "trace of torch.compile (max-autotune)")};
    for (const auto& [name, words] : kinds) {
      const auto at = e_.receipt->unavailable.find(name);
      if (at == e_.receipt->unavailable.end()) continue;
      constexpr std::string_view word = "unavailable: ";
      text_ += fmt::format("\nNo {}: {}{}\n", words, at->second.starts_with(word) ? "" : word, one_line(at->second));
    }
  }

  const Evaluation& e_;
  const Diagnosis& d_;
  std::string text_;
};

}  // namespace

std::string diagnosis_text(const Evaluation& evaluation) { return Note(evaluation)(); }

}  // namespace kerf
