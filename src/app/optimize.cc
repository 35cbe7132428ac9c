// kerf optimize and kerf resume.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/run_session.h"
#include "app/wiring.h"
#include "app/words.h"

namespace kerf {

Result<SessionOptions> session_options(const SearchChoices& choices) {
  const auto unavailable = [](const char* what, const std::string& found, const char* there) {
    return fail(ErrorKind::unavailable, fmt::format("{} {}: this version has {}", what, found, there));
  };
  if (choices.target != "cpu") return unavailable("target", choices.target, "cpu");
  if (!dtype_from(choices.dtype)) return user_error(fmt::format("--dtype {}: f32 was expected", choices.dtype));
  if (choices.dtype != "f32") return unavailable("working type", choices.dtype, "f32");
  if (!language_from(choices.language))
    return user_error(fmt::format("--language {}: cpp was expected", choices.language));
  if (choices.language != "cpp") return unavailable("language", choices.language, "cpp on target cpu");
  if (choices.synthesizer != "builtin") return unavailable("synthesizer", choices.synthesizer, "builtin");
  SessionOptions options;
  options.search.policy = choices.policy;
  options.search.seed = choices.seed.value_or(0);
  options.confirm = choices.confirm.value_or(options.confirm);
  options.synthesizer = choices.synthesizer;
  options.language = choices.language;
  options.target = choices.target;
  options.jobs = choices.jobs;
  if (!choices.budget.empty()) options.budget = choices.budget;
  // Both are checked before anything is started.
  TRY(make_search(options.search));
  TRY(parse_budget(options.budget));
  return options;
}

namespace {

Result<int> hand_out(const SessionResult& result, const Session& session, const Understood& problem,
                     const CommonOptions& common, const std::string& out) {
  Report report{.problem = problem.problem.id,
                .problem_name = problem.problem.name,
                .target = session.options().target,
                .result = result,
                .nodes = &session.nodes(),
                .folder = {},
                .files = {},
                .spec = problem.problem.path};
  const Result<> written = write_files(report, problem, out);
  TRY(print(common.json ? report_json(report).dump(2) + "\n" : report_text(report)));
  if (result.status == SessionStatus::interrupted) {
    print_error(fmt::format("kerf: interrupted; go on with: kerf resume {}\n", result.session));
    leave_soon(exit_interrupted);
    return exit_interrupted;
  }
  if (result.error) {
    Error error = *result.error;
    error.message += fmt::format(" (session {} is kept; go on with: kerf resume {})", result.session, result.session);
    return std::unexpected(std::move(error));
  }
  if (!written) return std::unexpected(written.error());
  return exit_success;
}

}  // namespace

Result<int> optimize(const OptimizeOptions& options) {
  const SessionOptions session_choices = TRY(session_options(options.search));
  const Problem problem = TRY(read_problem(options.problem));
  const auto wiring = TRY(Wiring::open(
      {.store = options.common.store, .jobs = session_choices.jobs, .synthesizer = session_choices.synthesizer}));
  const auto view = make_progress_view(*wiring, options.search.progress);
  Snapshot first;
  first.problem = problem.id;
  view->show(first);
  const auto understood = TRY(understand(*wiring, problem));
  const auto session = TRY(Session::start(wiring->session_parts(*view), session_choices, understood));
  const SessionResult result = run_to_end(*wiring, *session);
  return hand_out(result, *session, *understood, options.common, options.out);
}

Result<int> resume(const ResumeOptions& options) {
  if (!options.budget.empty()) TRY(parse_budget(options.budget));
  // What the store says comes first: an unknown session is told without starting anything.
  SessionRecord record;
  Problem problem;
  SessionOptions choices;
  {
    const auto reader = TRY(Wiring::open({.store = options.common.store, .machine = false}));
    const Found found = TRY(reader->store().find(options.id));
    record = TRY(reader->store().session(found.session));
    if (TRY(reader->store().busy(found.session)))
      return user_error(fmt::format("another kerf works on session {}", found.session));
    problem = TRY(reader->store().task(record.task)).problem;
    choices = TRY(session_options_from_json(record.options));
  }
  if (record.state.status == SessionStatus::finished && options.budget.empty()) {
    return user_error(fmt::format(
        "session {} is finished ({}); give it a larger budget to go on: kerf resume {} --budget {}candidates",
        record.id, record.state.message, record.id, std::max<std::int64_t>(2 * record.state.candidates, 8)));
  }
  const auto wiring =
      TRY(Wiring::open({.store = options.common.store, .jobs = choices.jobs, .synthesizer = choices.synthesizer}));
  const auto view = make_progress_view(*wiring, options.progress);
  const auto understood = TRY(understand(*wiring, problem));
  const auto session = TRY(Session::resume(wiring->session_parts(*view), record.id, understood, options.budget));
  const SessionResult result = run_to_end(*wiring, *session);
  return hand_out(result, *session, *understood, options.common, options.out);
}

}  // namespace kerf
