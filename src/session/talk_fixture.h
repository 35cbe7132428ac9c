// What tests of sessions with models share: a problem, a synthesizer that asks a model, a model that plays one.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <functional>
#include <map>

#include "base/hash.h"
#include "evaluate/fake_evaluator.h"
#include "session/recording.h"
#include "store/fake_store.h"
#include "synthesize/model/http_model.h"
#include "synthesize/model/recording.h"
#include "synthesize/model/replay.h"

namespace kerf::testing_talk {

inline std::shared_ptr<const Understood> talk_problem() {
  auto understood = std::make_shared<Understood>();
  understood->problem.id = "test/1";
  understood->problem.source = "class Model: pass";
  understood->admission.admitted = true;
  understood->workloads.resize(1);
  understood->module_sizes = {{"rows", Value{std::int64_t{4}}}};
  return understood;
}

// Composes a prompt from the request, asks, corrects once where the reply is empty, and learns: what it learned is in
// its prompts, so that a replay that teaches it something else is found out.
class Talker final : public Synthesizer {
 public:
  explicit Talker(std::unique_ptr<Model> model) : model_(std::move(model)) {}
  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    ModelRequest ask;
    ask.purpose = {.expansion = request.expansion, .attempt = request.first_attempt};
    if (ask.purpose.attempt > 0 && !request.may_call(ask.purpose.attempt)) {
      reply(std::optional<Proposal>());
      return 0;
    }
    std::string text = fmt::format("seed {} tried {} learned {}\n", request.seed, request.tried.size(), learned_);
    for (const Recalled& a : request.ancestors) text += fmt::format("{} {}\n", a.candidate.text, a.log_speedup);
    ask.messages = {{.role = Speaker::user, .parts = {{.text = text}}}};
    auto held = std::make_shared<Reply>(std::move(reply));
    return model_->complete(ask, [this, ask, held, may_call = request.may_call](Result<ModelReply> first) mutable {
      if (!first) return (*held)(std::unexpected(first.error()));
      if (!first->text.empty()) return (*held)(proposal(first->text, ask));
      if (!may_call(ask.purpose.attempt + 1)) return (*held)(std::optional<Proposal>());
      ++ask.purpose.attempt;
      ask.messages.push_back({.role = Speaker::assistant, .parts = {{.text = "(nothing)"}}});
      ask.messages.push_back({.role = Speaker::user, .parts = {{.text = "a kernel, please"}}});
      model_->complete(ask, [ask, held](Result<ModelReply> second) {
        if (!second) return (*held)(std::unexpected(second.error()));
        if (second->text.empty()) return (*held)(std::optional<Proposal>());
        (*held)(proposal(second->text, ask));
      });
    });
  }
  void cancel(Ticket ticket) override { model_->cancel(ticket); }
  void learn(const SynthesisRequest& request, const Proposal& p, const Evaluation& evaluation) override {
    learned_ = fast_hash(fmt::format("{} {} {}", request.expansion, p.candidate.text, evaluation.id), learned_);
  }
  [[nodiscard]] std::string name() const override { return model_->name(); }

 private:
  static std::optional<Proposal> proposal(const std::string& text, const ModelRequest& asked) {
    Proposal p;
    p.candidate = {.text = text, .language = Language::cpp, .name = ""};
    p.prompt = asked.messages[0].parts[0].text;
    return p;
  }
  std::unique_ptr<Model> model_;
  std::uint64_t learned_ = 0;
};

