#include "synthesize/mixed_synthesizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "synthesize/fake_synthesizer.h"
#include "synthesize/prompt/fake_request.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ParseSynthesizers, ReadsNamesAndWeights) {
  const auto specs = parse_synthesizers("anthropic/a, openai/b:3 ,builtin:0.5");
  ASSERT_TRUE(specs) << specs.error().message;
  ASSERT_EQ(specs->size(), 3U);
  EXPECT_EQ((*specs)[0].name, "anthropic/a");
  EXPECT_EQ((*specs)[0].weight, 1);
  EXPECT_EQ((*specs)[1].name, "openai/b");
  EXPECT_EQ((*specs)[1].weight, 3);
  EXPECT_EQ((*specs)[2].weight, 0.5);
}

TEST(ParseSynthesizers, ASingleNameIsTakenAsItStands) {
  const auto specs = parse_synthesizers("openai/llama3:8");
  ASSERT_TRUE(specs);
  EXPECT_EQ((*specs)[0].name, "openai/llama3:8");
}

TEST(ParseSynthesizers, ColonsAndCommasMayBePartsOfNames) {
  const auto specs = parse_synthesizers(R"(openai/llama3:8b,command:write --sizes 1\,2,openai/x:7:2)");
  ASSERT_TRUE(specs);
  EXPECT_EQ((*specs)[0].name, "openai/llama3:8b");
  EXPECT_EQ((*specs)[1].name, "command:write --sizes 1,2");
  EXPECT_EQ((*specs)[2].name, "openai/x:7");
  EXPECT_EQ((*specs)[2].weight, 2);
}

TEST(ParseSynthesizers, WhatIsWrongIsAUserErrorThatSaysWhat) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{{"", "a name is missing"},
                                                                                   {"a,", "a name is missing"},
                                                                                   {"a,b:0", "positive"},
                                                                                   {"a,b:-1", "positive"},
                                                                                   {"a,b:inf", "positive"},
                                                                                   {"a,b,a:2", "twice"},
                                                                                   {"a,:3", "a name is missing"}}) {
    const auto specs = parse_synthesizers(text);
    ASSERT_FALSE(specs) << text;
    EXPECT_EQ(specs.error().kind, ErrorKind::user);
    EXPECT_THAT(specs.error().message, HasSubstr(what)) << text;
  }
}

// A synthesizer of any name, price and ability.
struct Member final : Synthesizer {
  std::string called;
  int repair = 0;
  bool holds = false, silent = false;
  double usd = 0;
  bool usd_known = true;
  std::vector<SynthesisRequest> requests;
  std::vector<Proposal> learned;
  std::vector<Ticket> cancelled;
  int written = 0;

  explicit Member(std::string n) : called(std::move(n)) {}
  Ticket propose(const SynthesisRequest& request, Reply reply) override {
    requests.push_back(request);
    if (holds) return requests.size();
    if (silent) {
      reply(std::optional<Proposal>());
      return requests.size();
    }
    Proposal p;
    p.candidate = {.text = called + std::to_string(written++), .language = Language::cpp, .name = called};
    p.recipe = {{"by", called}};
    p.move = "step";
    p.usage = {.usd = usd, .usd_known = usd_known};
    reply(std::optional<Proposal>(std::move(p)));
    return requests.size();
  }
  void cancel(Ticket ticket) override { cancelled.push_back(ticket); }
  void learn(const SynthesisRequest&, const Proposal& proposal, const Evaluation&) override {
    learned.push_back(proposal);
  }
  std::string name() const override { return called; }
  int repairs() const override { return repair; }
};

