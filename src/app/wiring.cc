#include "app/wiring.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <memory>

#include "app/console.h"
#include "app/judging_parts.h"
#include "app/synthesizer_factory.h"
#include "base/hash.h"
#include "base/http.h"
#include "base/paths.h"
#include "evaluate/ahead_compiler.h"
#include "evaluate/cuda_runner.h"
#include "evaluate/gpu_watch.h"
#include "evaluate/journey_state.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/native_runner.h"
#include "evaluate/oracle_client.h"
#include "evaluate/spread_evaluator.h"
#include "session/experience.h"
#include "synthesize/identity.h"
#include "synthesize/mixed_synthesizer.h"
#include "synthesize/model/make_model.h"
#include "target/cpu/roofline.h"
#include "target/nvidia/cuda.h"
#include "target/target.h"

namespace kerf {

namespace {

constexpr int pool_spare = 2;  // threads of the pool beside compilations: one runs, one waits for the oracle
// Cores that a timed run on a GPU may not be kept from: of kerf, the runner, the oracle and what they wake.
constexpr int cores_of_a_timed_run = 4;

}  // namespace

Result<int> sessions_beside(int asked, const std::string& target) {
  if (asked <= 1) return 1;
  const Target to = TRY(load_target(target));
  if (!to.gpu)
    return user_error(
        fmt::format("--sessions {}: target {} times candidates on the cores on which others would be "
                    "prepared: its problems come one after another",
                    asked, to.name));
  if (TRY(gpus_at_hand({})).empty()) return asked;
  constexpr int cores_of_a_session = 2;  // one compiles candidates, one baselines
  return std::clamp((usable_cores() - cores_of_a_timed_run) / cores_of_a_session, 1, asked);
}

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
  // What candidates are judged with, for each GPU that is used; one where none is. The oracle and the evaluator below
  // are the first's, or stand before all of them.
  struct Device {
    std::unique_ptr<MachineWatch> watch;  // of a GPU; null: the machine's
    std::unique_ptr<Oracle> oracle;
    Languages languages;
  };
  std::vector<std::unique_ptr<Device>> devices;
  std::unique_ptr<Oracle> spread_oracle;
  Oracle* oracle = nullptr;
  std::unique_ptr<MachineWatch> watch;
  std::unique_ptr<Loop> loop;
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<Evaluator> recorded;
  std::unique_ptr<ElsewhereEvaluator> elsewhere;
  nlohmann::json target_facts, versions;
  int threads = 1;
  std::string store_path;
  // Of sessions whose candidates models write.
  std::unique_ptr<Http> http;
  std::unique_ptr<Keys> keys;
  Prices prices;
  LateExchangeLog exchanges;
  std::vector<Model*> models;  // that are really asked; owned by the synthesizer
  std::unique_ptr<Synthesizer> synthesizer;
};

