#include "evaluate/oracle_client.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/channel.h"
#include "base/process.h"
#include "evaluate/ahead_compiler.h"
#include "evaluate/oracle_process.h"
#include "problem/json_fields.h"
#include "problem/variants.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using Json = nlohmann::json;

ErrorKind kind_from(std::string_view name) {
  for (const auto kind :
       {ErrorKind::user, ErrorKind::candidate, ErrorKind::unavailable, ErrorKind::cancelled, ErrorKind::system}) {
    if (name == to_string(kind)) return kind;
  }
  return ErrorKind::internal;
}

Json problem_json(const Problem& problem, const Sizes& sizes) {
  return {{"source", problem.source},
          {"path", problem.path.empty() ? problem.id : problem.path},
          {"sizes", to_json(sizes)},
          {"mode", problem.mode == Mode::eval ? "eval" : "as_written"},
          {"allow_degenerate", problem.allow_degenerate}};
}

Json placed_json(const std::vector<Placed>& tensors) {
  Json out = Json::array();
  for (const Placed& placed : tensors) {
    Json each = to_json(placed.spec);
    each["name"] = placed.name;
    each["offset"] = placed.offset;
    out.push_back(std::move(each));
  }
  return out;
}

// Tensors whose place the oracle chooses.
Json named_json(const std::vector<std::pair<std::string, TensorSpec>>& tensors) {
  Json out = Json::array();
  for (const auto& [name, spec] : tensors) {
    Json each = to_json(spec);
    each["name"] = name;
    out.push_back(std::move(each));
  }
  return out;
}

// What the oracle answers about memory that it allocated on a device; `release` is called by the last holder.
template <class F>
Result<Arena> device_arena(const Json& reply, const std::vector<std::pair<std::string, TensorSpec>>& tensors,
                           F release) {
  const auto* memory = TRY(field(reply, "memory"));
  auto record = std::make_unique<DeviceMemory>(
      DeviceMemory{.id = TRY(text_field(*memory, "id")),
                   .handle = TRY(text_field(*memory, "handle")),
                   .bytes = static_cast<std::size_t>(TRY(integer_field(*memory, "bytes")))});
  const std::vector<std::int64_t> offsets = TRY(integers_field(*memory, "offsets"));
  if (offsets.size() != tensors.size())
    return fail(ErrorKind::internal, "the oracle placed another number of tensors than there are");
  Arena arena;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    arena.tensors.push_back(
        {.name = tensors[i].first, .spec = tensors[i].second, .offset = static_cast<std::size_t>(offsets[i])});
  }
  arena.device = std::shared_ptr<const DeviceMemory>(record.release(), [release](const DeviceMemory* held) {
    release(*held);
    delete held;
  });
  return arena;
}

Result<OutputJudgement> judgement_from_json(const Json& json) {
  OutputJudgement out{.name = TRY(text_field(json, "name")), .right = TRY(bool_field(json, "right"))};
  // A difference to an infinite or missing value is no number: it arrives as {"float": "inf"}.
  const auto number = [&](const char* name) -> Result<double> {
    const auto* found = TRY(field(json, name));
    const Value value = TRY(value_from_json(*found));
    if (const auto* d = std::get_if<double>(&value.is)) return *d;
    if (const auto* i = std::get_if<std::int64_t>(&value.is)) return static_cast<double>(*i);
    return fail(ErrorKind::internal, fmt::format("field \"{}\" of a judgement is no number", name));
  };
  out.max_error = TRY(number("max_error"));
  out.reference_error = TRY(number("reference_error"));
  out.scale = TRY(number("scale"));
  out.allowed = TRY(number("allowed"));
  out.got = TRY(number("got"));
  out.expected = TRY(number("expected"));
  out.wrong = TRY(integer_field(json, "wrong"));
  out.unwritten = TRY(integer_field(json, "unwritten"));
  out.nonfinite = TRY(integer_field(json, "nonfinite"));
  out.first_wrong = TRY(integers_field(json, "first_wrong"));
  const auto* box = TRY(array_field(json, "box"));
  for (const Json& range : *box) {
    if (!range.is_array() || range.size() != 2 || !range[0].is_number_integer() || !range[1].is_number_integer()) {
      return fail(ErrorKind::internal, "field \"box\" of a judgement holds no pairs of integers");
    }
    out.box.emplace_back(range[0].get<std::int64_t>(), range[1].get<std::int64_t>());
  }
  return out;
}

class OracleClient final : public Oracle {
 public:
  explicit OracleClient(OracleOptions options) : options_(std::move(options)), ahead_(options_) {}