// Answers by what it is asked, after a while that differs from call to call: replies come in any order. One in eight is
// empty, and some are what was written before.
class Player final : public Model {
 public:
  explicit Player(Loop& loop, std::string name = "player/1", double usd = 0.01)
      : loop_(loop), name_(std::move(name)), usd_(usd) {}
  Ticket complete(const ModelRequest& request, OnReply reply) override {
    const std::uint64_t draw = fast_hash(request.digest());
    ModelReply answer;
    if (!speechless && draw % 8 != 0) answer.text = fmt::format("candidate {}", draw / 8 % 200);
    answer.usage = {.tokens_in = 100, .tokens_out = static_cast<std::int64_t>(draw % 50), .usd = usd_};
    answer.seconds = 0.5;
    ++calls;
    Result<ModelReply> result = answer;
    if (breaks && draw / 8 % 10 == 0) {
      Error error{.kind = ErrorKind::system, .message = "the stream broke"};
      note_charges(error, answer.usage);
      result = std::unexpected(std::move(error));
    }
    loop_.after(std::chrono::milliseconds(1 + draw / 8 % 90),
                [reply = std::move(reply), result = std::move(result)]() mutable { reply(std::move(result)); });
    return ++tickets_;
  }
  void cancel(Ticket) override {}
  [[nodiscard]] std::string name() const override { return name_; }
  int calls = 0;
  bool speechless = false;  // nothing but empty replies
  bool breaks = false;      // one call in ten comes to nothing, and costs

 private:
  Loop& loop_;
  std::string name_;
  double usd_;
  Ticket tickets_ = 0;
};

struct Watcher final : ProgressView {
  std::vector<std::string> notes;
  void show(const Snapshot&) override {}
  void judged(const Snapshot&, const SessionNode&) override {}
  void note(const std::string& line) override { notes.push_back(line); }
};

// One process of kerf with a session whose candidates a model writes: the player, or a recording.
struct TalkWorld {
  explicit TalkWorld(Store& s, std::shared_ptr<const Recording> from = nullptr) : store(s), recording(std::move(from)) {
    const Note note = [this](const std::string& line) { view.notes.push_back(line); };
    std::unique_ptr<Model> model;
    if (recording) {
      model = std::make_unique<ReplayModel>(recording->exchanges, "player/1", note);
      evaluator = std::make_unique<RecordedEvaluator>(*loop, recording);
    } else {
      auto made = std::make_unique<Player>(*loop);
      player = made.get();
      model = std::move(made);
      FakeEvaluatorOptions options;
      options.noise = 0.05;
      options.delay = std::chrono::milliseconds(20);
      // One in three compiles to what another one compiles to.
      options.landscape = [fates = digest_landscape()](const Candidate& candidate, const EvaluationRequest& request) {
        FakeFate fate = fates(candidate, request);
        fate.code = fmt::format("code {}", fast_hash(candidate.text) % 60);
        return fate;
      };
      evaluator = std::make_unique<FakeEvaluator>(*loop, options);
    }
    synthesizer = std::make_unique<Talker>(std::make_unique<RecordingModel>(std::move(model), exchanges, note));
  }
  SessionParts parts() {
    SessionParts p{.loop = *loop,
                   .clock = clock,
                   .evaluator = *evaluator,
                   .synthesizer = *synthesizer,
                   .store = store,
                   .view = view,
                   .target_facts = {{"name", "fake"}},
                   .versions = {{"kerf", "test"}},
                   .identity = [](const Understood&) -> Result<Candidate> {
                     return Candidate{.text = "identity", .language = Language::cpp, .name = "identity"};
                   }};
    p.exchanges = &exchanges;
    if (recording) p.script = std::make_shared<Script>(recording->script);
    return p;
  }
  SessionResult run(Session& session) {
    SessionResult result;
    session.run([&](const SessionResult& r) {
      result = r;
      loop->stop();
    });
    loop->run();
    return result;
  }

  Store& store;
  std::shared_ptr<const Recording> recording;
  FakeClock clock;
  Watcher view;
  std::unique_ptr<Loop> loop = make_manual_loop();
  LateExchangeLog exchanges;
  Player* player = nullptr;
  std::unique_ptr<Evaluator> evaluator;
  std::unique_ptr<Synthesizer> synthesizer;
};

inline SessionOptions talk_options(const std::string& budget = "40candidates", int jobs = 5) {
  SessionOptions o;
  o.budget = budget;
  o.jobs = jobs;
  o.search.seed = 11;
  o.synthesizer = "player/1";
  return o;
}

// All events of a session, a line each.
inline std::string events_of(Store& store, const SessionId& id) {
  std::string text;
  const auto events = store.events(id);
  for (const SearchEvent& event : *events) text += to_json(event).dump() + "\n";
  return text;
}

}  // namespace kerf::testing_talk
