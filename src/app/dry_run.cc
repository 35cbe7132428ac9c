// kerf optimize --dry-run
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/run_session.h"
#include "app/synthesizer_factory.h"
#include "app/wiring.h"
#include "app/words.h"
#include "base/paths.h"
#include "candidate/extension.h"
#include "synthesize/builtin/builtin.h"
#include "synthesize/identity.h"
#include "synthesize/mixed_synthesizer.h"
#include "synthesize/model/model_json.h"
#include "synthesize/prompt/part.h"
#include "target/target.h"

namespace kerf {

namespace {

constexpr int hidden_variants = 4;
constexpr std::int64_t assumed_reply = 4'000;  // tokens, where no reply of the model is in the store

std::string text_of(const std::vector<Part>& parts) {
  std::string text;
  for (const Part& part : parts) text += part.text;
  return text;
}

// The number before "candidates" in a budget.
std::optional<std::int64_t> candidates_of(std::string_view budget) {
  while (!budget.empty()) {
    const std::string_view one = budget.substr(0, budget.find(','));
    std::int64_t n = 0;
    const auto [end, code] = std::from_chars(one.data(), one.data() + one.size(), n);
    if (code == std::errc{} && std::string_view(end, one.data() + one.size()).starts_with("candidate")) return n;
    budget.remove_prefix(std::min(budget.size(), one.size() + 1));
  }
  return std::nullopt;
}

// The median reply of this model, over the newest sessions of the store.
Result<std::optional<std::int64_t>> typical_reply(Store& store, const std::string& model) {
  std::vector<std::int64_t> tokens;
  for (const SessionRecord& session : TRY(store.sessions({.limit = 20, .after = {}})).items) {
    for (const ExchangeRecord& e : TRY(store.exchanges(session.id, {.limit = 200, .after = {}})).items) {
      const ModelReply& reply = e.exchange.reply;
      if (e.exchange.model == model && reply.finish != Finish::failed && reply.usage.tokens_out > 0)
        tokens.push_back(reply.usage.tokens_out);
    }
  }
  if (tokens.empty()) return std::nullopt;
  std::ranges::nth_element(tokens, tokens.begin() + static_cast<std::ptrdiff_t>(tokens.size() / 2));
  return tokens[tokens.size() / 2];
}

// What the built-in synthesizer begins with, as files: the identity plan, its sketches, and changes of the best of them
// for a kernel that memory bounds. Nothing is drawn or run, so that sizes may be another machine's.
Result<int> write_only(const OptimizeOptions& options, const SessionOptions& choices, const Problem& problem) {
  const auto wiring = TRY(Wiring::open({.store = ":memory:", .jobs = 1, .target = choices.target, .judges = false}));
  const std::unique_ptr<Synthesizer> synthesizer = make_builtin_synthesizer();
  SynthesisRequest request;
  request.problem = std::make_shared<const Understood>(TRY(wait_for<Understood>(
      wiring->loop(), [&oracle = wiring->oracle(), problem] { return oracle.trace(problem, hidden_variants); })));
  request.target = to_json(TRY(load_target(choices.target)));
  request.target["machine"] = to_json(detect_machine());
  request.target["threads"] = wiring->threads();
  request.language = language_from(choices.language).value_or(Language::cpp);
  std::vector<Proposal> written;
  {
    Proposal identity{.candidate = TRY(identity_plan(*request.problem, request.language)), .move = "identity"};
    identity.rationale = "the reference's own operators, called one by one";
    written.push_back(std::move(identity));
  }
  const std::int64_t most = candidates_of(choices.budget).value_or(16);
  while (static_cast<std::int64_t>(written.size()) <= most) {
    request.seed = written.size();
    request.tried.push_back(written.back().candidate.id());
    if (written.size() == 2) {  // the first sketch
      Recalled first{.node = 1, .candidate = written.back().candidate};
      first.recipe = written.back().recipe;
      first.evaluation.diagnosis.bound = Bound::memory;
      request.memory = MemoryOperator::inherit;
      request.ancestors = {std::move(first)};
    }
    Result<std::optional<Proposal>> reply = std::optional<Proposal>();
    synthesizer->propose(request, [&](Result<std::optional<Proposal>> made) { reply = std::move(made); });
    std::optional<Proposal> proposal = TRY(std::move(reply));
    if (!proposal) break;
    written.push_back(*std::move(proposal));
  }
  std::string name = problem.id;
  std::ranges::replace(name, '/', '-');
  const std::filesystem::path folder =
      options.out.empty() ? std::filesystem::path("kerf-out") / name : std::filesystem::path(options.out);
  std::error_code code;
  std::filesystem::create_directories(folder, code);  // write_file says what is wrong
  nlohmann::json files = nlohmann::json::array();
  for (std::size_t i = 0; i < written.size(); ++i) {
    const Proposal& p = written[i];
    const auto path = folder / fmt::format("{:02}-{}{}", i, p.move, extension(p.candidate.language));
    TRY(write_file(path, p.candidate.text));
    files.push_back({{"path", path.string()}, {"move", p.move}, {"rationale", p.rationale}});
  }
  if (options.common.json) {
    TRY(print(nlohmann::json{{"schema", 1}, {"problem", problem.id}, {"files", files}}.dump(2) + "\n"));
    return exit_success;
  }
  std::string text;
  for (const auto& file : files)
    text += fmt::format("{}  {}\n", file["path"].get<std::string>(), file["rationale"].get<std::string>());
  TRY(print(text));
  return exit_success;
}

}  // namespace

Result<int> dry_run(const OptimizeOptions& options, const SessionOptions& asked, const Problem& problem) {
  SessionOptions choices = asked;
  std::string model;
  for (const SynthesizerSpec& spec : TRY(parse_synthesizers(choices.synthesizer))) {
    if (model.empty() && takes_prompts(spec.name)) model = spec.name;
  }
  if (model.empty() && choices.synthesizer == "builtin") return write_only(options, choices, problem);
  if (model.empty())
    return user_error(fmt::format("--dry-run: --synthesizer {} asks no model and costs nothing", choices.synthesizer));
  choices.synthesizer = model;
  choices.jobs = 1;
  std::optional<std::int64_t> typical;
  {
    const auto reader = TRY(Wiring::open({.store = options.common.store, .machine = false}));
    typical = TRY(typical_reply(reader->store(), model));
  }
  std::optional<ModelRequest> first;
  SessionSources sources;
  sources.answer = [&](const ModelRequest& request) -> std::optional<ModelReply> {
    if (!first) first = request;
    return std::nullopt;
  };
  const auto wiring = TRY(Wiring::open({.store = ":memory:", .jobs = 1, .target = choices.target}));
  const auto view = make_progress_view(*wiring, options.search.progress);
  SessionParts parts = TRY(wiring->session_parts(*view, choices, sources));
  parts.asks = 2;  // the identity plan, whose evaluation the first prompt tells of, and the first candidate
  const auto understood = TRY(understand(*wiring, problem));
  const auto session = TRY(Session::start(std::move(parts), choices, understood));
  const SessionResult result = run_to_end(*wiring, *session);
  if (result.error) return std::unexpected(*result.error);
  if (!first)
    return user_error(fmt::format("no prompt was composed: the session stopped because {}", result.stopped.why));

  std::string prompt = text_of(first->system) + "\n";
  for (const Message& message : first->messages) prompt += text_of(message.parts);
  if (!prompt.ends_with('\n')) prompt += '\n';
  const std::int64_t in = estimate_tokens(prompt);
  const std::int64_t out = std::min(typical.value_or(assumed_reply), choices.max_tokens);
  const std::int64_t calls = candidates_of(choices.budget).value_or(10);
  const std::optional<Price> price = price_of(wiring->prices(), model, choices.base_url);
  const auto cost = [&](std::int64_t reply) -> std::optional<double> {
    if (!price || (model.starts_with("batch") && !price->batch)) return std::nullopt;
    const double batch = model.starts_with("batch") ? *price->batch : 1;
    return static_cast<double>(calls) * batch *
           (static_cast<double>(in) * price->input + static_cast<double>(reply) * price->output) / 1e6;
  };
  const auto dollars = [](std::optional<double> usd) { return usd ? usd_words(*usd) : std::string("price unknown"); };
  if (options.common.json) {
    const auto or_null = [](std::optional<double> usd) { return usd ? nlohmann::json(*usd) : nlohmann::json(nullptr); };
    TRY(print(nlohmann::json{
                  {"schema", 1},
                  {"problem", problem.id},
                  {"model", model},
                  {"request", to_json(*first)},
                  {"calls", calls},
                  {"tokens_in", calls * in},
                  {"typical", {{"tokens_out", calls * out}, {"usd", or_null(cost(out))}}},
                  {"most", {{"tokens_out", calls * choices.max_tokens}, {"usd", or_null(cost(choices.max_tokens))}}}}
                  .dump(2) +
              "\n"));
    return exit_success;
  }
  TRY(print(prompt));
  print_error(fmt::format(
      "\n--- this prompt: about {} tokens; nobody was asked\n"
      "{} with {}, one call each (corrections and repairs are further calls):\n"
      "  {} tokens in, no discount for caching\n"
      "  {} tokens out if replies are {} tokens ({}): {}\n"
      "  {} tokens out at most (--max-tokens {}): {}\n",
      in, candidates_of(choices.budget) ? count_words(calls, "candidate") : "every 10 candidates", model, calls * in,
      calls * out, out, typical ? "the median of this model's replies in the store" : "assumed: the store has none",
      dollars(cost(out)), calls * choices.max_tokens, choices.max_tokens, dollars(cost(choices.max_tokens))));
  return exit_success;
}

}  // namespace kerf