  Result<Understood> admit(const Problem& problem, int variants) override {
    const std::scoped_lock lock(mutex_);
    const Json asked = problem_json(problem, problem.sizes);
    if (on_device()) {  // a device has room for one problem: what was made ready is gone
      prepared_.clear();
      close_elsewhere();
    }
    if (options_.compiles_ahead) ahead_.expect();
    const Json reply = TRY(call({{"do", "admit"}, {"problem", asked}}, {}, options_.admit_limit, problem.path));
    Understood understood{.problem = problem};
    const auto* admission = TRY(field(reply, "admission"));
    understood.admission = TRY(admission_from_json(*admission));
    TRY(take_workload(understood, reply));
    if (understood.admission.admitted && variants > 0) {
      // A file that cannot be varied has none; that is no reason to refuse it.
      (void)add_variants(understood, asked, variants);
    }
    for (const Workload& each : understood.workloads) {
      known_[each.id] = Known{.problem = problem_json(problem, each.sizes), .workload = each, .never = {}};
    }
    if (options_.compiles_ahead && understood.admission.admitted)
      ahead_.begin(understood.workloads.front().id, understood.workloads.front().bytes, asked,
                   {Baseline::compile, Baseline::max_autotune});
    return understood;
  }

  Result<Understood> trace(const Problem& problem, int variants) override {
    const std::scoped_lock lock(mutex_);
    const Json asked = problem_json(problem, problem.sizes);
    Understood understood{.problem = problem};
    const Json reply = TRY(call({{"do", "trace"}, {"problem", asked}}, {}, options_.admit_limit, problem.path));
    TRY(take_workload(understood, reply));
    if (variants > 0) (void)add_variants(understood, asked, variants);
    return understood;
  }

  Result<Trial> draw(const TrialRequest& request) override {
    const std::scoped_lock lock(mutex_);
    const Known* known = TRY(find(request.workload));
    std::vector<std::pair<std::string, TensorSpec>> tensors;
    for (const NamedTensor& tensor : known->workload.tensors) tensors.emplace_back(tensor.name, tensor.spec);
    if (on_device()) {
      Trial trial{.id = fmt::format("t{}", ++trials_),
                  .workload = request.workload,
                  .distribution = request.distribution,
                  .arena = {}};
      const Json asked{{"do", "draw"},
                       {"id", trial.id},
                       {"workload", request.workload},
                       {"distribution", request.distribution},
                       {"seed", request.seed},
                       {"tensors", named_json(tensors)}};
      const Json reply = TRY(call(asked, {}, options_.call_limit, {}));
      trial.arena = TRY(device_arena(reply, tensors, [](const DeviceMemory&) {}));
      return trial;
    }
    Trial trial{.id = fmt::format("t{}", ++trials_),
                .workload = request.workload,
                .distribution = request.distribution,
                .arena = TRY(make_arena("kerf trial", tensors, request.placement))};
    const Json asked{{"do", "draw"},
                     {"id", trial.id},
                     {"workload", request.workload},
                     {"distribution", request.distribution},
                     {"seed", request.seed},
                     {"tensors", placed_json(trial.arena.tensors)}};
    const std::array fds{trial.arena.memory.fd().get()};
    TRY(call(asked, fds, options_.call_limit, {}));
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
    const Json reply = TRY(call(asked, outputs.device ? std::span<const int>() : fds, options_.call_limit, {}));
    Judgement judgement{.right = TRY(bool_field(reply, "right")), .outputs = {}};
    const auto* found = TRY(array_field(reply, "outputs"));
    for (const Json& each : *found) judgement.outputs.push_back(TRY(judgement_from_json(each)));
    return judgement;
  }

  void await_baseline(const std::string& workload, Baseline baseline) override {
    const std::scoped_lock lock(mutex_);
    ahead_.wait(workload, baseline, options_.compile_limit);
  }

  Result<> prepare_baseline(const std::string& workload, Baseline baseline) override {
    const std::scoped_lock lock(mutex_);
    return prepare(workload, baseline);
  }

