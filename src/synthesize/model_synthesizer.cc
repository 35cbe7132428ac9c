#include "synthesize/model_synthesizer.h"

#include "candidate/extension.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "synthesize/model/spend.h"
#include "synthesize/prompt/feedback.h"
#include "synthesize/prompt/fence.h"
#include "synthesize/reply/lines.h"
#include "synthesize/reply/normal_text.h"
#include "synthesize/reply/reply.h"

namespace kerf {
namespace {

using json = nlohmann::json;

constexpr const char* no_text = "(no text)";  // providers refuse empty messages

Message message(Speaker role, std::string text) {
  return {.role = role, .parts = {Part{.text = std::move(text), .cache = false}}};
}

json to_recipe(const std::vector<Message>& messages) {
  json all = json::array();
  for (const Message& m : messages) {
    json parts = json::array();
    for (const Part& part : m.parts) parts.push_back({{"text", part.text}, {"cache", part.cache}});
    all.push_back({{"role", m.role == Speaker::user ? "user" : "assistant"}, {"parts", std::move(parts)}});
  }
  return all;
}

// nullopt if it is no conversation that ended with a reply.
std::optional<std::vector<Message>> from_recipe(const json& all) {
  try {
    std::vector<Message> messages;
    for (const json& m : all) {
      const auto role = m.at("role").get<std::string>() == "user" ? Speaker::user : Speaker::assistant;
      if ((role == Speaker::user) != (messages.size() % 2 == 0)) return std::nullopt;
      Message read{.role = role, .parts = {}};
      for (const json& part : m.at("parts"))
        read.parts.push_back({.text = part.at("text").get<std::string>(), .cache = part.at("cache").get<bool>()});
      messages.push_back(std::move(read));
    }
    if (messages.empty() || messages.size() % 2 != 0) return std::nullopt;
    return messages;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

// JSON, hence the store and the providers, takes UTF-8 only; a model's bytes may be anything.
std::string as_utf8(std::string_view text) {
  const json dumped = json::parse(json(text).dump(-1, ' ', false, json::error_handler_t::replace));
  return dumped.get<std::string>();
}

class ModelSynthesizer final : public Synthesizer {
 public:
  ModelSynthesizer(std::unique_ptr<Model> model, PromptTexts texts, ModelSynthesizerOptions options)
      : model_(std::move(model)), texts_(std::move(texts)), options_(std::move(options)) {}
  ~ModelSynthesizer() override {
    for (const auto& [ticket, flight] : flights_) model_->cancel(flight.model_ticket);
  }

  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    const Ticket ticket = ++tickets_;
    Flight& flight = flights_[ticket];
    flight.request = request;
    flight.reply = std::move(reply);
    flight.known = known_.size();
    flight.attempt = request.first_attempt;
    if (!request.ancestors.empty() && !request.ancestors.front().candidate.text.empty())
      flight.base = request.ancestors.front().candidate;
    Prompt prompt = compose(request, texts_, options_.prompt);
    flight.system = std::move(prompt.system);
    if (auto before = conversation_of(request)) {
      flight.messages = *std::move(before);
      flight.messages.push_back(message(Speaker::user, repair_text(request.ancestors.front())));
    } else {
      flight.messages.push_back(std::move(prompt.message));
      flight.shortened = std::move(prompt.shortened);
    }
    ask(ticket);
    return ticket;
  }

  void cancel(Ticket ticket) override {
    const auto it = flights_.find(ticket);
    if (it == flights_.end()) return;
    const auto model_ticket = it->second.model_ticket;
    flights_.erase(it);
    model_->cancel(model_ticket);
  }

  void learn(const SynthesisRequest&, const Proposal& proposal, const Evaluation& evaluation) override {
    known_.emplace_back(normal_digest(proposal.candidate),
                        fmt::format("its verdict was {}", to_string(evaluation.verdict)));
  }

  [[nodiscard]] std::string name() const override { return model_->name(); }
  [[nodiscard]] int repairs() const override { return options_.repairs; }
  [[nodiscard]] int fruitless() const override { return 4; }  // a model may be luckier next time

 private:
  struct Flight {
    SynthesisRequest request;
    Reply reply;
    std::vector<Part> system;
    std::vector<Message> messages;
    std::vector<Shortened> shortened;
    std::optional<Candidate> base;  // what an edit would be of
    std::size_t known = 0;          // how many of known_ there were: a replay must not know more
    int attempt = 0, corrections = 0;
    Usage usage;
    Model::Ticket model_ticket = 0;
  };

  // That in which the parent was written, if it failed and this model wrote it.
  [[nodiscard]] std::optional<std::vector<Message>> conversation_of(const SynthesisRequest& request) const {
    if (request.ancestors.empty()) return std::nullopt;
    const Recalled& parent = request.ancestors.front();
    if (parent.evaluation.verdict == Verdict::measured || !parent.recipe.is_object()) return std::nullopt;
    const auto model = parent.recipe.find("model"), messages = parent.recipe.find("messages");
    if (model == parent.recipe.end() || *model != name() || messages == parent.recipe.end()) return std::nullopt;
    return from_recipe(*messages);
  }

  static std::string repair_text(const Recalled& parent) {
    if (parent.evaluation.rule == "repetition") {
      return fmt::format(
          "Your last candidate is no news, and was not run: {}. (It is the parent now, and what an edit would be of.) "
          "Write something that differs in what it does.\n",
          quote(parent.evaluation.message.value_or("another candidate has its code"), 300));
    }
    return fmt::format(
        "Your last candidate failed (it is the parent now, and what an edit would be of).\n{}\nRepair it: keep its "
        "idea, mend what is wrong.\n",
        feedback(parent.evaluation, parent.candidate));
  }

  // The reply may come before complete() returns, and may end the flight.
  void ask(Ticket ticket) {
    const Flight& flight = flights_.at(ticket);
    if (flight.attempt > 0 && flight.request.may_call && !flight.request.may_call(flight.attempt))
      return finish(ticket, std::optional<Proposal>());
    const ModelRequest request{.purpose = {.expansion = flight.request.expansion, .attempt = flight.attempt},
                               .system = flight.system,
                               .messages = flight.messages,
                               .settings = options_.settings};
    const int attempt = flight.attempt;
    const Model::Ticket model_ticket =
        model_->complete(request, [this, ticket](Result<ModelReply> reply) { answered(ticket, std::move(reply)); });
    const auto it = flights_.find(ticket);
    if (it != flights_.end() && it->second.attempt == attempt) it->second.model_ticket = model_ticket;
  }

  void answered(Ticket ticket, Result<ModelReply> reply) {
    const auto it = flights_.find(ticket);
    if (it == flights_.end()) return;
    if (!reply) {
      Error error = std::move(reply).error();
      // One request that the provider does not take is no reason to end the session: more of them in a row are.
      if (error.kind == ErrorKind::user) error.kind = ErrorKind::system;
      return finish(ticket, std::unexpected(std::move(error)));
    }
    Flight& flight = it->second;
    reply->text = as_utf8(reply->text);
    add(flight.usage, *reply);
    flight.messages.push_back(message(Speaker::assistant, reply->text.empty() ? no_text : reply->text));
    ReadReply read = read_reply(*reply, context_of(flight));
    if (auto* written = std::get_if<Written>(&read)) return finish(ticket, proposal_of(flight, std::move(*written)));
    auto& unusable = std::get<Unusable>(read);
    if (flight.corrections++ >= options_.corrections) return finish(ticket, std::optional<Proposal>());
    ++flight.attempt;
    flight.messages.push_back(message(Speaker::user, correction_text(unusable)));
    if (unusable.candidate) flight.base = std::move(unusable.candidate);
    ask(ticket);
  }

  void finish(Ticket ticket, Result<std::optional<Proposal>> result) {
    const auto it = flights_.find(ticket);
    Reply reply = std::move(it->second.reply);
    flights_.erase(it);
    reply(std::move(result));
  }

  [[nodiscard]] std::string candidate_name(const Flight& flight) const {
    return fmt::format("expansion{}{}", flight.request.expansion,
                       extension(language_from(texts_.language).value_or(Language::cpp)));
  }

  [[nodiscard]] ReplyContext context_of(const Flight& flight) const {
    const json& target = flight.request.target;
    const auto threads = target.is_object() ? target.find("threads") : target.end();
    return {.language = language_from(texts_.language).value_or(Language::cpp),
            .name = candidate_name(flight),
            .base = flight.base ? &*flight.base : nullptr,
            .problem = flight.request.problem.get(),
            .threads =
                target.is_object() && threads != target.end() && threads->is_number_integer() ? threads->get<int>() : 0,
            .known = [this, &flight](const Candidate& candidate) { return known(flight, candidate); }};
  }

  // Whether the session has it, by its text or by what is left of it without comments and layout.
  [[nodiscard]] std::optional<std::string> known(const Flight& flight, const Candidate& candidate) const {
    const std::string digest = normal_digest(candidate);
    for (const auto* nodes : {&flight.request.ancestors, &flight.request.siblings}) {
      for (const Recalled& node : *nodes) {
        if (normal_digest(node.candidate) != digest) continue;
        return fmt::format("it is node {}, whose verdict was {}; write something else", node.node,
                           to_string(node.evaluation.verdict));
      }
    }
    for (std::size_t i = 0; i < flight.known; ++i)
      if (known_[i].first == digest)
        return fmt::format("it was written before, and {}; write something else", known_[i].second);
    const std::string id = candidate.id();
    if (std::ranges::find(flight.request.tried, id) != flight.request.tried.end())
      return "it was written before in this session; write something else";
    return std::nullopt;
  }

  [[nodiscard]] std::string correction_text(const Unusable& unusable) const {
    std::string out = "Your reply could not be used, and nothing was evaluated.\n";
    if (unusable.fault == ReplyFault::bad_plan) {
      out += "The candidate is refused before it runs";
      if (unusable.at) out += fmt::format(", at line {}, column {}", unusable.at->line, unusable.at->column);
      out += fmt::format(":\n{}", fence(unusable.message, "text"));
      if (unusable.at && unusable.candidate) {
        const auto lines = split_lines(unusable.candidate->text);
        const int last = std::min(static_cast<int>(lines.size()), unusable.at->line + 2);
        const int first = std::max(1, unusable.at->line - 2);
        std::string around;
        for (int i = first; i <= last; ++i) around += std::string(lines[static_cast<std::size_t>(i - 1)]) + "\n";
        if (!around.empty()) out += fence(numbered(around, first), texts_.language);
      }
      out += "Send it again, mended: the whole source, or an edit of the candidate that you just sent.\n";
    } else {
      out += fence(unusable.message, "text");
      out += "Send the candidate again, in one of the two forms.\n";
    }
    return out;
  }

  [[nodiscard]] std::optional<Proposal> proposal_of(const Flight& flight, Written written) const {
    Proposal proposal;
    proposal.candidate = std::move(written.candidate);
    proposal.rationale = std::move(written.rationale);
    proposal.usage = flight.usage;
    // The reply itself is no part of what was sent.
    const std::vector<Message> sent(flight.messages.begin(), flight.messages.end() - 1);
    proposal.prompt = prompt_text(flight.system, sent);
    proposal.recipe = {{"model", name()},
                       {"turns", flight.corrections + 1},
                       {"form", written.edited ? "edit" : "source"},
                       {"messages", to_recipe(flight.messages)}};
    json shortened = json::array();
    for (const Shortened& s : flight.shortened) shortened.push_back({{"part", s.part}, {"what", s.what}});
    if (!shortened.empty()) proposal.recipe["shortened"] = std::move(shortened);
    return proposal;
  }

  std::unique_ptr<Model> model_;
  PromptTexts texts_;
  ModelSynthesizerOptions options_;
  Ticket tickets_ = 0;
  std::map<Ticket, Flight> flights_;
  std::vector<std::pair<std::string, std::string>> known_;  // normal digest, what came of it; in the order of learning
};

}  // namespace

std::unique_ptr<Synthesizer> make_model_synthesizer(std::unique_ptr<Model> model, PromptTexts texts,
                                                    ModelSynthesizerOptions options) {
  return std::make_unique<ModelSynthesizer>(std::move(model), std::move(texts), std::move(options));
}

}  // namespace kerf
