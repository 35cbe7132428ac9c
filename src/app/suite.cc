// kerf suite run.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/run_session.h"
#include "app/suite_files.h"
#include "app/suite_json.h"
#include "app/suite_text.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/paths.h"
#include "problem/json_fields.h"
#include "problem/suite.h"

namespace kerf {

namespace fs = std::filesystem;

namespace {

constexpr int max_failures_in_a_row = 3;  // of ours: the next problem would fail the same way

void take_result(SuiteEntry& entry, const SessionResult& result, const SessionNodes& nodes) {
  entry.candidates = result.candidates;
  entry.seconds = result.seconds;
  entry.win = result.win;
  entry.done = result.status == SessionStatus::finished;
  entry.verdict = "nothing_right";
  entry.lost.clear();
  for (const SessionNode& node : nodes) {
    if (node.index == 0 || !node.has_candidate()) continue;
    const Evaluation& e = node.best_known();
    if (e.verdict != Verdict::measured)
      ++entry.lost[fmt::format("{}{}{}", to_string(e.verdict), e.rule ? ": " : "", e.rule.value_or(""))];
    else if (e.receipt && e.receipt->quarantined)
      ++entry.lost["measured: faster_than_light"];
  }
  entry.message = result.error ? result.error->message : "";
  if (result.status == SessionStatus::failed) {
    entry.verdict = "failed";
    entry.done = true;
  }
  if (!result.best) {
    if (entry.message.empty() && !nodes.empty()) entry.message = nodes[0].evaluation.message.value_or("");
    if (result.reference)
      entry.message += (entry.message.empty() ? "" : "; ") + std::string("the reference itself is handed over");
    return;
  }
  const Evaluation& evaluation = nodes[static_cast<std::size_t>(*result.best)].best_known();
  if (result.status != SessionStatus::failed) entry.verdict = to_string(evaluation.verdict);
  entry.speedup.clear();
  if (evaluation.receipt && evaluation.receipt->timed()) entry.speedup = evaluation.receipt->speedup;
  if (evaluation.receipt) entry.fraction_of_speed_of_light = evaluation.receipt->fraction_of_speed_of_light;
  if (entry.message.empty() && !result.win) entry.message = "no win";
}

struct SuiteRunner {
  const SuiteRunOptions& options;
  const SessionOptions& session_choices;
  fs::path out;
  Wiring& wiring;
  ProgressView& view;
};

// One problem to its end. The error of a problem becomes its entry; only what would fail everywhere is returned.
Result<SessionStatus> run_one(const SuiteRunner& r, const Problem& problem, SuiteEntry& entry,
                              const std::function<Result<>()>& save) {
  const auto give_up = [&](const Error& error, const char* verdict) -> Result<SessionStatus> {
    if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::cancelled) return std::unexpected(error);
    entry.done = true;
    entry.verdict = verdict;
    // The entry's line names problem and verdict already.
    const std::string known = problem.id + " is refused: ";
    entry.message = error.message.starts_with(known) ? error.message.substr(known.size()) : error.message;
    return error.kind == ErrorKind::user ? SessionStatus::finished : SessionStatus::failed;
  };
  const SessionRecord before = entry.session.empty() ? SessionRecord{} : TRY(r.wiring.store().session(entry.session));
  SessionOptions choices = r.session_choices;
  if (entry.session.empty()) {
    TRY(r.wiring.add_experience(choices));
  } else {
    choices.costs = TRY(session_options_from_json(before.options)).costs;
  }
  auto parts = r.wiring.session_parts(r.view, choices);
  if (!parts) return give_up(parts.error(), "failed");
  if (const Result<> there = r.wiring.check_models(r.view); !there) return give_up(there.error(), "failed");
  const auto understood =
      entry.session.empty() ? understand(r.wiring, problem) : understand_again(r.wiring, before, problem, *parts);
  if (!understood)
    return give_up(understood.error(), understood.error().kind == ErrorKind::user ? "refused" : "failed");
  auto session = entry.session.empty()
                     ? Session::start(*std::move(parts), choices, *understood)
                     : Session::resume(*std::move(parts), entry.session, *understood, r.session_choices.budget);
  if (!session) return give_up(session.error(), "failed");
  entry.session = (*session)->id();
  TRY(save());
  const SessionResult result = run_to_end(r.wiring, **session);
  take_result(entry, result, (*session)->nodes());
  Report report{.problem = problem.id,
                .problem_name = problem.name,
                .target = r.session_choices.target,
                .result = result,
                .nodes = &(*session)->nodes(),
                .folder = {},
                .files = {},
                .spec = problem.path};
  std::string name = problem.id;
  std::ranges::replace(name, '/', '-');
  TRY(write_files(report, **understood, (r.out / name).string()));
  entry.report = report_json(report);
  return result.status;
}

}  // namespace

