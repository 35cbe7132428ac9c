#include "evaluate/oracle_client.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <mutex>
#include <span>
#include <utility>

#include "evaluate/ahead_compiler.h"
#include "evaluate/oracle_connection.h"
#include "evaluate/oracle_json.h"
#include "evaluate/oracle_shapes.h"
#include "problem/json_fields.h"

namespace kerf {
namespace {

using Json = nlohmann::json;

// Longer than a problem takes. Who waited for so long goes on, and may find no memory.
constexpr std::chrono::minutes room_patience{30};

class OracleClient final : public Oracle {
 public:
  explicit OracleClient(OracleOptions options) : options_(std::move(options)), ahead_(options_) {}

  Result<Understood> admit(const Problem& problem, int variants) override {
    std::unique_lock lock(mutex_);
    Json asked = problem_json(problem, problem.sizes);
    if (on_device()) {  // a device has room for one problem: what was made ready is gone
      prepared_.clear();
      connection_.close_elsewhere();
    }
    if (options_.compiles_ahead) ahead_.expect();
    Understood foreseen{.problem = problem};
    if (options_.room) foreseen = TRY(foresee(problem, asked, variants));
    const Json reply = TRY(admit_once_there_is_room(problem, asked, lock));
    Understood understood{.problem = problem};
    const auto* admission = TRY(field(reply, "admission"));
    understood.admission = TRY(admission_from_json(*admission));
    TRY(take_workload(understood, reply));
    const bool exact = understood.workloads.front().exact_convolutions;
    if (exact) asked["exact_convolutions"] = true;
    if (understood.admission.admitted && !foreseen.workloads.empty() &&
        foreseen.workloads.front().id == understood.workloads.front().id) {
      understood.workloads.insert(understood.workloads.end(), foreseen.workloads.begin() + 1, foreseen.workloads.end());
    } else if (understood.admission.admitted && variants > 0) {
      // A file that cannot be varied has none; that is no reason to refuse it.
      (void)add_variants(understood, asked, variants, connection_, options_.admit_limit);
    }
    for (Workload& each : understood.workloads) {
      each.exact_convolutions = exact;
      Json again = problem_json(problem, each.sizes);
      if (exact) again["exact_convolutions"] = true;
      known_[each.id] = Known{.problem = std::move(again), .workload = each, .never = {}};
    }
    // What was begun before anybody knew is of no use then.
    if (options_.compiles_ahead && (exact || !options_.room) && understood.admission.admitted)
      ahead_.begin(understood.workloads.front().id, understood.workloads.front().bytes, asked,
                   {Baseline::compile, Baseline::max_autotune});
    return understood;
  }

  Result<Understood> trace(const Problem& problem, int variants) override {
    const std::scoped_lock lock(mutex_);
    return trace_shapes(problem, problem_json(problem, problem.sizes), variants, connection_, options_.admit_limit);
  }

  Result<Trial> draw(const TrialRequest& request) override {
    const std::scoped_lock lock(mutex_);
    const Known* known = TRY(find(request.workload));
    NamedSpecs tensors;
    for (const NamedTensor& tensor : known->workload.tensors) tensors.emplace_back(tensor.name, tensor.spec);
    Trial trial{.id = fmt::format("t{}", ++trials_),
                .workload = request.workload,
                .distribution = request.distribution,
                .arena = {}};
    Json asked{{"do", "draw"},
               {"id", trial.id},
               {"workload", request.workload},
               {"distribution", request.distribution},
               {"seed", request.seed}};
    if (on_device()) {
      asked["tensors"] = named_json(tensors);
      const Json reply = TRY(connection_.call(asked, {}, options_.call_limit, {}));
      trial.arena = TRY(device_arena(reply, tensors, [](const DeviceMemory&) {}));
      return trial;
    }
    trial.arena = TRY(make_arena("kerf trial", tensors, request.placement));
    asked["tensors"] = placed_json(trial.arena.tensors);
    const std::array fds{trial.arena.memory.fd().get()};
    TRY(connection_.call(asked, fds, options_.call_limit, {}));
    return trial;
  }