  Result<double> time_baseline(const Trial& trial, Baseline baseline, bool cold) override {
    const std::scoped_lock lock(mutex_);
    TRY(prepare(trial.workload, baseline));
    const Json asked{{"do", "time_baseline"}, {"trial", trial.id}, {"baseline", to_string(baseline)}, {"cold", cold}};
    const Json reply = TRY(call(asked, {}, options_.call_limit, {}));
    switches_ = TRY(integer_field(reply, "switches"));
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
      TRY(other.prepare(workload, baseline));
      const Json reply =
          TRY(other.call({{"do", "trace_baseline"}, {"workload", workload}, {"baseline", to_string(baseline)}}, {},
                         options_.call_limit, {}));
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

  void forget(const std::string& trial) override {
    const std::scoped_lock lock(mutex_);
    if (process_.running()) (void)call({{"do", "forget"}, {"trial", trial}}, {}, options_.call_limit, {});
  }

  Result<Arena> make_outputs(const Workload& workload, Placement placement) override {
    if (!on_device()) return Oracle::make_outputs(workload, placement);
    const std::scoped_lock lock(mutex_);
    std::vector<std::pair<std::string, TensorSpec>> tensors;
    for (std::size_t i = 0; i < workload.outputs.size(); ++i)
      tensors.emplace_back(workload.output_name(i), workload.outputs[i]);
    const std::string id = fmt::format("o{}", ++trials_);
    const Json reply =
        TRY(call({{"do", "outputs"}, {"id", id}, {"tensors", named_json(tensors)}}, {}, options_.call_limit, {}));
    return device_arena(reply, tensors, [this](const DeviceMemory& memory) {
      const std::scoped_lock release(mutex_);
      if (process_.running()) (void)call({{"do", "release"}, {"memory", memory.id}}, {}, options_.call_limit, {});
    });
  }

  Result<> fill(Arena& outputs, std::uint64_t sentinel) override {
    if (!outputs.device) return Oracle::fill(outputs, sentinel);
    const std::scoped_lock lock(mutex_);
    TRY(call({{"do", "fill"}, {"memory", outputs.device->id}, {"sentinel", sentinel}}, {}, options_.call_limit, {}));
    return {};
  }

  Result<std::optional<MarginHit>> find_margin_hit(const Arena& outputs, std::uint64_t sentinel) override {
    if (!outputs.device) return Oracle::find_margin_hit(outputs, sentinel);
    const std::scoped_lock lock(mutex_);
    const Json reply = TRY(call({{"do", "margin_hit"}, {"memory", outputs.device->id}, {"sentinel", sentinel}}, {},
                                options_.call_limit, {}));
    const auto* hit = TRY(field(reply, "hit"));
    if (hit->is_null()) return std::nullopt;
    return MarginHit{.name = TRY(text_field(*hit, "name")),
                     .behind = TRY(bool_field(*hit, "behind")),
                     .distance = static_cast<std::size_t>(TRY(integer_field(*hit, "distance")))};
  }

  Result<std::optional<Difference>> find_difference(const Arena& a, const Arena& b) override {
    if (!a.device || !b.device) return Oracle::find_difference(a, b);
    const std::scoped_lock lock(mutex_);
    const Json reply =
        TRY(call({{"do", "difference"}, {"a", a.device->id}, {"b", b.device->id}}, {}, options_.call_limit, {}));
    const auto* found = TRY(field(reply, "difference"));
    if (found->is_null()) return std::nullopt;
    return Difference{.name = TRY(text_field(*found, "name")),
                      .first = TRY(integers_field(*found, "first")),
                      .count = TRY(integer_field(*found, "count"))};
  }

  Result<> perturb(Trial& trial, const std::vector<std::string>& names, Random& random) override {
    if (!trial.arena.device) return Oracle::perturb(trial, names, random);
    const std::scoped_lock lock(mutex_);
    TRY(call({{"do", "perturb"}, {"trial", trial.id}, {"names", names}, {"seed", random.next() >> 2}}, {},
             options_.call_limit, {}));
    return {};
  }

  Result<> refresh(Trial& trial, const std::vector<std::string>& names, Arena& outputs, std::uint64_t sentinel,
                   Random& random) override {
    if (!trial.arena.device || !outputs.device) return Oracle::refresh(trial, names, outputs, sentinel, random);
    const std::scoped_lock lock(mutex_);
    TRY(call({{"do", "refresh"},
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
    const Json reply = TRY(call({{"do", "intact"}, {"trial", trial.id}}, {}, options_.call_limit, {}));
    return bool_field(reply, "intact");
  }

  Result<> make_room() override {
    const std::scoped_lock lock(mutex_);
    if (!on_device() || !process_.running()) return {};
    close_elsewhere();
    TRY(exchange({{"do", "free_spares"}}, {}, options_.call_limit, {}));
    return {};
  }

  Json versions() override {
    const std::scoped_lock lock(mutex_);
    if (!versions_.is_object()) (void)start();
    return versions_.is_object() ? versions_ : Json{{"torch", nullptr}};
  }

 private:
  // A workload that was admitted, and what is needed to have it again in another process.
  struct Known {
    Json problem;
    Workload workload;
    std::map<Baseline, std::string> never;  // baselines that failed for good, and why
  };

  static Result<> take_workload(Understood& understood, const Json& reply) {
    const auto* workload = TRY(field(reply, "workload"));
    understood.workloads.push_back(TRY(workload_from_json(*workload)));
    const auto* sizes = TRY(array_field(reply, "module_sizes"));
    for (const Json& pair : *sizes)
      understood.module_sizes.emplace_back(pair.at(0).get<std::string>(), TRY(value_from_json(pair.at(1))));
    return {};
  }

  Result<> add_variants(Understood& understood, const Json& asked, int variants) {
    const Workload& primary = understood.workloads.front();
    Json proposals = Json::array();
    for (int i = 0; i < variants; ++i) {
      Json variant = Json::array();
      for (const SizeProposal& proposal : propose_variant(understood.module_sizes, i)) {
        Json values = Json::array();
        for (const Value& value : proposal.values) values.push_back(to_json(value));
        variant.push_back({{"name", proposal.name}, {"values", std::move(values)}});
      }
      proposals.push_back(std::move(variant));
    }
    std::int64_t cost = 0;
    for (const NamedTensor& tensor : primary.tensors) cost += static_cast<std::int64_t>(tensor.spec.storage_bytes());
    for (const TensorSpec& spec : primary.outputs) cost += static_cast<std::int64_t>(spec.storage_bytes());
    const Json reply = TRY(call({{"do", "variants"}, {"problem", asked}, {"cost", cost}, {"proposals", proposals}}, {},
                                options_.admit_limit, understood.problem.path));
    const auto* found = TRY(array_field(reply, "workloads"));
    const double most = 1.5 * understood.workloads.front().operations;
    for (const Json& each : *found) {
      Workload variant = TRY(workload_from_json(each));
      if (variant.operations <= most) understood.workloads.push_back(std::move(variant));
    }
    return {};
  }

  Result<Known*> find(const std::string& workload) {
    const auto found = known_.find(workload);
    if (found == known_.end()) {
      return fail(ErrorKind::internal, fmt::format("workload {} was never admitted", workload));
    }
    return &found->second;
  }

  Result<> prepare(const std::string& workload, Baseline baseline) {
    Known* known = TRY(find(workload));
    if (const auto never = known->never.find(baseline); never != known->never.end()) {
      return fail(ErrorKind::unavailable, never->second);
    }
    if (process_.running() && prepared_.contains({workload, baseline})) return {};
    const Json asked{{"do", "prepare_baseline"}, {"workload", workload}, {"baseline", to_string(baseline)}};
    const auto limit = baseline == Baseline::eager ? options_.call_limit : options_.compile_limit;
    auto done = call(asked, {}, limit, {});
    if (!done) {
      Error error = std::move(done).error();
      // The process is gone (out of memory, a crash of the compiler, no end): that is the baseline's answer here.
      if (error.kind == ErrorKind::system || error.kind == ErrorKind::cancelled || error.kind == ErrorKind::user) {
        error.kind = ErrorKind::unavailable;
      }
      if (error.kind == ErrorKind::unavailable) known->never[baseline] = error.message;
      return std::unexpected(std::move(error));
    }
    prepared_.insert({workload, baseline});
    return {};
  }

  Result<Json> call(const Json& request, std::span<const int> fds, milliseconds limit, const std::string& file) {
    TRY(start());
    Json reply = TRY(exchange(request, fds, limit, file));
    if (!needs_room(reply)) return reply;
    close_elsewhere();
    TRY(exchange({{"do", "free_spares"}}, {}, options_.call_limit, {}));
    reply = TRY(exchange(request, fds, limit, file));
    if (needs_room(reply)) return fail(ErrorKind::internal, "the oracle freed what nobody uses, and asks for it again");
    return reply;
  }

  // What the oracle keeps on a device for the next memory of its size stands in the way of something else.
  static bool needs_room(const Json& reply) { return reply.is_object() && reply.contains("needs_room"); }

  void close_elsewhere() const {
    if (options_.before_free) options_.before_free();
  }

  // Sends one request and waits for its answer; what the child says it is doing in between names the phase that did not
  // end. A child that does not answer is killed, the next call starts another.
  Result<Json> exchange(const Json& request, std::span<const int> fds, milliseconds limit, const std::string& file) {
    std::string phase = "answering";
    const auto gone = [&](std::string_view how) {
      stop();
      Error error{.kind = file.empty() ? ErrorKind::system : ErrorKind::user,
                  .message = file.empty()
                                 ? fmt::format("the oracle {} while {}", how, phase)
                                 : fmt::format("{}: the oracle {} while {}; correct the file or make its sizes "
                                               "smaller with --set NAME=VALUE",
                                               file, how, phase)};
      error.facts.emplace_back("oracle", "restarted");
      return std::unexpected(std::move(error));
    };
    const auto text = request.dump(-1, ' ', false, Json::error_handler_t::replace);
    if (auto sent = channel_.send(text, fds); !sent) return gone(how_it_ended());
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
      auto message = channel_.receive(std::max(left, milliseconds(0)));
      if (!message && message.error().kind == ErrorKind::cancelled) {
        stop();
        const auto what = fmt::format("{} never ended (stopped after {} s)", phase, limit.count() / 1000);
        if (file.empty()) return fail(ErrorKind::system, "the oracle: " + what);
        return user_error(
            fmt::format("{}: {}; correct the file or make its sizes smaller with --set NAME=VALUE", file, what));
      }
      if (!message) return gone(how_it_ended());
      Json reply = TRY(parse_json(message->body, "the oracle's answer"));
      if (reply.contains("phase")) {
        phase = TRY(text_field(reply, "phase"));
        continue;
      }
      if (reply.contains("error")) {
        const Json& error = reply["error"];
        return fail(kind_from(TRY(text_field(error, "kind"))), TRY(text_field(error, "message")));
      }
      if (needs_room(reply)) return reply;
      const auto* answer = TRY(field(reply, "ok"));
      return *answer;
    }
  }

  std::string how_it_ended() {
    for (int i = 0; i < 100 && process_.running(); ++i) std::this_thread::sleep_for(milliseconds(10));
    if (process_.running()) return "closed its connection";
    return fmt::format("ended ({})", process_.describe_end());
  }

  void stop() {
    process_.kill();
    close_elsewhere();
    channel_ = Channel();
    prepared_.clear();
  }

  Result<> start() {
    if (channel_ && process_.running()) return {};
    stop();
    OracleProcess started = TRY(start_oracle_process(options_, threads(), 1));
    process_ = std::move(started.process);
    channel_ = std::move(started.channel);
    const auto pages = static_cast<std::size_t>(std::max(0L, ::sysconf(_SC_PHYS_PAGES)));
    const auto memory = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 4 * 3;
    Json hello{{"do", "hello"},
               {"protocol", oracle_protocol},
               {"threads", threads()},
               {"memory_limit", options_.memory_limit > 0 ? options_.memory_limit : memory}};
    if (on_device()) {
      hello["device"] = options_.device;
      hello["flush_bytes"] = options_.flush_bytes;
      hello["graph"] = options_.graph;
      hello["lock"] = options_.lock;
    }
    auto greeted = exchange(hello, {}, options_.start_limit, {});
    if (!greeted) {
      stop();
      Error error = std::move(greeted).error();
      if (error.kind == ErrorKind::system) {
        error.kind = ErrorKind::unavailable;
        error.message =
            fmt::format("{} does not run kerf's oracle ({}): run make setup, or {} -m pip install torch==2.13.0",
                        started.python, error.message, started.python);
      }
      return std::unexpected(std::move(error));
    }
    if (greeted->contains("versions")) versions_ = (*greeted)["versions"];
    for (const auto& [id, known] : known_) {
      TRY(exchange({{"do", "register"}, {"problem", known.problem}}, {}, options_.call_limit, {}));
    }
    return {};
  }

  [[nodiscard]] bool on_device() const { return !options_.device.empty(); }

  [[nodiscard]] int threads() const {
    if (options_.threads > 0) return options_.threads;
    cpu_set_t set;
    CPU_ZERO(&set);
    return ::sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
  }

  OracleOptions options_;
  std::mutex mutex_;
  Process process_;
  Channel channel_;
  Json versions_;
  std::int64_t switches_ = -1;                           // of the last timed run
  std::map<std::string, Known> known_;                   // by workload
  std::set<std::pair<std::string, Baseline>> prepared_;  // in this process
  int trials_ = 0;
  AheadCompiler ahead_;
};

}  // namespace

std::unique_ptr<Oracle> make_oracle(OracleOptions options) {
  return std::make_unique<OracleClient>(std::move(options));
}

}  // namespace kerf
