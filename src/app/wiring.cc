#include "app/wiring.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>

#include "base/paths.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/native_runner.h"
#include "evaluate/oracle_client.h"
#include "synthesize/builtin/builtin.h"
#include "synthesize/identity.h"
#include "target/cpu/cpp.h"
#include "target/cpu/roofline.h"
#include "target/nvidia/cuda.h"
#include "target/target.h"

namespace kerf {

namespace {

constexpr int pool_spare = 2;  // threads of the pool beside compilations: one runs, one waits for the oracle

MachineLimits limits_of(const Roofline& roofline) {
  constexpr double per_us = 1e3;  // 10^9 a second
  return {.bytes_per_us = roofline.memory_bandwidth() * per_us,
          .operations_per_us = roofline.f32_all.best * per_us,
          .launch_us = roofline.barrier_us,
          .threads = roofline.threads};
}

}  // namespace

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
}

Result<std::string> store_path(const std::string& asked) {
  if (asked.starts_with("postgres")) {
    return fail(ErrorKind::unavailable, fmt::format("store {}: this version keeps sessions in SQLite files", asked));
  }
  if (!asked.empty()) return asked;
  return (TRY(data_directory()) / "kerf.db").string();
}

// Declared in the order in which they stand on each other; destroyed from the last: the evaluator lets go of its jobs,
// the loop waits for those that run, and only then do the processes go that they use.
struct Wiring::Parts {
  SystemClock clock;
  std::unique_ptr<Store> store;
  std::unique_ptr<Oracle> oracle;
  std::unique_ptr<Runner> runner;
  std::unique_ptr<LanguageBackend> cpp;
  std::unique_ptr<MachineWatch> watch;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<Synthesizer> synthesizer;
  nlohmann::json target_facts, versions;
  int threads = 1;
};

Wiring::Wiring(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Wiring::~Wiring() = default;

Result<std::unique_ptr<Wiring>> Wiring::open(const WiringOptions& options) {
  auto parts = std::make_unique<Parts>();
  const std::string path = TRY(store_path(options.store));
  parts->store = TRY(open_store(path, parts->clock));
  parts->threads = usable_cores();
  parts->versions = {{"kerf", kerf_version}};
  if (options.machine) {
    const Target target = TRY(load_target(options.target));
    const MachineFacts machine = detect_machine();
    const std::optional<Roofline> roofline = TRY(load_roofline(machine));
    parts->target_facts = to_json(target);
    parts->target_facts["machine"] = to_json(machine);
    parts->target_facts["calibration"] = roofline ? to_json(*roofline) : nlohmann::json(nullptr);
    parts->target_facts["threads"] = parts->threads;
    parts->cpp = target.gpu ? TRY(make_cuda_backend(target)) : TRY(make_cpp_backend());
    parts->oracle = make_oracle({.threads = parts->threads});
    parts->runner = TRY(make_native_runner());
    parts->watch = make_machine_watch();
    parts->loop = TRY(make_loop(options.jobs + pool_spare));
    LocalEvaluatorOptions evaluator;
    evaluator.jobs = options.jobs;
    evaluator.threads = parts->threads;
    evaluator.versions = parts->versions;
    evaluator.target = target.name;
    if (target.gpu) {
      evaluator.language = Language::cuda;
      evaluator.emulated = emulated_only;
    } else if (roofline) {
      evaluator.limits = limits_of(*roofline);
    }
    parts->versions["compiler"] = parts->cpp->version();
    parts->evaluator = make_local_evaluator({.loop = *parts->loop,
                                             .clock = parts->clock,
                                             .oracle = *parts->oracle,
                                             .runner = *parts->runner,
                                             .cpp = *parts->cpp,
                                             .cache = parts->store->cache(),
                                             .watch = *parts->watch},
                                            std::move(evaluator));
  } else {
    parts->loop = TRY(make_loop(1));
  }
  return std::unique_ptr<Wiring>(new Wiring(std::move(parts)));
}

const Clock& Wiring::clock() const { return parts_->clock; }
Loop& Wiring::loop() { return *parts_->loop; }
Store& Wiring::store() { return *parts_->store; }
Oracle& Wiring::oracle() { return *parts_->oracle; }
Evaluator& Wiring::evaluator() { return *parts_->evaluator; }
int Wiring::threads() const { return parts_->threads; }
nlohmann::json Wiring::versions() const { return parts_->versions; }

SessionParts Wiring::session_parts(ProgressView& view) {
  parts_->synthesizer = make_builtin_synthesizer();
  return {.loop = *parts_->loop,
          .clock = parts_->clock,
          .evaluator = *parts_->evaluator,
          .synthesizer = *parts_->synthesizer,
          .store = *parts_->store,
          .view = view,
          .target_facts = parts_->target_facts,
          .versions = parts_->versions,
          .identity = [](const Understood& problem) { return identity_plan(problem); }};
}

}  // namespace kerf
