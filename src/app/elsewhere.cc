#include "app/elsewhere.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "app/console.h"
#include "app/exit.h"
#include "app/report.h"
#include "app/run_session.h"
#include "app/words.h"
#include "base/paths.h"
#include "fleet/bundle.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

constexpr int max_rounds = 100'000;

std::string told_words(const SessionNode& node, const SessionId& session) {
  return fmt::format("expansion {}: node {}, {}\n", node.expansion.id, node_name(session, node.index),
                     verdict_words(node.evaluation));
}

}  // namespace

Result<std::string> made_folder(const std::string& asked) {
  std::error_code code;
  fs::create_directories(asked, code);
  if (code)
    return user_error(fmt::format("cannot create {} ({}): name a folder that can be written", asked, code.message()));
  return fs::absolute(asked).lexically_normal().string();
}

Result<std::string> write_awaited(Wiring& wiring, const Session& session, const Problem& problem) {
  if (wiring.elsewhere() == nullptr) return std::string();
  Bundle bundle{.session = session.id(),
                .target = session.options().target,
                .graph = session.options().graph,
                .versions = wiring.versions(),
                .problem = problem,
                .items = wiring.elsewhere()->awaited()};
  if (bundle.items.empty()) return std::string();
  const std::string text = TRY(to_text(bundle));
  const std::string folder = TRY(made_folder(session.options().elsewhere));
  for (int round = 1; round <= max_rounds; ++round) {
    const fs::path path = fs::path(folder) / fmt::format("{}-{}.bundle", session.id(), round);
    std::error_code code;
    if (fs::exists(path, code)) {
      const auto there = read_bounded(path.string(), max_bundle_bytes);
      if (!there || *there != text) continue;
    } else {
      TRY(write_file(path, text));
    }
    remember_bundle(wiring.store().cache(), bundle);
    return path.string();
  }
  return user_error(fmt::format("{} holds {} bundles of session {}: move some away", folder, max_rounds, session.id()));
}

Result<int> hand_out(Wiring& wiring, const SessionResult& result, const Session& session, const Understood& problem,
                     const CommonOptions& common, const std::string& out) {
  if (result.stopped.by == "waiting" && wiring.elsewhere() != nullptr) {
    const std::string bundle = TRY(write_awaited(wiring, session, problem.problem));
    const auto awaited = static_cast<std::int64_t>(wiring.elsewhere()->awaited().size());
    if (common.json) {
      TRY(print(nlohmann::json{{"schema", 1},
                               {"session", result.session},
                               {"problem", problem.problem.id},
                               {"bundle", bundle.empty() ? nlohmann::json() : nlohmann::json(bundle)},
                               {"awaited", awaited}}
                    .dump(2) +
                "\n"));
    } else if (!bundle.empty()) {
      TRY(print(bundle + "\n"));
      print_error(fmt::format("kerf: {} to judge elsewhere: kerf worker run {}; then here: kerf tell {} RESULTS\n",
                              count_words(awaited, "candidate"), fs::path(bundle).filename().string(), result.session));
    }
    if (session.options().synthesizer == "ask") {
      print_error(
          fmt::format("kerf: candidates: kerf ask {}; to have the best confirmed and handed over: kerf resume {}\n",
                      result.session, result.session));
    }
    return exit_success;
  }
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

Result<std::shared_ptr<const Understood>> understood_then(const SessionRecord& record, const Problem& problem,
                                                          SessionParts& parts) {
  parts.target_facts = record.understood.value("target", nlohmann::json());
  return std::make_shared<const Understood>(TRY(understood_from_json(record.understood, problem)));
}

Result<std::string> read_bounded(const std::string& path, std::size_t limit) {
  std::error_code code;
  if (!fs::is_regular_file(path, code)) return user_error(fmt::format("{}: no such file", path));
  const auto bytes = fs::file_size(path, code);
  if (code) return user_error(fmt::format("cannot read {} ({})", path, code.message()));
  if (bytes > limit) return user_error(fmt::format("{} is larger than {} MiB", path, limit >> 20));
  return read_file(path);
}

bool are_results(const std::string& path) {
  std::error_code code;
  if (!fs::is_regular_file(path, code)) return false;
  std::ifstream stream(path, std::ios::binary);
  std::string line;
  constexpr std::size_t longest_head = std::size_t{1} << 20;
  for (char c = 0; line.size() < longest_head && stream.get(c) && c != '\n';) line += c;
  return begins_results(line);
}

Result<int> tell_results(const TellOptions& options) {
  if (!options.budget.empty()) TRY(parse_budget(options.budget));
  StoredSession taken;
  SessionSources sources;
  const auto& [record, choices, problem] = taken;
  {
    const auto reader = TRY(Wiring::open_to_read(options.common.store));
    Store& store = reader->store();
    taken = TRY(take_up(store, options.id));
    if (choices.elsewhere.empty())
      return user_error(fmt::format(
          "session {} is judged here, and takes no results: begin one with kerf optimize PROBLEM --elsewhere FOLDER",
          record.id));
    if (record.state.status == SessionStatus::finished)
      return user_error(
          fmt::format("session {} is finished ({}); nothing more is taken in", record.id, record.state.message));
    const std::string text = TRY(read_bounded(options.answers, max_bundle_bytes));
    auto results = results_from_text(text);
    if (!results) return user_error(fmt::format("{}: {}", options.answers, results.error().message));
    if (const auto checked = check_results(store.cache(), *results, record.id, problem, choices.target); !checked)
      return user_error(fmt::format("{}: {}", options.answers, checked.error().message));
    if (results->whole < text.size())
      print_error(fmt::format("kerf: the last line of {} is not whole and is left out\n", options.answers));
    if (!same_machine(store.cache(), *results))
      print_error(
          "kerf: these results are from another machine than earlier ones: their speedups compare with care only\n");
    sources.results = std::move(results->results);
  }
  const std::size_t given = sources.results.size();
  const bool confirming =
      std::ranges::any_of(sources.results, [](const BundleResult& r) { return r.effort == Effort::confirm; });
  const bool outside = choices.synthesizer == "ask";
  if (outside) sources.answer = [](const ModelRequest&) { return std::nullopt; };
  const auto wiring = TRY(Wiring::open({.store = options.common.store, .jobs = choices.jobs, .machine = false}));
  const auto view = make_progress_view(*wiring, options.progress);
  SessionParts parts = TRY(wiring->session_parts(*view, choices, sources));
  if (outside) parts.asks = 0;
  const auto understood = TRY(understood_then(record, problem, parts));
  const auto session = TRY(Session::resume(std::move(parts), record.id, understood, options.budget));
  // Of a session whose candidates come from outside, only kerf resume has the best confirmed: it goes on with that.
  if (outside && confirming) session->abandon_proposals();
  const std::size_t before = session->nodes().size();
  const SessionResult result = run_to_end(*wiring, *session);
  const auto stale = static_cast<std::int64_t>(given - wiring->elsewhere()->used());
  if (!options.common.json) {
    std::string text;
    for (std::size_t i = before; i < session->nodes().size(); ++i) text += told_words(session->nodes()[i], record.id);
    TRY(print(text));
  }
  if (stale > 0) print_error(fmt::format("kerf: {} no news: told before\n", count_words(stale, "evaluation")));
  return hand_out(*wiring, result, *session, *understood, options.common, options.out);
}

}  // namespace kerf
