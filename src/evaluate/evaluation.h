// All that was found out about a candidate. The same record in the store, on the command line, over HTTP and MCP.
// Times are in microseconds, intervals at 95 %, absent where unknown.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "evaluate/profile/run_activity.h"
#include "evaluate/profile/torch_trace.h"
#include "problem/problem.h"

namespace kerf {

enum class Verdict : std::uint8_t { rejected, compile_error, crashed, timed_out, wrong, measured };
enum class Evidence : std::uint8_t { silicon, emulated, modelled, statically };
enum class Bound : std::uint8_t { memory, compute, latency, occupancy, launch, host, none };

[[nodiscard]] const char* to_string(Verdict verdict);
[[nodiscard]] const char* to_string(Evidence evidence);  // "silicon", "emulated", "modelled", "static"
[[nodiscard]] const char* to_string(Bound bound);
[[nodiscard]] std::optional<Verdict> verdict_from(std::string_view name);

// A median with its 95 % interval.
struct Estimate {
  double median = 0, low = 0, high = 0;
  int samples = 0;
};
// A ratio of paired times with its interval: 99.5 %, widened by what two copies of one program differ (statistics.h),
// so that fewer than one in a hundred identical kernels is called faster or slower.
struct Ratio {
  double value = 0, low = 0, high = 0;
  [[nodiscard]] bool win() const { return low > 1; }
  [[nodiscard]] bool loss() const { return high < 1; }
};

// A time with everything needed to believe it. `speedup[name]` is paired with `baselines[name]` of the same run.
struct Receipt {
  Evidence evidence = Evidence::silicon;
  // Every run was one launch of a captured graph, of baselines, too: never compared with runs that were not.
  bool graph = false;
  Estimate time_us;  // cold cache; no samples, null as JSON: right, but no time was taken
  std::optional<Estimate> warm_us;
  std::optional<Estimate> prepare_us;         // the part of prepare steps; counted in time_us, too
  std::vector<double> raw_us;                 // every sample of time_us, in order
  std::map<std::string, Estimate> baselines;  // "eager", "compile"
  std::map<std::string, Ratio> speedup;
  std::map<std::string, std::string> unavailable;  // baseline -> why it is missing
  std::optional<double> speed_of_light_us;
  std::optional<double> fraction_of_speed_of_light;
  bool quarantined = false;            // faster than 1.05 x the speed of light: never scored
  int discarded = 0;                   // samples thrown away because the machine had company
  std::string tune;                    // the point that was picked, "BLOCK=1024"; empty if there is no choice
  nlohmann::json machine;              // cores, cache sizes, clock, load
  nlohmann::json versions;             // kerf, torch, compiler
  std::vector<std::string> isolation;  // what held: "userns", "landlock", "seccomp", …
  // Whether a time was taken at all.
  [[nodiscard]] bool timed() const {
    return time_us.samples > 0 || (evidence == Evidence::silicon && !unavailable.contains("time"));
  }
};

struct HotSpot {
  int line = 0;  // in the candidate
  std::string what;
  Evidence evidence = Evidence::statically;
  double share = 0;  // of a profiler's samples of program counters that fell on the line; 0: it took none
  std::map<std::string, double> waits = {};  // of these samples: stall (as in metrics "stall.NAME") -> share
};

// Why it is slow, from a closed list (docs/diagnosis.md): "uncoalesced", "few_blocks", …
struct Cause {
  std::string name;
  std::string what;  // with the figures that show it
  Evidence evidence = Evidence::silicon;
};

// What probes in a kernel recorded of its first programs (blocks): when chosen operations began and ended. A probe does
// not wait for what it times: the wait for a load lands on the operation that first needs its value.
struct Timeline {
  struct Part {
    std::string op;  // "tt.load"
    int line = 0;    // in the candidate; 0: unknown
    std::int64_t events = 0;
    double median_ns = 0, longest_ns = 0;
    double share = 0;  // of the time of the programs that recorded, in it; parts may lie within others (loops)
  };
  struct Event {  // nanoseconds since the first program began
    int program = 0, sm = 0, part = 0, round = 0;
    double begin_ns = 0, end_ns = 0;
  };
  std::string kernel;
  int programs = 0;                    // that recorded
  double program_ns = 0;               // median of theirs
  double plain_us = 0, probed_us = 0;  // of a launch without and with probes, in the same run
  bool disturbed = false;              // the probes cost more than what is stated as harmless (docs/diagnosis.md)
  std::vector<Part> parts;
  std::vector<Event> events;  // of the first programs only, so that a record stays small
};

struct Metric {
  double value = 0;
  std::string unit;
  Evidence evidence = Evidence::silicon;
};

// Why it is wrong or slow, as data.
struct Diagnosis {
  std::optional<Bound> bound;
  std::map<std::string, Metric> metrics;  // canonical names, docs/diagnosis.md
  std::vector<Cause> causes;              // the main one first; empty where no profiler looked
  std::vector<HotSpot> hot_spots;
  std::vector<std::string> advice;
  std::string profiler;  // whose counters the metrics are, "CUPTI", "Nsight Compute"; empty: nobody's
  std::optional<Timeline> timeline = {};
  std::optional<RunActivity> activity = {};       // what ran on the device in one run
  std::map<std::string, TorchTrace> traces = {};  // of baselines, "eager", "compile": what they did on the device
};

struct Check {
  std::string name;
  bool passed = false;
  nlohmann::json detail;
};

struct JobRecord {
  std::string kind;
  double seconds = 0;
  bool cached = false;
};

struct Evaluation {
  static constexpr int schema = 1;
  std::string id;
  std::string problem;
  Sizes workload;         // sizes in force
  std::string candidate;  // digest
  // Digest of plan and compiled code, at every tune point: two candidates of one code are one program. Empty where that
  // is not known (it was not compiled, or not at all its points).
  std::string code;
  std::string language = "cpp";
  std::string target = "cpu";
  std::string contract = "plan";
  Verdict verdict = Verdict::rejected;
  std::optional<std::string> rule;     // the rule that rejected it, or the check that failed
  std::optional<std::string> message;  // one line for people
  std::optional<Location> at;          // in the candidate
  std::optional<Receipt> receipt;
  Diagnosis diagnosis;
  std::vector<Check> checks;
  std::vector<JobRecord> jobs;
  int variants_supported = 0;  // hidden variants that `supports` admits, and on which it was right
  int variants = 0;
};

[[nodiscard]] nlohmann::json to_json(const Diagnosis& diagnosis);
[[nodiscard]] nlohmann::json to_json(const Evaluation& evaluation);
[[nodiscard]] Result<Evaluation> evaluation_from_json(const nlohmann::json& json);

}  // namespace kerf