Wiring::Wiring(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Wiring::~Wiring() = default;

Result<> check_graph(bool graph, const Target& target) {
  if (!graph || target.gpu) return {};
  return user_error(fmt::format("--graph is for GPUs: target {} has none", target.name));
}

Result<std::unique_ptr<Wiring>> Wiring::open(const WiringOptions& options) {
  auto parts = std::make_unique<Parts>();
  const std::string path = TRY(store_path(options.store));
  parts->store = TRY(open_store(path, parts->clock));
  parts->store_path = path;
  parts->threads = usable_cores();
  parts->versions = {{"kerf", kerf_version}};
  if (options.machine) {
    const Target target = TRY(load_target(options.target));
    const MachineFacts machine = detect_machine();
    const std::optional<Roofline> roofline = TRY(load_roofline(machine));
    TRY(check_graph(options.graph, target));
    parts->target_facts = to_json(target);
    parts->target_facts["machine"] = to_json(machine);
    parts->target_facts["calibration"] = roofline ? to_json(*roofline) : nlohmann::json(nullptr);
    parts->target_facts["threads"] = parts->threads;
    // Candidates for a GPU run on it where there is one, else in an emulation on the CPU.
    std::vector<std::shared_ptr<CudaRunner>> gpus;
    if (target.gpu && options.judges) gpus = TRY(gpus_at_hand(options.devices));
    if (!target.gpu && !options.devices.empty())
      return user_error(fmt::format("--devices are GPUs: target {} has none", target.name));
    if (options.graph && options.judges && gpus.empty())
      return fail(ErrorKind::unavailable, "unavailable: --graph needs an NVIDIA GPU, and there is none here");
    const int beside = std::max(1, options.beside);
    // What is timed by one of them is timed beside what all others compile.
    const int cores = (parts->threads - cores_of_a_timed_run) / beside - compilers_ahead(beside);
    const int jobs =
        beside == 1 ? options.jobs : std::clamp(options.jobs / beside, 1, gpus.empty() ? 64 : std::max(1, cores));
    for (std::size_t k = 0; k < std::max<std::size_t>(1, gpus.size()); ++k) {
      OracleOptions oracle{
          .tf32 = target.gpu.has_value(), .beside = beside, .threads = std::max(1, parts->threads / beside)};
      if (!gpus.empty()) {
        oracle.device = fmt::format("cuda:{}", gpus[k]->facts().index);
        oracle.flush_bytes = flush_bytes(gpus[k]->facts());
        oracle.graph = options.graph;
        oracle.room = options.room;
        oracle.memory_bytes = gpus[k]->facts().memory_bytes;
        oracle.lock = gpu_lock_path(gpus[k]->facts().pci);
        oracle.compiles_ahead = options.searches && k == 0;  // the caches are all oracles'
        oracle.before_free = [gpu = std::weak_ptr(gpus[k])] {
          if (const auto runner = gpu.lock()) runner->close_memory();
        };
      }
      parts->devices.push_back(std::make_unique<Parts::Device>());
      parts->devices.back()->oracle = make_oracle(oracle);
      if (!gpus.empty()) {
        gpus[k]->on_no_room([keeps = parts->devices.back()->oracle.get()](const RunRequest* run) -> Result<> {
          TRY(keeps->make_room());
          return run != nullptr ? keeps->fill(*run->outputs, run->sentinel) : Result<>();
        });
      }
    }
    if (options.searches)  // every search begins with the reference's own operators
      for (const auto& gpu : gpus) gpu->expect_calls();
    if (!gpus.empty()) parts->target_facts["gpu_at_hand"] = to_json(gpus[0]->facts());
    parts->oracle = parts->devices[0]->oracle.get();
    if (parts->devices.size() > 1) {
      std::vector<Oracle*> all;
      for (const auto& device : parts->devices) all.push_back(device->oracle.get());
      parts->spread_oracle = make_spread_oracle(std::move(all));
      parts->oracle = parts->spread_oracle.get();
    }
    parts->loop = TRY(make_loop(jobs + pool_spare * static_cast<int>(parts->devices.size())));
    if (!options.judges) return std::unique_ptr<Wiring>(new Wiring(std::move(parts)));
    parts->watch = make_machine_watch();
    std::vector<std::unique_ptr<Evaluator>> evaluators;
    for (std::size_t k = 0; k < parts->devices.size(); ++k) {
      Parts::Device& device = *parts->devices[k];
      LocalEvaluatorOptions evaluator;
      if (options.runs > 0) {
        evaluator.screen = with_rounds(evaluator.screen, options.runs);
        evaluator.confirm = with_rounds(evaluator.confirm, options.runs);
      }
      evaluator.jobs = std::max(1, jobs / static_cast<int>(parts->devices.size()));
      evaluator.threads = parts->threads;
      evaluator.versions = parts->versions;
      evaluator.target = target.name;
      evaluator.gpu = target.gpu;
      std::shared_ptr<Runner> runner;
      if (!gpus.empty()) {
        const DeviceFacts& facts = gpus[k]->facts();
        evaluator.limits = limits_of(facts);
        evaluator.graph = options.graph;
        if (options.graph) evaluator.limits.launch_us = 0;  // nobody measured what a launch within a graph takes
        evaluator.threads = 1;  // what company may not take from a run: the thread that hands launches over
        evaluator.device = parts->threads >= beside * (jobs + compilers_ahead(beside)) + cores_of_a_timed_run;
        // What a truth in double precision takes of a large problem is most of the memory.
        evaluator.trials = {.bytes = static_cast<std::size_t>(facts.memory_bytes / 12 / beside), .copies = 2};
        evaluator.max_autotune = true;
        // Where several sessions share the GPU, one waits for the other all the time.
        device.watch = make_gpu_watch(facts.pci, [beside](std::string_view line) {
          if (beside == 1) print_error(fmt::format("kerf: {}\n", line));
        });
        runner = std::move(gpus[k]);
      } else {
        if (target.gpu)
          evaluator.emulated = emulated_only;
        else if (roofline)
          evaluator.limits = limits_of(*roofline, machine);
        if (!target.gpu) evaluator.model_loop = model_hot_loop;
        runner = TRY(make_native_runner());
      }
      add_languages(target, runner, !gpus.empty(), device.languages);
      evaluators.push_back(make_local_evaluator({.loop = *parts->loop,
                                                 .clock = parts->clock,
                                                 .oracle = *device.oracle,
                                                 .languages = device.languages,
                                                 .cache = parts->store->cache(),
                                                 .watch = device.watch ? *device.watch : *parts->watch},
                                                std::move(evaluator)));
    }
    parts->evaluator = evaluators.size() == 1 ? std::move(evaluators[0]) : make_spread_evaluator(std::move(evaluators));
  } else {
    parts->loop = TRY(make_loop(1));
  }
  return std::unique_ptr<Wiring>(new Wiring(std::move(parts)));
}

Result<std::unique_ptr<Wiring>> Wiring::open_to_read(const std::string& store) {
  const std::string path = TRY(store_path(store));
  if (std::error_code code; !store.empty() && !std::filesystem::exists(path, code))
    return user_error(fmt::format("there is no store {}: without --store it is {}", path, TRY(store_path(""))));
  return open({.store = path, .machine = false});
}

const Clock& Wiring::clock() const { return parts_->clock; }
Loop& Wiring::loop() { return *parts_->loop; }
Store& Wiring::store() { return *parts_->store; }
Oracle& Wiring::oracle() { return *parts_->oracle; }
Evaluator& Wiring::evaluator() { return *parts_->evaluator; }
const ElsewhereEvaluator* Wiring::elsewhere() const { return parts_->elsewhere.get(); }
int Wiring::threads() const { return parts_->threads; }
nlohmann::json Wiring::versions() const { return parts_->versions; }

const Prices& Wiring::prices() { return parts_->prices; }

Result<> Wiring::add_experience(SessionOptions& options) {
  const std::vector<SynthesizerSpec> specs = TRY(parse_synthesizers(options.synthesizer));
  if (std::ranges::none_of(specs, [](const SynthesizerSpec& spec) { return spec.name == "builtin"; })) return {};
  Correction costs;
  if (const std::string machine = machine_of(parts_->target_facts); !machine.empty()) {
    ExperienceFilter filter{.machine = machine, .harness = harness_version};
    filter.target = options.target;
    filter.language = language_from(options.language);
    costs = corrected_by(TRY(load_experience(*parts_->store, filter)));
  }
  options.costs = costs.to_json();
  return {};
}

Result<SessionParts> Wiring::session_parts(ProgressView& view, const SessionOptions& options,
                                           const SessionSources& sources) {
  Parts& p = *parts_;
  const std::string text = options.replayed.empty() ? options.synthesizer : options.replayed;
  const std::vector<SynthesizerSpec> specs = TRY(parse_synthesizers(text));
  if (!p.http) {
    p.http = TRY(make_http(*p.loop));
    p.keys = make_keys();
  }
  Spend foreseen;
  if (std::ranges::any_of(specs, [](const SynthesizerSpec& spec) { return is_model_name(spec.name); })) {
    p.prices = TRY(load_prices());
    const bool dollars = TRY(parse_budget(options.budget))->counts_dollars() && !sources.recording;
    for (const SynthesizerSpec& spec : specs) {
      if (!is_model_name(spec.name)) continue;
      foreseen.largest_tokens = options.max_tokens;
      const std::optional<Price> price = price_of(p.prices, spec.name, options.base_url);
      if (price) {
        foreseen.largest_usd =
            std::max(foreseen.largest_usd, static_cast<double>(options.max_tokens) * price->output / 1e6);
      } else if (dollars) {
        return user_error(fmt::format(
            "the price of {} is unknown, so that a budget in dollars cannot be kept: give it in prices.toml (see kerf "
            "models), or a budget in tokens",
            spec.name));
      }
    }
  }
  const SynthesizerFactory factory{.options = options,
                                   .sources = sources,
                                   .parts = {.loop = *p.loop,
                                             .http = *p.http,
                                             .keys = *p.keys,
                                             .prices = p.prices,
                                             .clock = p.clock,
                                             .random = Random(secret_seed())},
                                   .batches = std::filesystem::path(p.store_path + ".batches"),
                                   .exchanges = p.exchanges,
                                   .note = [&view](const std::string& line) { view.note(line); },
                                   .asked = p.models};
  p.models.clear();
  if (specs.size() == 1) {
    p.synthesizer = TRY(factory.synthesizer(specs[0].name));
  } else {
    std::vector<MixedMember> members;
    for (const SynthesizerSpec& spec : specs) {
      members.push_back({.synthesizer = TRY(factory.synthesizer(spec.name)), .weight = spec.weight});
    }
    p.synthesizer = make_mixed_synthesizer(std::move(members), text);
  }
  const bool recorded = options.recorded_evaluations && sources.recording;
  if (recorded) p.recorded = std::make_unique<RecordedEvaluator>(*p.loop, sources.recording);
  p.elsewhere = options.elsewhere.empty() ? nullptr : std::make_unique<ElsewhereEvaluator>(*p.loop, sources.results);
  Evaluator* const judge = recorded ? p.recorded.get() : p.elsewhere ? p.elsewhere.get() : p.evaluator.get();
  const Language language = language_from(options.language).value_or(Language::cpp);
  SessionParts made{.loop = *p.loop,
                    .clock = p.clock,
                    .evaluator = *judge,
                    .synthesizer = *p.synthesizer,
                    .store = *p.store,
                    .view = view,
                    .target_facts = p.target_facts,
                    .versions = p.versions,
                    .identity = [language](const Understood& problem) { return identity_plan(problem, language); }};
  if (std::ranges::any_of(specs, takes_prompts, &SynthesizerSpec::name)) made.exchanges = &p.exchanges;
  made.foreseen = foreseen;
  if (recorded) {
    // The recording's machine is what prompts and the built-in synthesizer were told of.
    made.target_facts = sources.recording->understood.value("target", nlohmann::json());
    made.versions = sources.recording->versions;
    made.script = std::make_shared<Script>(sources.recording->script);
  } else {
    made.versions["harness"] = harness_version;
  }
  if (!recorded && !p.devices.empty() && p.devices.front()->languages.has(language)) {
    made.versions["compiler"] = TRY(p.devices.front()->languages.find(language)).backend->version();
  }
  return made;
}

Result<> Wiring::check_models(ProgressView& view) {
  struct Shared {
    std::size_t open = 0;
    Result<> result;
    bool waiting = false, interrupted = false;
  };
  const auto shared = std::make_shared<Shared>();
  Loop& loop = *parts_->loop;
  shared->open = parts_->models.size();
  for (Model* model : parts_->models) {
    model->check([shared, &loop, &view](Result<std::string> answer) {
      --shared->open;
      if (answer && !answer->empty()) view.note(*answer);
      if (!answer && shared->result) shared->result = std::unexpected(std::move(answer).error());
      if (shared->waiting && (shared->open == 0 || !shared->result)) loop.stop();
    });
  }
  if (shared->open == 0 || !shared->result) return shared->result;
  loop.on_interrupt([shared, &loop] {
    shared->interrupted = true;
    loop.stop();
  });
  shared->waiting = true;
  loop.run();
  if (shared->interrupted) return fail(ErrorKind::cancelled, "interrupted");
  return shared->result;
}

std::optional<Price> price_of(const Prices& prices, std::string_view model, const std::string& base_url) {
  for (const std::string_view prefix : {"batch-files:", "batch:"}) {
    if (model.starts_with(prefix)) model.remove_prefix(prefix.size());
  }
  if (model.starts_with("command:")) return prices.find("command", model.substr(std::string_view("command:").size()));
  const std::size_t slash = model.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  std::string seller(model.substr(0, slash));
  if (!base_url.empty()) {
    const auto url = split_url(base_url);
    if (!url) return std::nullopt;
    seller = url->host;
  }
  return prices.find(seller, model.substr(slash + 1));
}

Result<std::shared_ptr<const Recording>> load_recording(Store& store, const std::string& what) {
  std::error_code code;
  if (std::filesystem::is_regular_file(what, code)) {
    const std::string text = TRY(read_file(what));
    auto recording = recording_from_text(text);
    if (!recording) return user_error(fmt::format("{}: {}", what, recording.error().message));
    return std::make_shared<const Recording>(*std::move(recording));
  }
  const auto found = store.find(what);
  if (!found) return user_error(fmt::format("replay:{}: there is no such file and no such session", what));
  return std::make_shared<const Recording>(TRY(record_session(store, found->session)));
}

}  // namespace kerf
