// kerf optimize and kerf resume.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/elsewhere.h"
#include "app/exit.h"
#include "app/run_session.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/random.h"
#include "synthesize/mixed_synthesizer.h"
#include "synthesize/model/make_model.h"
#include "target/target.h"

namespace kerf {

namespace {

constexpr std::string_view replay_prefix = "replay:";

// The options of the recording, with what was asked for otherwise; the recording is named so that a resume finds it.
Result<SessionOptions> replay_options(const SearchChoices& choices, const Recording& recording) {
  SessionOptions options = recording.options;
  const std::string what = choices.synthesizer.substr(replay_prefix.size());
  std::error_code code;
  const bool file = std::filesystem::is_regular_file(what, code);
  options.replayed = recording.options.synthesizer;
  options.synthesizer =
      std::string(replay_prefix) + (file ? std::filesystem::absolute(what).string() : recording.session);
  options.recorded_evaluations = choices.evaluations == "recorded";
  if (options.recorded_evaluations) {
    if (choices.seed || !choices.budget.empty() || choices.confirm)
      return user_error(
          "--evaluations recorded goes the way of the recording: leave --seed, --budget and --confirm out");
    return options;
  }
  if (choices.seed) options.search.seed = *choices.seed;
  if (!choices.budget.empty()) options.budget = choices.budget;
  if (choices.confirm) options.confirm = *choices.confirm;
  return options;
}

}  // namespace

Result<SessionOptions> session_options(const SearchChoices& choices) {
  const auto unavailable = [](const char* what, const std::string& found, const std::string& there) {
    return fail(ErrorKind::unavailable, fmt::format("{} {}: this version has {}", what, found, there));
  };
  const Target target = TRY(load_target(choices.target));
  TRY(check_graph(choices.graph, target));
  if (!dtype_from(choices.dtype)) return user_error(fmt::format("--dtype {}: f32 was expected", choices.dtype));
  if (choices.dtype != "f32") return unavailable("working type", choices.dtype, "f32");
  const std::string language = choices.language.empty() ? target.languages.front() : choices.language;
  if (!language_from(language))
    return user_error(
        fmt::format("--language {}: there is no such language; this version has {}", language, languages_there_are));
  if (std::ranges::find(target.languages, language) == target.languages.end())
    return unavailable("language", fmt::format("{} on target {}", language, target.name), languages_there_are);
  const bool replays = choices.synthesizer.starts_with(replay_prefix);
  if (!replays) {
    for (const SynthesizerSpec& spec : TRY(parse_synthesizers(choices.synthesizer))) {
      if (spec.name.starts_with(replay_prefix))
        return user_error("--synthesizer replay:… stands alone: it brings the synthesizers of the recording");
    }
  }
  if (choices.evaluations == "recorded" && !replays)
    return user_error("--evaluations recorded needs --synthesizer replay:SESSION or replay:FILE");
  SessionOptions options;
  options.search.policy = choices.policy;
  options.search.seed = choices.seed.value_or(0);
  options.confirm = choices.confirm.value_or(options.confirm);
  options.synthesizer = choices.synthesizer;
  options.base_url = choices.base_url;
  options.effort = choices.effort;
  options.max_tokens = choices.max_tokens.value_or(options.max_tokens);
  if (choices.synthesizer.find("batch") != std::string::npos)
    options.batch = fmt::format("{:012x}", secret_seed() >> 16);
  options.language = language;
  options.target = choices.target;
  options.graph = choices.graph;
  options.jobs = choices.jobs;
  if (!choices.budget.empty()) options.budget = choices.budget;
  // Both are checked before anything is started.
  TRY(make_search(options.search));
  TRY(parse_budget(options.budget));
  return options;
}

Result<int> optimize(const OptimizeOptions& options) {
  SessionOptions choices = TRY(session_options(options.search));
  SessionSources sources;
  if (choices.synthesizer.starts_with(replay_prefix)) {
    const auto reader = TRY(Wiring::open({.store = options.common.store, .machine = false}));
    sources.recording = TRY(load_recording(reader->store(), choices.synthesizer.substr(replay_prefix.size())));
    choices = TRY(replay_options(options.search, *sources.recording));
  } else if (options.problem.spec.empty()) {
    return user_error("which problem? kerf optimize PROBLEM; see kerf optimize --help");
  }
  Problem problem = options.problem.spec.empty() ? sources.recording->problem : TRY(read_problem(options.problem));
  if (sources.recording && problem.digest() != sources.recording->problem.digest())
    return user_error(fmt::format("the recording is of {}, and not of this problem at these sizes; it can be left out",
                                  sources.recording->problem.id));
  if (!options.elsewhere.empty()) {
    if (sources.recording || options.dry_run)
      return user_error("--elsewhere goes with neither --synthesizer replay:… nor --dry-run");
    choices.elsewhere = TRY(made_folder(options.elsewhere));
  }
  if (options.dry_run) return dry_run(options, choices, problem);
  if (!options.out.empty()) TRY(made_folder(options.out));  // rather now than after the search
  const bool outside = choices.synthesizer == "ask";
  if (outside) sources.answer = [](const ModelRequest&) { return std::nullopt; };
  const auto wiring = TRY(Wiring::open({.store = options.common.store,
                                        .jobs = choices.jobs,
                                        .machine = !choices.recorded_evaluations,
                                        .target = choices.target,
                                        .judges = choices.elsewhere.empty(),
                                        .graph = choices.graph,
                                        .searches = true}));
  const auto view = make_progress_view(*wiring, options.search.progress);
  if (!sources.recording) TRY(wiring->add_experience(choices));
  SessionParts parts = TRY(wiring->session_parts(*view, choices, sources));
  if (outside) parts.asks = 1;  // the identity plan; kerf ask asks the rest
  TRY(wiring->check_models(*view));
  Snapshot first;
  first.problem = problem.id;
  view->show(first);
  const auto understood =
      choices.recorded_evaluations ? TRY(sources.recording->problem_understood()) : TRY(understand(*wiring, problem));
  const auto session = TRY(Session::start(std::move(parts), choices, understood));
  const SessionResult result = run_to_end(*wiring, *session);
  if (outside && choices.elsewhere.empty() && result.stopped.by == "waiting") {
    TRY(print(
        options.common.json
            ? nlohmann::json{{"schema", 1}, {"session", result.session}, {"problem", problem.id}}.dump(2) + "\n"
            : fmt::format("session {} waits for candidates: kerf ask {} -n 4\n", result.session, result.session)));
    return exit_success;
  }
  return hand_out(*wiring, result, *session, *understood, options.common, options.out);
}

Result<int> resume(const ResumeOptions& options) {
  if (!options.budget.empty()) TRY(parse_budget(options.budget));
  // What the store says comes first: an unknown session is told without starting anything.
  StoredSession taken;
  SessionSources sources;
  auto& [record, choices, problem] = taken;
  {
    const auto reader = TRY(Wiring::open_to_read(options.common.store));
    taken = TRY(take_up(reader->store(), options.id));
    if (!options.budget.empty()) choices.budget = options.budget;
    if (choices.synthesizer.starts_with(replay_prefix))
      sources.recording = TRY(load_recording(reader->store(), choices.synthesizer.substr(replay_prefix.size())));
  }
  const bool outside = choices.synthesizer == "ask";
  if (record.state.status == SessionStatus::finished && (options.budget.empty() || choices.recorded_evaluations)) {
    if (choices.recorded_evaluations)
      return user_error(fmt::format("session {} is finished: it went to the end of its recording", record.id));
    return user_error(fmt::format(
        "session {} is finished ({}); give it a larger budget to go on: kerf resume {} --budget {}candidates",
        record.id, record.state.message, record.id, std::max<std::int64_t>(2 * record.state.candidates, 8)));
  }
  if (outside) sources.answer = [](const ModelRequest&) { return std::nullopt; };
  const bool elsewhere = !choices.elsewhere.empty();
  const auto wiring = TRY(Wiring::open({.store = options.common.store,
                                        .jobs = choices.jobs,
                                        .machine = !choices.recorded_evaluations && !elsewhere,
                                        .target = choices.target,
                                        .graph = choices.graph,
                                        .searches = true}));
  const auto view = make_progress_view(*wiring, options.progress);
  SessionParts parts = TRY(wiring->session_parts(*view, choices, sources));
  if (outside) parts.asks = 0;
  TRY(wiring->check_models(*view));
  const auto understood = choices.recorded_evaluations ? TRY(sources.recording->problem_understood())
                          : elsewhere                  ? TRY(understood_then(record, problem, parts))
                                                       : TRY(understand_again(*wiring, record, problem, parts));
  const auto session = TRY(Session::resume(std::move(parts), record.id, understood, options.budget));
  // Nobody else answers any more: what is left is confirmed and handed over.
  if (outside) session->abandon_proposals();
  const SessionResult result = run_to_end(*wiring, *session);
  return hand_out(*wiring, result, *session, *understood, options.common, options.out);
}

}  // namespace kerf
