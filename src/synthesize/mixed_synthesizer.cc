#include "synthesize/mixed_synthesizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/random.h"
#include "base/text.h"
#include "synthesize/bandit.h"

namespace kerf {
namespace {

using json = nlohmann::json;

// An evaluation is not free either: what a candidate costs besides its calls, so that the built-in synthesizer is no
// bargain at any gain.
constexpr double usd_per_candidate = 0.002;
// A member whose candidates gain nothing is believed to gain this much for the price of one candidate.
constexpr double believed_gain = 0.05;  // log speedup
constexpr double believed_tries = 3;

// The log speedup that a proposal brought over its parent, or over eager where it had none; 0 to 1.
double gain_of(const SynthesisRequest& request, const Evaluation& evaluation) {
  if (evaluation.verdict != Verdict::measured || !evaluation.receipt || evaluation.receipt->quarantined) return 0;
  const auto it = evaluation.receipt->speedup.find("eager");
  if (it == evaluation.receipt->speedup.end() || !(it->second.value > 0)) return 0;
  double before = 0;
  for (const Recalled& ancestor : request.ancestors) {  // of a repair: the nearest that was right
    if (ancestor.evaluation.verdict != Verdict::measured) continue;
    before = ancestor.log_speedup;
    break;
  }
  return std::clamp(std::log(it->second.value) - before, 0.0, 1.0);
}

class Mixed final : public Synthesizer {
 public:
  Mixed(std::vector<MixedMember> members, std::string text) : text_(std::move(text)) {
    for (MixedMember& member : members) {
      members_.push_back({.synthesizer = std::move(member.synthesizer), .weight = member.weight});
      members_.back().name = members_.back().synthesizer->name();
    }
  }

  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    const Ticket ticket = ++tickets_;
    Flight& flight = flights_.try_emplace(ticket, Random(request.seed)).first->second;
    flight.request = request;
    flight.reply = std::move(reply);
    flight.left.assign(members_.size(), true);
    flight.shares = propensities();  // as of now: what is learned meanwhile does not change the choice
    ask(ticket);
    return ticket;
  }

  void cancel(Ticket ticket) override {
    const auto it = flights_.find(ticket);
    if (it == flights_.end()) return;
    const std::size_t member = it->second.member;
    const Ticket inner = it->second.inner;
    flights_.erase(it);
    members_[member].synthesizer->cancel(inner);
  }

  // A member pays for whatever it was asked, also where nothing came of it and another one wrote.
  void charge(std::span<const Charge> calls) override {
    for (Member& member : members_) {
      bool called = false;
      for (const Charge& call : calls) {
        if (call.model != member.name) continue;
        called = true;
        member.usd += call.usage.usd;
        member.usd_known = member.usd_known && call.usage.usd_known;
      }
      if (called) member.called += 1;
    }
  }

  void learn(const SynthesisRequest& request, const Proposal& proposal, const Evaluation& evaluation) override {
    const std::optional<std::size_t> author = author_of(proposal.recipe);
    if (author) {
      members_[*author].judged += 1;
      members_[*author].gain += gain_of(request, evaluation);
    }
    for (std::size_t i = 0; i < members_.size(); ++i) {
      Proposal seen = proposal;
      seen.recipe = recipe_for(i, proposal.recipe);
      if (author != i) seen.move.clear();  // moves are of whoever made them
      members_[i].synthesizer->learn(request_for(i, request), seen, evaluation);
    }
  }

  [[nodiscard]] std::string name() const override { return text_; }
  [[nodiscard]] int repairs() const override {
    int most = 0;
    for (const Member& member : members_) most = std::max(most, member.synthesizer->repairs());
    return most;
  }
  [[nodiscard]] int fruitless() const override {
    int most = 1;
    for (const Member& member : members_) most = std::max(most, member.synthesizer->fruitless());
    return most;
  }

 private:
  struct Member {
    std::unique_ptr<Synthesizer> synthesizer;
    double weight = 1;
    std::string name = {};
    double called = 0;  // expansions in which it asked a model
    double judged = 0;  // candidates of it
    double gain = 0, usd = 0;
    bool usd_known = true;
    // Of a model more than candidates, where calls came to nothing; of what asks no model its candidates.
    [[nodiscard]] double tries() const { return std::max(called, judged); }
  };
  struct Flight {
    explicit Flight(Random r) : random(r) {}
    SynthesisRequest request;
    Reply reply;
    Random random;
    std::vector<bool> left;      // who has not been asked yet
    std::vector<double> shares;  // probabilities of all
    std::vector<std::string> passed;
    std::size_t member = 0;
    double propensity = 1;
    int asked = 0;
    Ticket inner = 0;
  };

  // Gain per dollar; where any price that was paid is unknown, gain per expansion, for all members alike.
  [[nodiscard]] std::vector<double> propensities() const {
    const bool priced = std::ranges::all_of(members_, [](const Member& m) { return m.usd_known; });
    std::vector<BanditArm> arms;
    double cost = 0, tries = 0;
    for (const Member& m : members_) {
      arms.push_back(
          {.weight = m.weight, .gain = m.gain, .cost = priced ? m.usd + usd_per_candidate * m.judged : m.tries()});
      cost += arms.back().cost;
      tries += m.tries();
    }
    // Nobody knows what an untried member costs: as much as the others on the average.
    const double each = tries > 0 ? cost / tries : priced ? usd_per_candidate : 1;
    return bandit_propensities(arms, {.gain = believed_tries * believed_gain, .cost = believed_tries * each});
  }

