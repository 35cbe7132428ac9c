// kerf suite run.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
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
#include "base/loop.h"
#include "base/paths.h"
#include "problem/json_fields.h"
#include "problem/suite.h"
#include "session/suite_queue.h"

namespace kerf {

namespace fs = std::filesystem;

namespace {

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

// One after the other; several of them work side by side, each on a thread of its own.
struct SuiteRunner {
  const SuiteRunOptions& options;
  const SessionOptions& session_choices;
  fs::path out;
  Wiring& wiring;
  ProgressView& view;
  std::function<bool()> interrupted;
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
  // No loop of this lane turned meanwhile that would have heard of it.
  if (r.interrupted()) return fail(ErrorKind::cancelled, "interrupted");
  if (!understood)
    return give_up(understood.error(), understood.error().kind == ErrorKind::user ? "refused" : "failed");
  auto session = entry.session.empty()
                     ? Session::start(*std::move(parts), choices, *understood)
                     : Session::resume(*std::move(parts), entry.session, *understood, r.session_choices.budget);
  if (!session) return give_up(session.error(), "failed");
  entry.session = (*session)->id();
  TRY(save());
  const SessionResult result = run_among_others(r.wiring, **session);
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

// Problem after problem, as long as there are any.
void run_problems(const SuiteRunner& r, const std::vector<Problem>& problems, SuiteQueue& queue) {
  const bool tells = r.options.search.progress != "none" && r.options.search.progress != "json";
  const SystemClock clock;
  const Nanoseconds started = clock.now();
  while (auto turn = queue.next()) {
    SuiteEntry& entry = turn->entry;
    if (tells) {
      const double pace = turn->worked > 0 ? seconds(clock.now() - started) / turn->worked : 0;
      r.view.note(fmt::format(
          "[{}/{}] {}{}", turn->index + 1, problems.size(), entry.problem,
          pace > 0 ? fmt::format(", about {} left", duration_words(pace * static_cast<double>(turn->left))) : ""));
    }
    const auto status = run_one(r, problems[turn->index], entry, [&] { return queue.keep(*turn); });
    queue.ended(*turn, status);
    if (!status || *status == SessionStatus::interrupted || !tells) continue;
    r.view.note(
        fmt::format("      {}{}{}{}", r.options.sessions > 1 ? entry.problem + " " : "", entry.verdict,
                    entry.speedup.contains("eager") ? " " + ratio_words(entry.speedup["eager"]) + " vs eager" : "",
                    entry.message.empty() ? "" : ": " + one_line(entry.message)));
  }
}

// What works on one problem at a time.
struct Lane {
  std::unique_ptr<Wiring> wiring;
  std::unique_ptr<ProgressView> view;
};

// By as many sessions side by side as were asked for, each with an oracle, a runner and a loop of its own; which of
// them uses the GPU when is settled by its lock (docs/evaluation.md). Lanes that were interrupted are left in
// `interrupted`: to end one waits for what its processes are at, minutes where a baseline is compiled.
Result<> work_off(const SuiteRunOptions& options, const SessionOptions& choices, const std::vector<Problem>& problems,
                  const fs::path& out, SuiteQueue& queue, std::vector<Lane>& interrupted) {
  std::vector<Lane> lanes;
  const int sessions = std::min(TRY(sessions_beside(options.sessions, choices.target)), int(problems.size()));
  // Lines of several sessions would be drawn over each other.
  const std::string progress = sessions > 1 && options.search.progress == "auto" ? "plain" : options.search.progress;
  const auto room = sessions > 1 ? std::make_shared<Room>() : nullptr;
  for (int i = 0; i < sessions; ++i) {
    Lane& lane = lanes.emplace_back();
    lane.wiring = TRY(Wiring::open({.store = options.common.store,
                                    .jobs = choices.jobs,
                                    .target = choices.target,
                                    .graph = choices.graph,
                                    .searches = true,
                                    .beside = sessions,
                                    .room = room}));
    lane.view = make_progress_view(*lane.wiring, progress);
  }
  std::mutex mutex;
  const auto work = [&](Lane lane) {
    run_problems({.options = options,
                  .session_choices = choices,
                  .out = out,
                  .wiring = *lane.wiring,
                  .view = *lane.view,
                  .interrupted = [&queue] { return queue.interrupted(); }},
                 problems, queue);
    if (!queue.interrupted()) return;  // and lets go of what the lane holds of the machine: others may wait for it
    const std::scoped_lock lock(mutex);
    interrupted.push_back(std::move(lane));
  };
  if (lanes.size() == 1) {
    work(std::move(lanes[0]));
  } else {
    // Each on a thread of this loop, which hears of interrupts also while none of theirs turns.
    const auto loop = TRY(make_loop(sessions));
    int interrupts = 0;
    loop->on_interrupt([&queue, &room, &interrupts] {
      if (++interrupts > 1) leave_now();
      queue.interrupt();
      room->close();
    });
    for (Lane& lane : lanes) {
      loop->offload([&work, own = std::move(lane)]() mutable { work(std::move(own)); }, [] {});
    }
    loop->run();
  }
  die_on_interrupt();
  return queue.result();
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
  SuiteQueue queue(run, problems.size(), [&file](const SuiteRun& now) {
    return write_file(file, to_json(now).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  });
  TRY(queue.save());
  const fs::path out = options.out.empty() ? fs::path("kerf-out") / ("suite-" + id) : fs::path(options.out);
  std::vector<Lane> interrupted;
  const Result<> worked = work_off(options, session_choices, problems, out, queue, interrupted);
  if (!worked && interrupted.empty()) return std::unexpected(worked.error());
  if (!worked) {  // told before lanes are waited for
    tell_user(worked.error());
    leave_soon(exit_code(worked.error().kind));
    return exit_code(worked.error().kind);
  }
  fs::create_directories(out, code);
  const Document document = suite_document(run);
  TRY(write_file(out / "suite.html", to_html(document)));
  TRY(write_file(out / "suite.md", to_markdown(document)));
  TRY(write_file(out / "suite.json", document_text(suite_json(run))));
  TRY(print(options.common.json ? document_text(suite_json(run)) : to_text(document)));
  if (queue.interrupted()) {
    print_error(fmt::format("kerf: interrupted; go on with the same command and --id {}\n", id));
    leave_soon(exit_interrupted);
    return exit_interrupted;
  }
  return exit_success;
}

}  // namespace kerf
