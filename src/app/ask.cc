// kerf ask, kerf tell: the loop with candidates that come from outside, by hand or from an agent, in files.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "app/commands.h"
#include "app/console.h"
#include "app/elsewhere.h"
#include "app/exit.h"
#include "app/expansion_meta.h"
#include "app/report.h"
#include "app/run_session.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/paths.h"
#include "candidate/extension.h"
#include "session/recording.h"
#include "synthesize/model/model_json.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

struct Outside {
  SessionRecord record;
  SessionOptions choices;
  std::shared_ptr<const Understood> problem;
  [[nodiscard]] Language language() const { return language_from(choices.language).value_or(Language::cpp); }
};

Result<Outside> open_outside(const CommonOptions& common, const std::string& id) {
  const auto reader = TRY(Wiring::open_to_read(common.store));
  auto [record, choices, problem] = TRY(take_up(reader->store(), id));
  if (choices.synthesizer != "ask" && !choices.elsewhere.empty()) {
    return user_error(fmt::format(
        "session {} is judged elsewhere: it takes in the results that kerf worker run writes, and nothing else",
        record.id));
  }
  if (choices.synthesizer != "ask") {
    return user_error(fmt::format(
        "session {} has its candidates written by {}: begin one with kerf optimize PROBLEM --synthesizer ask",
        record.id, choices.synthesizer));
  }
  if (record.state.status == SessionStatus::finished)
    return user_error(
        fmt::format("session {} is finished ({}); nothing more is taken in: begin another with kerf optimize "
                    "PROBLEM --synthesizer ask",
                    record.id, record.state.message));
  auto understood =
      std::make_shared<const Understood>(TRY(understood_from_json(record.understood, std::move(problem))));
  return Outside{.record = std::move(record), .choices = std::move(choices), .problem = std::move(understood)};
}

std::string folder_name(Purpose purpose) {
  return purpose.attempt == 0 ? fmt::format("{}", purpose.expansion)
                              : fmt::format("{}-{}", purpose.expansion, purpose.attempt);
}

std::string prompt_text(const ModelRequest& request) {
  std::string text;
  for (const Part& part : request.system) text += part.text;
  for (const Message& message : request.messages) {
    if (request.messages.size() > 1)
      text += fmt::format("\n--- {} ---\n", message.role == Speaker::user ? "you are told" : "you answered");
    else
      text += "\n";
    for (const Part& part : message.parts) text += part.text;
  }
  return text.ends_with('\n') ? text : text + "\n";
}

Result<> write_expansion(const fs::path& folder, const SessionId& session, const std::string& problem,
                         Language language, const ModelRequest& request) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) return user_error(fmt::format("cannot create {}: {}", folder.string(), code.message()));
  TRY(write_file(folder / "prompt.md", prompt_text(request)));
  return write_file(folder / "meta.json",
                    to_text({.session = session, .purpose = request.purpose}, problem, language, request.digest()));
}

// An answer in a folder: reply.md as it is, or a source file as a reply that holds nothing else.
Result<std::optional<std::string>> answer_in(const fs::path& folder, Language language) {
  std::error_code code;
  if (fs::is_regular_file(folder / "reply.md", code)) return TRY(read_file(folder / "reply.md"));
  for (const char* name : {"kernel", "candidate"}) {
    const fs::path file = folder / (name + std::string(extension(language)));
    if (!fs::is_regular_file(file, code)) continue;
    const std::string source = TRY(read_file(file));
    std::string fence = "```";
    while (source.find(fence) != std::string::npos) fence += "`";
    return fence + to_string(language) + "\n" + source + (source.ends_with('\n') ? "" : "\n") + fence + "\n";
  }
  return std::nullopt;
}

struct Answers {
  std::map<std::pair<std::uint64_t, int>, std::string> texts;
  fs::path root;
  int empty = 0;  // expansions without an answer
};

Result<> take_folder(const fs::path& folder, const SessionId& session, Language language, Answers& answers) {
  const std::string where = (folder / "meta.json").string();
  const std::string text = TRY(read_file(where));
  const ExpansionMeta meta = TRY(expansion_meta_from_text(text, where));
  if (meta.session != session)
    return user_error(fmt::format("{} is of session {}, not of {}", where, meta.session, session));
  const std::optional<std::string> answer = TRY(answer_in(folder, language));
  if (answer)
    answers.texts[{meta.purpose.expansion, meta.purpose.attempt}] = *answer;
  else
    ++answers.empty;
  return {};
}