  Result<Judgement> judge(const Trial& trial, const Arena& outputs, std::uint64_t sentinel,
                          bool inputs_changed) override {
    const std::scoped_lock lock(mutex_);
    Json asked{{"do", "judge"},
               {"trial", trial.id},
               {"tensors", placed_json(outputs.tensors)},
               {"sentinel", sentinel},
               {"inputs_changed", inputs_changed}};
    const std::array fds{outputs.device ? -1 : outputs.memory.fd().get()};
    if (outputs.device) asked["memory"] = outputs.device->id;
    const Json reply =
        TRY(connection_.call(asked, outputs.device ? std::span<const int>() : fds, options_.call_limit, {}));
    Judgement judgement{.right = TRY(bool_field(reply, "right")), .outputs = {}};
    const auto* found = TRY(array_field(reply, "outputs"));
    for (const Json& each : *found) judgement.outputs.push_back(TRY(judgement_from_json(each)));
    return judgement;
  }

  void await_baseline(const std::string& workload, Baseline baseline) override {
    const std::scoped_lock lock(mutex_);
    if (ahead_.wait(workload, baseline, limit_of(baseline))) return;
    // Where it is judged it would take as long again and hold the device meanwhile; so would what was to follow.
    auto known = find(workload);
    if (!known) return;
    const std::string why = fmt::format("{} was still being compiled {} s after it was asked for", to_string(baseline),
                                        limit_of(baseline).count() / 1000);
    (*known)->never[baseline] = why;
    (*known)->never[Baseline::max_autotune] = why;
  }

  Result<> prepare_baseline(const std::string& workload, Baseline baseline, bool held) override {
    const std::scoped_lock lock(mutex_);
    return prepare(workload, baseline, held);
  }

  Result<double> time_baseline(const Trial& trial, Baseline baseline, bool cold) override {
    const std::scoped_lock lock(mutex_);
    TRY(prepare(trial.workload, baseline, true));
    const Json asked{{"do", "time_baseline"}, {"trial", trial.id}, {"baseline", to_string(baseline)}, {"cold", cold}};
    const Json reply = TRY(connection_.call(asked, {}, options_.call_limit, {}));
    switches_ = TRY(integer_field(reply, "switches"));
    shows_host_ = TRY(bool_field(reply, "shows_host"));
    return number_field(reply, "us");
  }

  Result<std::string> trace_baseline(const std::string& workload, Baseline baseline) override {
    OracleClient other(options_);
    other.options_.before_free = {};  // nobody opens its memory
    {
      const std::scoped_lock lock(mutex_);
      other.known_[workload] = *TRY(find(workload));
    }
    const auto taken = [&]() -> Result<std::string> {
      TRY(other.prepare(workload, baseline, true));
      const Json reply = TRY(
          other.connection_.call({{"do", "trace_baseline"}, {"workload", workload}, {"baseline", to_string(baseline)}},
                                 {}, options_.call_limit, {}));
      return text_field(reply, "trace");
    }();
    if (taken) return taken;
    const std::string& why = taken.error().message;
    return fail(ErrorKind::unavailable, why.starts_with("unavailable") ? why : "unavailable: " + why);
  }

  std::int64_t baseline_switches() override {
    const std::scoped_lock lock(mutex_);
    return switches_;
  }

  bool baseline_shows_host() override {
    const std::scoped_lock lock(mutex_);
    return shows_host_;
  }

  void forget(const std::string& trial) override {
    const std::scoped_lock lock(mutex_);
    if (connection_.child() != 0)
      (void)connection_.call({{"do", "forget"}, {"trial", trial}}, {}, options_.call_limit, {});
  }

  Result<Arena> make_outputs(const Workload& workload, Placement placement) override {
    if (!on_device()) return Oracle::make_outputs(workload, placement);
    const std::scoped_lock lock(mutex_);
    NamedSpecs tensors;
    for (std::size_t i = 0; i < workload.outputs.size(); ++i)
      tensors.emplace_back(workload.output_name(i), workload.outputs[i]);
    const std::string id = fmt::format("o{}", ++trials_);
    const Json reply = TRY(connection_.call({{"do", "outputs"}, {"id", id}, {"tensors", named_json(tensors)}}, {},
                                            options_.call_limit, {}));
    return device_arena(reply, tensors, [this](const DeviceMemory& memory) {
      const std::scoped_lock release(mutex_);
      if (connection_.child() != 0)
        (void)connection_.call({{"do", "release"}, {"memory", memory.id}}, {}, options_.call_limit, {});
    });
  }

  Result<> fill(Arena& outputs, std::uint64_t sentinel) override {
    if (!outputs.device) return Oracle::fill(outputs, sentinel);
    const std::scoped_lock lock(mutex_);
    TRY(connection_.call({{"do", "fill"}, {"memory", outputs.device->id}, {"sentinel", sentinel}}, {},
                         options_.call_limit, {}));
    return {};
  }