  [[nodiscard]] std::optional<std::size_t> member_called(std::string_view name) const {
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (members_[i].name == name) return i;
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::size_t> author_of(const json& recipe) const {
    if (!recipe.is_object()) return std::nullopt;
    const auto it = recipe.find("member");
    if (it == recipe.end() || !it->is_string()) return std::nullopt;
    return member_called(it->get_ref<const std::string&>());
  }
  // A recipe means something only to who wrote it.
  [[nodiscard]] json recipe_for(std::size_t member, const json& recipe) const {
    if (author_of(recipe) != member) return nullptr;
    const auto it = recipe.find("recipe");
    return it == recipe.end() ? json(nullptr) : *it;
  }
  [[nodiscard]] SynthesisRequest request_for(std::size_t member, const SynthesisRequest& request) const {
    SynthesisRequest own = request;
    for (auto* nodes : {&own.ancestors, &own.siblings})
      for (Recalled& node : *nodes) node.recipe = recipe_for(member, node.recipe);
    return own;
  }

  // Who repairs the parent, if it failed: who wrote it, or else any that can.
  void restrict_to_repairers(Flight& flight) const {
    if (flight.request.ancestors.empty()) return;
    const Recalled& parent = flight.request.ancestors.front();
    const auto author = author_of(parent.recipe);
    if (parent.evaluation.verdict == Verdict::measured || !author) return;
    const bool author_can = members_[*author].synthesizer->repairs() > 0;
    for (std::size_t i = 0; i < members_.size(); ++i)
      flight.left[i] = author_can ? i == *author : members_[i].synthesizer->repairs() > 0;
  }

  void ask(Ticket ticket) {
    Flight& flight = flights_.at(ticket);
    if (flight.asked == 0) restrict_to_repairers(flight);
    std::vector<double> weights(members_.size(), 0);
    double total = 0;
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (flight.left[i]) total += weights[i] = flight.shares[i];
    if (total <= 0) return finish(ticket, std::optional<Proposal>());
    flight.member = flight.random.pick(weights);
    flight.propensity = weights[flight.member] / total;
    flight.left[flight.member] = false;
    SynthesisRequest request = request_for(flight.member, flight.request);
    request.first_attempt += attempts_per_member * flight.asked;
    const int asked = ++flight.asked;
    const Ticket inner = members_[flight.member].synthesizer->propose(
        request, [this, ticket](Result<std::optional<Proposal>> reply) { answered(ticket, std::move(reply)); });
    const auto it = flights_.find(ticket);
    if (it != flights_.end() && it->second.asked == asked) it->second.inner = inner;
  }

  void answered(Ticket ticket, Result<std::optional<Proposal>> reply) {
    const auto it = flights_.find(ticket);
    if (it == flights_.end()) return;
    Flight& flight = it->second;
    const std::string& name = members_[flight.member].name;
    if (reply && !*reply) {
      flight.passed.push_back(name);
      return ask(ticket);
    }
    if (reply) {
      Proposal& proposal = **reply;
      proposal.recipe = {{"member", name}, {"propensity", flight.propensity}, {"recipe", std::move(proposal.recipe)}};
      if (!flight.passed.empty()) proposal.recipe["passed"] = flight.passed;
    }
    finish(ticket, std::move(reply));
  }

  void finish(Ticket ticket, Result<std::optional<Proposal>> result) {
    const auto it = flights_.find(ticket);
    Reply reply = std::move(it->second.reply);
    flights_.erase(it);
    reply(std::move(result));
  }

  std::vector<Member> members_;
  std::string text_;
  Ticket tickets_ = 0;
  std::map<Ticket, Flight> flights_;
};

// "name:3": the number behind the last colon, if that is one.
std::optional<double> weight_behind(std::string_view text, std::size_t colon) {
  double weight = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data() + colon + 1, end, weight);
  return code == std::errc{} && stop == end ? std::optional(weight) : std::nullopt;
}

}  // namespace

Result<std::vector<SynthesizerSpec>> parse_synthesizers(std::string_view text) {
  std::vector<std::string> names(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == ',')
      names.back() += text[++i];
    else if (text[i] == ',')
      names.emplace_back();
    else
      names.back() += text[i];
  }
  std::vector<SynthesizerSpec> specs;
  for (const std::string& each : names) {
    SynthesizerSpec spec{.name = std::string(trimmed(each))};
    const std::size_t colon = spec.name.rfind(':');
    if (names.size() > 1 && colon != std::string::npos) {
      if (const auto weight = weight_behind(spec.name, colon)) {
        if (!(*weight > 0) || !std::isfinite(*weight))
          return user_error(
              fmt::format("--synthesizer '{}': the weight of '{}' has to be a positive number", text, each));
        spec.weight = *weight;
        spec.name.resize(colon);
      }
    }
    if (spec.name.empty())
      return user_error(
          fmt::format("--synthesizer '{}': a name is missing; write NAME or NAME:WEIGHT,NAME:WEIGHT,…", text));
    if (std::ranges::any_of(specs, [&](const SynthesizerSpec& s) { return s.name == spec.name; }))
      return user_error(
          fmt::format("--synthesizer '{}': '{}' stands there twice; give it a weight instead", text, spec.name));
    specs.push_back(std::move(spec));
  }
  return specs;
}

std::unique_ptr<Synthesizer> make_mixed_synthesizer(std::vector<MixedMember> members, std::string text) {
  return std::make_unique<Mixed>(std::move(members), std::move(text));
}

}  // namespace kerf