Result<Answers> read_answers(const std::string& path, const SessionId& session, Language language) {
  std::error_code code;
  fs::path folder = path;
  if (fs::is_regular_file(folder, code)) folder = fs::absolute(folder).parent_path();
  if (!fs::is_directory(folder, code)) return user_error(fmt::format("{}: no such file or folder", path));
  Answers answers;
  if (fs::is_regular_file(folder / "meta.json", code)) {
    answers.root = fs::absolute(folder).parent_path();
    TRY(take_folder(folder, session, language, answers));
    return answers;
  }
  answers.root = folder;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (fs::is_regular_file(entry.path() / "meta.json", code)) folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  if (folders.empty())
    return user_error(fmt::format("{} holds no folder with a meta.json, as kerf ask writes them", path));
  for (const fs::path& each : folders) TRY(take_folder(each, session, language, answers));
  return answers;
}

// Whether something is to be judged before more can be asked for: the first plan, or what was written when the session
// was left.
Result<bool> is_left_unjudged(Store& store, const SessionId& id, const std::vector<SearchEvent>& events) {
  if (TRY(store.nodes(id, {.limit = 1})).items.empty()) return true;
  std::map<ExpansionId, bool> in_flight;  // and whether its candidate is written
  for (const SearchEvent& event : events) {
    const ExpansionId expansion = expansion_of(event);
    if (std::holds_alternative<Told>(event) || std::holds_alternative<Cancelled>(event))
      in_flight.erase(expansion);
    else
      in_flight[expansion] = std::holds_alternative<Proposed>(event);
  }
  for (const auto& [expansion, written] : in_flight) {
    if (written || TRY(store.exchange(id, {.expansion = expansion}))) return true;
  }
  return false;
}

}  // namespace

Result<int> ask(const AskOptions& options) {
  const Outside outside = TRY(open_outside(options.common, options.id));
  const fs::path root = options.out.empty() ? fs::path("kerf-ask") / outside.record.id : fs::path(options.out);
  const bool elsewhere = !outside.choices.elsewhere.empty();
  const auto wiring = TRY(Wiring::open({.store = options.common.store,
                                        .jobs = outside.choices.jobs,
                                        .machine = !elsewhere,
                                        .target = outside.choices.target,
                                        .graph = outside.choices.graph}));
  SilentView view;
  std::vector<std::string> written, open;
  Result<> failed;
  SessionSources sources;
  std::set<std::uint64_t> known;
  sources.answer = [&](const ModelRequest& request) -> std::optional<ModelReply> {
    const fs::path folder = root / folder_name(request.purpose);
    if (Result<> done = write_expansion(folder, outside.record.id, outside.record.problem, outside.language(), request);
        !done && failed)
      failed = std::move(done);
    (known.contains(request.purpose.expansion) ? open : written).push_back(folder.string());
    return std::nullopt;
  };
  SessionOptions choices = outside.choices;
  SessionParts parts = TRY(wiring->session_parts(view, choices, sources));
  parts.target_facts = outside.record.understood.value("target", nlohmann::json());
  parts.asks = options.n;
  const auto events = TRY(wiring->store().events(outside.record.id));
  for (const SearchEvent& event : events) known.insert(expansion_of(event));
  auto problem = outside.problem;
  if (!elsewhere && TRY(is_left_unjudged(wiring->store(), outside.record.id, events)))
    problem = TRY(understand_again(*wiring, outside.record, outside.problem->problem, parts));
  const auto session = TRY(Session::resume(std::move(parts), outside.record.id, problem, ""));
  const SessionResult result = run_to_end(*wiring, *session);
  TRY(failed);
  if (result.error) return std::unexpected(*result.error);
  if (options.common.json) {
    TRY(print(
        nlohmann::json{{"schema", 1}, {"session", outside.record.id}, {"asked", written}, {"open", open}}.dump(2) +
        "\n"));
    return exit_success;
  }
  std::string text;
  for (const std::string& folder : written) text += folder + "\n";
  TRY(print(text));
  if (written.empty()) {
    print_error(fmt::format(
        "kerf: nothing more is asked for: {}\n",
        result.stopped.by == "waiting" ? "the tree has no more to offer until something is told" : result.stopped.why));
  }
  if (!open.empty())
    print_error(fmt::format("kerf: {} from before still open\n",
                            count_words(static_cast<std::int64_t>(open.size()), "expansion")));
  print_error(fmt::format("kerf: answer beside each prompt.md (reply.md or kernel{}), then: kerf tell {} {}\n",
                          extension(outside.language()), outside.record.id, root.string()));
  return exit_success;
}

