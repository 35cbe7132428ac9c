// kerf evaluate: the harness alone.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/report.h"
#include "app/run_session.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/paths.h"
#include "fleet/bundle.h"
#include "synthesize/prompt/feedback.h"
#include "target/target.h"

namespace kerf {

namespace {

Result<Language> known_language(const std::string& name) {
  for (const Language language : {Language::cpp, Language::cuda, Language::triton, Language::gluon, Language::hip}) {
    if (name == to_string(language)) return language;
  }
  return user_error(fmt::format("\"{}\" is no language: cpp, cuda, triton or gluon was expected", name));
}

Result<int> pack(const EvaluateOptions& options, const Problem& problem, const std::string& target,
                 std::vector<Candidate> candidates) {
  Bundle bundle{.session = {},
                .target = target,
                .graph = options.graph,
                .versions = {{"kerf", kerf_version}},
                .problem = problem,
                .items = {}};
  for (Candidate& candidate : candidates) {
    bundle.items.push_back({.candidate = std::move(candidate),
                            .effort = options.screen ? Effort::screen : Effort::confirm,
                            .profile = options.profile || options.ncu,
                            .ncu = options.ncu});
  }
  const std::string text = TRY(to_text(bundle));
  TRY(write_file(options.bundle, text));
  if (options.common.json) {
    TRY(print(
        nlohmann::json{
            {"schema", 1}, {"bundle", options.bundle}, {"digest", bundle.digest}, {"candidates", bundle.items.size()}}
            .dump(2) +
        "\n"));
  } else {
    TRY(print(options.bundle + "\n"));
  }
  print_error(
      fmt::format("kerf: elsewhere: kerf worker run {}\n", std::filesystem::path(options.bundle).filename().string()));
  return exit_success;
}

}  // namespace

Result<int> evaluate(const EvaluateOptions& options) {
  const Target target = TRY(load_target(options.target));
  TRY(check_graph(options.graph, target));
  std::optional<Language> asked;
  if (!options.language.empty()) asked = TRY(known_language(options.language));
  std::vector<Candidate> candidates;
  for (const std::string& path : options.candidates) {
    std::string text = TRY(read_file(path));
    const auto language = asked ? asked : language_of(path, text);
    if (!language)
      return user_error(
          fmt::format("{}: the extension names no language; .cpp, .cu or .py was expected, or --language", path));
    if (std::ranges::find(target.languages, to_string(*language)) == target.languages.end()) {
      return fail(ErrorKind::unavailable,
                  fmt::format("{} is {}, and target {} takes {}; this version has {}", path, to_string(*language),
                              target.name, fmt::join(target.languages, ", "), languages_there_are));
    }
    candidates.push_back({.text = std::move(text), .language = *language, .name = path});
  }
  const Problem problem = TRY(read_problem(options.problem));
  if (!options.bundle.empty() && options.runs > 0)
    return user_error("--runs is of what is judged here: a bundle says of each candidate only how thoroughly");
  if (!options.bundle.empty()) return pack(options, problem, target.name, std::move(candidates));
  const auto wiring = TRY(Wiring::open(
      {.store = options.common.store, .target = target.name, .graph = options.graph, .runs = options.runs}));
  const auto understood = TRY(understand(*wiring, problem));

  // In the order in which they were named, each printed as soon as it and those before it are known.
  struct State {
    std::vector<std::optional<Evaluation>> done;
    std::size_t printed = 0;
    std::optional<Error> error;
    bool interrupted = false;
  };
  State state;
  state.done.resize(candidates.size());
  Loop& loop = wiring->loop();
  const auto flush = [&]() -> Result<> {
    for (; state.printed < state.done.size() && state.done[state.printed]; ++state.printed) {
      const Evaluation& evaluation = *state.done[state.printed];
      const std::string& name = candidates[state.printed].name;
      if (options.common.json) {
        nlohmann::json json = to_json(evaluation);
        json["file"] = name;
        TRY(print(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
      } else if (options.for_model) {
        TRY(print((state.printed > 0 ? "\n" : "") + feedback(evaluation, candidates[state.printed])));
      } else if (options.diagnosis) {
        TRY(print(fmt::format("{}{}\n{}", state.printed > 0 ? "\n" : "", name, diagnosis_text(evaluation))));
      } else {
        TRY(print(fmt::format("{}{}\n{}", state.printed > 0 ? "\n" : "", name, evaluation_text(evaluation))));
      }
    }
    return {};
  };
  loop.on_interrupt([&] {
    state.interrupted = true;
    wiring->evaluator().cancel_all();
    loop.stop();
  });
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    wiring->evaluator().submit(candidates[i],
                               {.problem = understood,
                                .effort = options.screen ? Effort::screen : Effort::confirm,
                                .profile = options.profile || options.ncu,
                                .ncu = options.ncu,
                                .remeasure = false},
                               [&, i](Result<Evaluation> evaluation) {
                                 if (state.error || state.interrupted) return;
                                 if (evaluation)
                                   state.done[i] = std::move(*evaluation);
                                 else
                                   state.error = std::move(evaluation).error();
                                 if (const auto flushed = flush(); !flushed && !state.error)
                                   state.error = flushed.error();
                                 if (state.error || state.printed == state.done.size()) loop.stop();
                               });
  }
  if (!candidates.empty()) loop.run();
  if (state.interrupted) {
    print_error(fmt::format("kerf: interrupted after {} of {} candidates\n", state.printed, candidates.size()));
    leave_soon(exit_interrupted);
    return exit_interrupted;
  }
  if (state.error) return std::unexpected(*state.error);
  return exit_success;
}

}  // namespace kerf