Result<int> run_suite(const SuiteRunOptions& options) {
  SessionOptions session_choices = TRY(session_options(options.search));
  for (const char* one : {"replay:", "ask"}) {
    if (session_choices.synthesizer.starts_with(one))
      return user_error(
          fmt::format("--synthesizer {}: a suite has many sessions, this is for one", session_choices.synthesizer));
  }
  std::vector<Problem> problems = TRY(load_suite(options.problem.spec, options.select));
  if (problems.empty())
    return user_error(fmt::format("no problem of {} matches \"{}\"", options.problem.spec, options.select));
  const Shard shard = options.shard.empty() ? Shard{} : TRY(parse_shard(options.shard));
  std::vector<Problem> own;
  for (std::size_t i = 0; i < problems.size(); ++i) {
    if (shard.holds(i)) own.push_back(std::move(problems[i]));
  }
  problems = std::move(own);
  if (problems.empty()) return user_error(fmt::format("--shard {}: no problem is left for it", options.shard));
  for (Problem& problem : problems) TRY(apply(options.problem, problem));

  const SystemClock clock;
  std::string id = options.id;
  if (id.empty()) {
    id = iso_time(clock.unix_ms());
    std::erase_if(id, [](char c) { return c == '-' || c == ':' || c == 'Z'; });
  }
  if (shard.of > 1) id += "-" + shard.name();
  const fs::path file = TRY(suite_file(options.common.store, id));
  const Fd lock = TRY(lock_run(file));
  std::error_code code;
  SuiteRun run{.id = id,
               .suite = options.problem.spec,
               .select = options.select,
               .shard = shard,
               .created_ms = clock.unix_ms(),
               .options = to_json(session_choices),
               .entries = {}};
  std::map<std::string, SuiteEntry> known;
  if (fs::exists(file, code)) {
    const SuiteRun before = TRY(load_run(file));
    if (const std::string differs = differing_options(before.options, run.options); !differs.empty())
      return user_error(fmt::format(
          "suite run {} was begun otherwise ({}): go on as it was begun, or give another --id", id, differs));
    run.created_ms = before.created_ms;
    for (const SuiteEntry& entry : before.entries) known[entry.problem] = entry;
  }
  for (const Problem& problem : problems) {
    const auto it = known.find(problem.id);
    if (it != known.end()) {
      run.entries.push_back(std::move(it->second));
      known.erase(it);
    } else {
      run.entries.emplace_back().problem = problem.id;
    }
  }
  for (auto& [problem, entry] : known) run.entries.push_back(std::move(entry));  // of an earlier, wider selection
  const auto save = [&]() -> Result<> {
    return write_file(file, to_json(run).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  };
  TRY(save());

  const auto wiring = TRY(Wiring::open({.store = options.common.store,
                                        .jobs = session_choices.jobs,
                                        .target = session_choices.target,
                                        .graph = session_choices.graph,
                                        .searches = true}));
  const auto view = make_progress_view(*wiring, options.search.progress);
  const fs::path out = options.out.empty() ? fs::path("kerf-out") / ("suite-" + id) : fs::path(options.out);
  const SuiteRunner runner{
      .options = options, .session_choices = session_choices, .out = out, .wiring = *wiring, .view = *view};

  int failures = 0, worked = 0;
  bool interrupted = false;
  const Nanoseconds started = clock.now();
  for (std::size_t i = 0; i < problems.size() && !interrupted; ++i) {
    SuiteEntry& entry = run.entries[i];
    if (entry.done && entry.verdict != "failed") continue;
    if (options.search.progress != "none" && options.search.progress != "json") {
      const double pace = worked > 0 ? seconds(clock.now() - started) / worked : 0;
      view->note(fmt::format(
          "[{}/{}] {}{}", i + 1, problems.size(), entry.problem,
          worked > 0 ? fmt::format(", about {} left", duration_words(pace * static_cast<double>(problems.size() - i)))
                     : ""));
    }
    const auto status = run_one(runner, problems[i], entry, save);
    ++worked;
    TRY(save());
    if (!status) {
      if (status.error().kind != ErrorKind::cancelled) return std::unexpected(status.error());
      interrupted = true;
    } else if (*status == SessionStatus::interrupted) {
      interrupted = true;
    } else if (*status == SessionStatus::failed) {
      if (++failures >= max_failures_in_a_row) {
        return fail(
            ErrorKind::system,
            fmt::format("{} problems in a row failed for reasons that are not theirs, the last: {}; go on with --id {}",
                        failures, entry.message, id));
      }
    } else {
      failures = 0;
    }
    if (!interrupted && options.search.progress != "none" && options.search.progress != "json") {
      view->note(
          fmt::format("      {}{}{}", entry.verdict,
                      entry.speedup.contains("eager") ? " " + ratio_words(entry.speedup["eager"]) + " vs eager" : "",
                      entry.message.empty() ? "" : ": " + one_line(entry.message)));
    }
  }
  fs::create_directories(out, code);
  const Document document = suite_document(run);
  TRY(write_file(out / "suite.html", to_html(document)));
  TRY(write_file(out / "suite.md", to_markdown(document)));
  TRY(write_file(out / "suite.json", document_text(suite_json(run))));
  TRY(print(options.common.json ? document_text(suite_json(run)) : to_text(document)));
  if (interrupted) {
    print_error(fmt::format("kerf: interrupted; go on with the same command and --id {}\n", id));
    leave_soon(exit_interrupted);
    return exit_interrupted;
  }
  return exit_success;
}

}  // namespace kerf