Result<int> tell(const TellOptions& options) {
  if (are_results(options.answers)) return tell_results(options);
  const Outside outside = TRY(open_outside(options.common, options.id));
  const Answers answers = TRY(read_answers(options.answers, outside.record.id, outside.language()));
  const bool elsewhere = !outside.choices.elsewhere.empty();
  const auto wiring = TRY(Wiring::open({.store = options.common.store,
                                        .jobs = outside.choices.jobs,
                                        .machine = !elsewhere,
                                        .target = outside.choices.target,
                                        .graph = outside.choices.graph}));
  const auto view = make_progress_view(*wiring, options.progress);
  std::set<std::pair<std::uint64_t, int>> used;
  std::vector<std::string> followed;
  Result<> failed;
  SessionSources sources;
  sources.answer = [&](const ModelRequest& request) -> std::optional<ModelReply> {
    const std::pair purpose(request.purpose.expansion, request.purpose.attempt);
    if (const auto found = answers.texts.find(purpose); found != answers.texts.end()) {
      used.insert(purpose);
      ModelReply reply;
      reply.text = found->second;
      reply.model = "ask";
      reply.usage.usd = 0;  // what an agent costs is not kerf's bill
      return reply;
    }
    if (request.purpose.attempt > 0) {  // the answer could not be used: what was wrong with it, as a further prompt
      const fs::path folder = answers.root / folder_name(request.purpose);
      if (Result<> done =
              write_expansion(folder, outside.record.id, outside.record.problem, outside.language(), request);
          !done && failed)
        failed = std::move(done);
      followed.push_back(folder.string());
    }
    return std::nullopt;
  };
  SessionParts parts = TRY(wiring->session_parts(*view, outside.choices, sources));
  parts.asks = 0;
  // The oracle has to know it before it can judge.
  const auto problem = elsewhere ? TRY(understood_then(outside.record, outside.problem->problem, parts))
                                 : TRY(understand_again(*wiring, outside.record, outside.problem->problem, parts));
  const auto session = TRY(Session::resume(std::move(parts), outside.record.id, problem, ""));
  const auto before = static_cast<NodeIndex>(session->nodes().size());
  const SessionResult result = run_to_end(*wiring, *session);
  TRY(failed);
  if (result.error) return std::unexpected(*result.error);
  const std::string bundle = TRY(write_awaited(*wiring, *session, problem->problem));
  const auto stale = static_cast<std::int64_t>(answers.texts.size() - used.size());
  if (options.common.json) {
    nlohmann::json json = {{"schema", 1},    {"session", outside.record.id}, {"told", nlohmann::json::array()},
                           {"known", stale}, {"open", session->waiting()},   {"asked", followed}};
    if (!bundle.empty()) json["bundle"] = bundle;
    for (std::size_t i = static_cast<std::size_t>(before); i < session->nodes().size(); ++i) {
      const SessionNode& node = session->nodes()[i];
      json["told"].push_back({{"expansion", node.expansion.id},
                              {"node", node_name(outside.record.id, node.index)},
                              {"evaluation", to_json(node.evaluation)}});
    }
    TRY(print(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    return exit_success;
  }
  std::string text;
  for (std::size_t i = static_cast<std::size_t>(before); i < session->nodes().size(); ++i) {
    const SessionNode& node = session->nodes()[i];
    text += fmt::format("expansion {}: node {}, {}\n", node.expansion.id, node_name(outside.record.id, node.index),
                        verdict_words(node.evaluation));
  }
  for (const std::string& folder : followed) text += fmt::format("could not be used; why, in {}\n", folder);
  if (!bundle.empty()) text += fmt::format("to judge elsewhere: {}\n", bundle);
  TRY(print(text));
  if (stale > 0) print_error(fmt::format("kerf: {} no news: told before\n", count_words(stale, "answer")));
  if (!session->waiting().empty())
    print_error(fmt::format("kerf: {} still open\n",
                            count_words(static_cast<std::int64_t>(session->waiting().size()), "expansion")));
  print_error(fmt::format("kerf: more: kerf ask {}; to have the best confirmed and handed over: kerf resume {}\n",
                          outside.record.id, outside.record.id));
  return exit_success;
}

}  // namespace kerf