struct Mixture {
  Mixture() {
    auto first = std::make_unique<Member>("first"), second = std::make_unique<Member>("second");
    a = first.get();
    b = second.get();
    std::vector<MixedMember> members;
    members.push_back({.synthesizer = std::move(first), .weight = 1});
    members.push_back({.synthesizer = std::move(second), .weight = 3});
    mixed = make_mixed_synthesizer(std::move(members), "first,second:3");
  }
  std::optional<Proposal> propose(SynthesisRequest request) {
    std::optional<Proposal> got;
    mixed->propose(request, [&](Result<std::optional<Proposal>> reply) { got = *reply; });
    return got;
  }
  std::optional<Proposal> propose(std::uint64_t seed) {
    SynthesisRequest request = fake_request();
    request.seed = seed;
    return propose(request);
  }
  void learn(const Proposal& proposal, double speedup) {
    charge(proposal.recipe.at("member").get<std::string>(), proposal.usage);
    SynthesisRequest request = fake_request();
    const Recalled told = fake_node(8, proposal.candidate.text, "", 1.5 * speedup);
    mixed->learn(request, proposal, told.evaluation);
  }
  void charge(const std::string& member, const Usage& usage) const {
    const std::vector<Charge> calls{{.model = member, .usage = usage}};
    mixed->charge(calls);
  }
  int choices_of_first() {
    int firsts = 0;
    for (std::uint64_t seed = 1'000; seed < 1'100; ++seed) firsts += propose(seed)->recipe.at("member") == "first";
    return firsts;
  }
  Member *a = nullptr, *b = nullptr;
  std::unique_ptr<Synthesizer> mixed;
};

TEST(MixedSynthesizer, ChoosesByWeightAtFirstAndSaysSo) {
  Mixture m;
  int seconds = 0;
  constexpr int draws = 4'000;
  for (std::uint64_t seed = 1; seed <= draws; ++seed) {
    const auto p = m.propose(seed);
    ASSERT_TRUE(p);
    const bool second = p->recipe.at("member") == "second";
    seconds += second;
    EXPECT_DOUBLE_EQ(p->recipe.at("propensity").get<double>(), second ? 0.75 : 0.25);
    EXPECT_EQ(p->recipe.at("recipe").at("by"), p->recipe.at("member"));
  }
  EXPECT_NEAR(seconds / static_cast<double>(draws), 0.75, 0.03);
  EXPECT_EQ(m.mixed->name(), "first,second:3");
}

TEST(MixedSynthesizer, GoesToWhoGainsMoreForADollar) {
  Mixture m;
  m.a->usd = 0.01;
  m.b->usd = 1;
  for (std::uint64_t seed = 1; seed < 60; ++seed) m.learn(*m.propose(seed), 1.3);
  int firsts = 0;
  for (std::uint64_t seed = 1'000; seed < 1'100; ++seed) firsts += m.propose(seed)->recipe.at("member") == "first";
  EXPECT_GT(firsts, 80) << "the same gain for a hundredth of the price";
}

TEST(MixedSynthesizer, CallsThatCameToNothingAreHeldAgainstWhoWasAsked) {
  Mixture fair, charged;
  for (Mixture* m : {&fair, &charged}) {
    m->a->usd = m->b->usd = 0.01;
    for (std::uint64_t seed = 1; seed < 60; ++seed) m->learn(*m->propose(seed), 1.2);
  }
  for (int i = 0; i < 200; ++i) charged.charge("first", {.usd = 0.01});
  EXPECT_LT(charged.choices_of_first(), fair.choices_of_first() / 2);
}

TEST(MixedSynthesizer, CallsThatCameToNothingCountWhereAPriceIsUnknown) {
  Mixture fair, charged;
  for (Mixture* m : {&fair, &charged}) {
    m->a->usd_known = m->b->usd_known = false;
    for (std::uint64_t seed = 1; seed < 60; ++seed) m->learn(*m->propose(seed), 1.2);
  }
  for (int i = 0; i < 200; ++i) charged.charge("first", {.usd_known = false});
  EXPECT_LT(charged.choices_of_first(), fair.choices_of_first() / 2);
}

TEST(MixedSynthesizer, CountsCandidatesWhereAPriceIsUnknown) {
  Mixture m;
  m.a->usd_known = false;
  m.b->usd = 1;  // dear, which must not matter: nobody knows what the other costs
  for (std::uint64_t seed = 1; seed < 60; ++seed) {
    const Proposal p = *m.propose(seed);
    m.learn(p, p.recipe.at("member") == "second" ? 1.3 : 1.0);
  }
  int seconds = 0;
  for (std::uint64_t seed = 1'000; seed < 1'100; ++seed) seconds += m.propose(seed)->recipe.at("member") == "second";
  EXPECT_GT(seconds, 85);
}