  Result<std::optional<MarginHit>> find_margin_hit(const Arena& outputs, std::uint64_t sentinel) override {
    if (!outputs.device) return Oracle::find_margin_hit(outputs, sentinel);
    const std::scoped_lock lock(mutex_);
    const Json reply = TRY(connection_.call(
        {{"do", "margin_hit"}, {"memory", outputs.device->id}, {"sentinel", sentinel}}, {}, options_.call_limit, {}));
    return margin_hit_from_json(reply);
  }

  Result<std::optional<Difference>> find_difference(const Arena& a, const Arena& b) override {
    if (!a.device || !b.device) return Oracle::find_difference(a, b);
    const std::scoped_lock lock(mutex_);
    const Json reply = TRY(connection_.call({{"do", "difference"}, {"a", a.device->id}, {"b", b.device->id}}, {},
                                            options_.call_limit, {}));
    return difference_from_json(reply);
  }

  Result<> perturb(Trial& trial, const std::vector<std::string>& names, Random& random) override {
    if (!trial.arena.device) return Oracle::perturb(trial, names, random);
    const std::scoped_lock lock(mutex_);
    TRY(connection_.call({{"do", "perturb"}, {"trial", trial.id}, {"names", names}, {"seed", random.next() >> 2}}, {},
                         options_.call_limit, {}));
    return {};
  }

  Result<> refresh(Trial& trial, const std::vector<std::string>& names, Arena& outputs, std::uint64_t sentinel,
                   Random& random) override {
    if (!trial.arena.device || !outputs.device) return Oracle::refresh(trial, names, outputs, sentinel, random);
    const std::scoped_lock lock(mutex_);
    TRY(connection_.call({{"do", "refresh"},
                          {"trial", trial.id},
                          {"names", names},
                          {"seed", random.next() >> 2},
                          {"memory", outputs.device->id},
                          {"sentinel", sentinel}},
                         {}, options_.call_limit, {}));
    return {};
  }

  Result<bool> is_intact(const Trial& trial) override {
    if (!trial.arena.device) return true;
    const std::scoped_lock lock(mutex_);
    const Json reply = TRY(connection_.call({{"do", "intact"}, {"trial", trial.id}}, {}, options_.call_limit, {}));
    return bool_field(reply, "intact");
  }

  Result<> make_room() override {
    const std::scoped_lock lock(mutex_);
    return on_device() && connection_.child() != 0 ? connection_.free_spares() : Result<>();
  }

  Json versions() override {
    const std::scoped_lock lock(mutex_);
    Json known = connection_.versions();
    return known.is_object() ? known : Json{{"torch", nullptr}};
  }

 private:
  // A workload that was admitted, and what is needed to have it again in another process.
  struct Known {
    Json problem;
    Workload workload;
    std::map<Baseline, std::string> never;  // baselines that failed for good, and why
  };

  Result<Known*> find(const std::string& workload) {
    const auto found = known_.find(workload);
    if (found == known_.end()) {
      return fail(ErrorKind::internal, fmt::format("workload {} was never admitted", workload));
    }
    return &found->second;
  }

  Result<> prepare(const std::string& workload, Baseline baseline, bool held) {
    Known* known = TRY(find(workload));
    if (const auto never = known->never.find(baseline); never != known->never.end()) {
      return fail(ErrorKind::unavailable, never->second);
    }
    const auto prepared = prepared_.find({workload, baseline});
    const int child = connection_.child();
    if (child != 0 && prepared != prepared_.end() && prepared->second == child) return {};
    const Json asked{
        {"do", "prepare_baseline"}, {"workload", workload}, {"baseline", to_string(baseline)}, {"held", held}};
    auto done = connection_.call(asked, {}, limit_of(baseline), {});
    if (!done) {
      Error error = std::move(done).error();
      // The process is gone (out of memory, a crash of the compiler, no end): that is the baseline's answer here.
      if (error.kind == ErrorKind::system || error.kind == ErrorKind::cancelled || error.kind == ErrorKind::user) {
        error.kind = ErrorKind::unavailable;
      }
      if (error.kind == ErrorKind::unavailable) known->never[baseline] = error.message;
      return std::unexpected(std::move(error));
    }
    prepared_[{workload, baseline}] = connection_.child();
    return {};
  }

  [[nodiscard]] std::chrono::milliseconds limit_of(Baseline baseline) const {
    switch (baseline) {
      case Baseline::eager:
        return options_.call_limit;
      case Baseline::compile:
        return options_.compile_limit;
      case Baseline::max_autotune:
        return options_.autotune_limit;
    }
    return options_.call_limit;
  }

  [[nodiscard]] bool on_device() const { return !options_.device.empty(); }

  // What can be done for a problem before it has a place on a device that others use as well: lets go of the problem
  // before, and then all that needs shapes alone. How much room it wants is in `wanted_`. Of workloads none where they
  // cannot be told; what is wrong with the problem the admission says.
  Result<Understood> foresee(const Problem& problem, const Json& asked, int variants) {
    wanted_ = {};
    TRY(leave());
    if (const auto reply = connection_.call({{"do", "footprint"}, {"problem", asked}}, {}, options_.admit_limit, {})) {
      wanted_ = memory_share({.moved = TRY(number_field(*reply, "moved")), .most = TRY(number_field(*reply, "most"))},
                             options_.memory_bytes, options_.beside);
      if (options_.compiles_ahead)
        ahead_.begin(TRY(text_field(*reply, "id")), TRY(integer_field(*reply, "moved")), asked,
                     {Baseline::compile, Baseline::max_autotune});
    }
    return trace_shapes(problem, asked, variants, connection_, options_.admit_limit)
        .value_or(Understood{.problem = problem});
  }

  Result<> leave() {
    if (connection_.child() != 0) TRY(connection_.call({{"do", "leave"}}, {}, options_.call_limit, {}));
    place_.reset();
    return {};
  }

  // What it wants comes from an estimate: whoever finds no memory in its place is admitted once more, alone.
  Result<Json> admit_once_there_is_room(const Problem& problem, const Json& asked, std::unique_lock<std::mutex>& lock) {
    const auto admit = [&](const MemoryShare& own) {
      if (options_.room) {
        // Jobs of the problem before may be at work still, and hold the device for which those wait who are to make
        // room.
        lock.unlock();
        auto place = options_.room->take(own.share, room_patience);
        lock.lock();
        if (options_.room->closed()) return Result<Json>(fail(ErrorKind::cancelled, "interrupted"));
        place_ = std::move(place);
      }
      return connection_.call(
          {{"do", "admit"}, {"problem", asked}, {"share", own.share}, {"computing_bytes", own.computing_bytes}}, {},
          options_.admit_limit, problem.path);
    };
    const MemoryShare own = options_.room ? wanted_ : MemoryShare();
    auto reply = admit(own);
    if (reply || own.share >= 1 || !reply.error().message.contains("out of memory")) return reply;
    TRY(leave());
    return admit(MemoryShare());
  }

  // What a child that was started anew is told.
  [[nodiscard]] std::vector<Json> registrations() const {
    std::vector<Json> all;
    for (const auto& [id, known] : known_) all.push_back({{"do", "register"}, {"problem", known.problem}});
    return all;
  }

  OracleOptions options_;
  std::mutex mutex_;
  std::int64_t switches_ = -1;                                // of the last timed run
  bool shows_host_ = true;                                    // likewise
  std::map<std::string, Known> known_;                        // by workload
  std::map<std::pair<std::string, Baseline>, int> prepared_;  // in which child
  int trials_ = 0;
  AheadCompiler ahead_;
  MemoryShare wanted_;                 // by the problem that is being admitted
  std::unique_ptr<Room::Hold> place_;  // of the problem at hand
  OracleConnection connection_{options_, [this] { return registrations(); }};
};

}  // namespace

MemoryShare memory_share(const Footprint& footprint, std::int64_t memory_bytes, int beside) {
  constexpr double gib = 1024.0 * 1024 * 1024;
  constexpr double least = 12 * gib;
  constexpr double processes = 3 * gib;  // of each session, on the device: the oracle, the runner, what compiles ahead
  constexpr double measured_ahead = 0.15;  // of the memory, as in kerf_oracle/ahead.py
  const double room = static_cast<double>(memory_bytes) * (1 - measured_ahead) - beside * processes;
  const double wanted = std::max(least, 3 * footprint.most + 2 * footprint.moved + 2 * gib);
  if (room <= wanted) return {};
  return {.share = wanted / room, .computing_bytes = static_cast<std::int64_t>(wanted - 2 * footprint.moved - gib / 2)};
}

std::unique_ptr<Oracle> make_oracle(OracleOptions options) {
  return std::make_unique<OracleClient>(std::move(options));
}

}  // namespace kerf