// What is told between two asks decides; what is proposed does not. So a resumed session, which tells again but does
// not propose again what has been told, chooses the same.
TEST(MixedSynthesizer, ChoosesTheSameWhenItIsToldTheSameWhateverItWasAskedBefore) {
  Mixture one, two;
  std::vector<Proposal> told;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    told.push_back(*one.propose(seed));
    one.learn(told.back(), 1 + 0.02 * static_cast<double>(told.size()));
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    told[i].recipe = nlohmann::json::parse(told[i].recipe.dump());
    two.learn(told[i], 1 + 0.02 * static_cast<double>(i + 1));
  }
  for (std::uint64_t seed = 100; seed < 150; ++seed) {
    const auto x = one.propose(seed), y = two.propose(seed);
    EXPECT_EQ(x->recipe.at("member"), y->recipe.at("member"));
    EXPECT_EQ(x->recipe.at("propensity"), y->recipe.at("propensity"));
  }
}

TEST(MixedSynthesizer, WhereOneHasNothingTheOthersAreAskedUnderOtherAttempts) {
  Mixture m;
  m.b->silent = true;
  for (std::uint64_t seed = 1; seed < 20; ++seed) {
    const auto p = m.propose(seed);
    ASSERT_TRUE(p);
    EXPECT_EQ(p->recipe.at("member"), "first");
    const bool second_first = m.a->requests.back().first_attempt > 0;
    EXPECT_EQ(p->recipe.contains("passed"), second_first);
    if (second_first) {
      EXPECT_THAT(p->recipe.at("passed"), ElementsAre("second"));
    }
  }
  EXPECT_GT(m.b->requests.size(), 5U);
  m.a->silent = true;
  EXPECT_FALSE(m.propose(99));
}

TEST(MixedSynthesizer, EachMemberSeesItsOwnRecipesOnly) {
  Mixture m;
  const Proposal p = *m.propose(1);
  SynthesisRequest request = fake_request();
  request.ancestors[0].recipe = p.recipe;
  request.ancestors[1].recipe = {{"groups", 1}};
  for (std::uint64_t seed = 1; seed < 30; ++seed) {
    request.seed = seed;
    (void)m.propose(request);
  }
  const bool by_second = p.recipe.at("member") == "second";
  for (const auto& [member, own] : {std::pair(m.a, !by_second), std::pair(m.b, by_second)}) {
    ASSERT_FALSE(member->requests.empty());
    EXPECT_EQ(member->requests.back().ancestors[0].recipe.is_object(), own);
    EXPECT_TRUE(member->requests.back().ancestors[1].recipe.is_null());
  }
  m.learn(p, 1.2);
  EXPECT_EQ(m.a->learned.at(0).move, by_second ? "" : "step");
  EXPECT_EQ(m.b->learned.at(0).recipe.is_null(), !by_second);
}

TEST(MixedSynthesizer, ARepairGoesToWhoWroteItOrToWhoCan) {
  Mixture m;
  m.a->repair = 2;
  EXPECT_EQ(m.mixed->repairs(), 2);
  SynthesisRequest request = fake_request();
  request.ancestors[0] = fake_failure(7, "broken", "");
  for (const char* author : {"first", "second"}) {
    request.ancestors[0].recipe = {{"member", author}, {"propensity", 0.5}, {"recipe", nullptr}};
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
      request.seed = seed;
      EXPECT_EQ(m.propose(request)->recipe.at("member"), "first") << "the second cannot repair, not even its own";
    }
  }
  m.b->repair = 1;
  EXPECT_EQ(m.propose(request)->recipe.at("member"), "second");
}

TEST(MixedSynthesizer, CancelsAtTheMemberThatIsAtWork) {
  Mixture m;
  m.a->holds = m.b->holds = true;
  SynthesisRequest request = fake_request();
  const auto ticket = m.mixed->propose(request, [](Result<std::optional<Proposal>>) { FAIL(); });
  m.mixed->cancel(ticket);
  m.mixed->cancel(ticket);
  EXPECT_EQ(m.a->cancelled.size() + m.b->cancelled.size(), 1U);
}

}  // namespace
}  // namespace kerf
