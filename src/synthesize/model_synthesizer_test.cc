#include "synthesize/model_synthesizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "synthesize/model/fake_model.h"
#include "synthesize/prompt/fake_request.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string block(const std::string& text) { return "Change: something.\n```cpp\n" + text + "```\n"; }
const std::string good = fake_source("out[i] = x[i] < 0 ? 0 : x[i];");
const std::string other = fake_source("out[i] = fmaxf(x[i], 0);");

struct Asked {
  explicit Asked(std::vector<Result<ModelReply>> script, ModelSynthesizerOptions options = {}) {
    auto fake = std::make_unique<FakeModel>(std::move(script));
    model = fake.get();
    synthesizer = make_model_synthesizer(std::move(fake), fake_texts(), std::move(options));
  }
  explicit Asked(std::vector<std::string> texts, ModelSynthesizerOptions options = {})
      : Asked(FakeModel::replies_of(std::move(texts)), std::move(options)) {}
  Synthesizer::Ticket propose(const SynthesisRequest& request = fake_request()) {
    return synthesizer->propose(request, [this](Result<std::optional<Proposal>> reply) {
      ++replies;
      result = std::move(reply);
    });
  }
  FakeModel* model = nullptr;
  std::unique_ptr<Synthesizer> synthesizer;
  int replies = 0;
  std::optional<Result<std::optional<Proposal>>> result;
};

TEST(ModelSynthesizer, MakesAProposalOfAReply) {
  Asked asked({block(good)});
  asked.propose();
  ASSERT_TRUE(asked.result && *asked.result && **asked.result);
  const Proposal& p = ***asked.result;
  EXPECT_EQ(p.candidate.text, good);
  EXPECT_EQ(p.rationale, "something.");
  EXPECT_EQ(p.usage.tokens_in, 10);
  EXPECT_DOUBLE_EQ(p.usage.usd, 0.001);
  EXPECT_TRUE(p.usage.usd_known);
  EXPECT_THAT(p.prompt, AllOf(HasSubstr("======== system"), HasSubstr("# The parent")));
  EXPECT_EQ(p.recipe.at("model"), "fake/model");
  ASSERT_EQ(asked.model->requests().size(), 1U);
  EXPECT_EQ(asked.model->requests()[0].purpose.expansion, 9U);
  EXPECT_EQ(asked.model->requests()[0].purpose.attempt, 0);
}

TEST(ModelSynthesizer, TellsTheModelWhatWasWrongInTheSameConversation) {
  Asked asked({"I would rather talk.", block(fake_source("x", "oops = 1\n")), block(good)});
  SynthesisRequest request = fake_request();
  request.first_attempt = 5;
  asked.propose(request);
  ASSERT_TRUE(asked.result && *asked.result && **asked.result);
  const auto& requests = asked.model->requests();
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_EQ(requests[1].purpose.attempt, 6);
  EXPECT_EQ(requests[2].purpose.attempt, 7);
  ASSERT_EQ(requests[2].messages.size(), 5U);
  EXPECT_EQ(requests[2].messages[1].role, Speaker::assistant);
  EXPECT_EQ(requests[2].messages[1].parts[0].text, "I would rather talk.");
  EXPECT_THAT(requests[1].messages[2].parts[0].text, HasSubstr("no fenced block"));
  EXPECT_THAT(requests[2].messages[4].parts[0].text, AllOf(HasSubstr("line 3"), HasSubstr("oops")));
  const Proposal& p = ***asked.result;
  EXPECT_EQ(p.usage.tokens_in, 30);
  EXPECT_EQ(p.usage.tokens_out, 3);
  EXPECT_EQ(p.recipe.at("turns"), 3);
  EXPECT_THAT(p.prompt, HasSubstr("no fenced block"));
  EXPECT_THAT(p.prompt, Not(HasSubstr("x[i] < 0"))) << "the reply is no part of what was sent";
}

TEST(ModelSynthesizer, AnEditAfterABrokenPlanIsOneOfTheCandidateThatWasJustSent) {
  Asked asked({block(fake_source("out[i] = x[i] < 0 ? 0 : x[i];", "oops = 1\n")),
               "```\n<<<<<<< SEARCH\noops = 1\n=======\n>>>>>>> REPLACE\n```\n"});
  asked.propose();
  ASSERT_TRUE(asked.result && *asked.result && **asked.result);
  EXPECT_EQ((***asked.result).candidate.text, good);
  EXPECT_EQ((***asked.result).recipe.at("form"), "edit");
}

TEST(ModelSynthesizer, GivesUpAfterItsCorrections) {
  Asked asked({"no", "no", "no", block(good)}, {.corrections = 2});
  asked.propose();
  ASSERT_TRUE(asked.result && *asked.result);
  EXPECT_FALSE(**asked.result);
  EXPECT_EQ(asked.model->requests().size(), 3U);
  EXPECT_EQ(asked.replies, 1);
}

TEST(ModelSynthesizer, MakesNoFurtherCallThatItMayNotMake) {
  Asked asked({"no", "no", block(good)}, {.corrections = 2});
  SynthesisRequest request = fake_request();
  std::vector<int> attempts;
  request.may_call = [&](int attempt) {
    attempts.push_back(attempt);
    return attempt < 2;
  };
  asked.propose(request);
  ASSERT_TRUE(asked.result && *asked.result);
  EXPECT_FALSE(**asked.result);
  EXPECT_THAT(attempts, ElementsAre(1, 2));
  EXPECT_EQ(asked.model->requests().size(), 2U);
  request.first_attempt = 100;  // somebody else was asked before
  asked.propose(request);
  EXPECT_EQ(asked.model->requests().size(), 2U);
  EXPECT_EQ(asked.replies, 2);
}

TEST(ModelSynthesizer, OfARepetitionInTheCompiledCodeItIsToldTheNode) {
  Asked asked({block(good), block(other)});
  asked.propose();
  SynthesisRequest request = fake_request();
  Recalled parent{.node = 12, .candidate = (***asked.result).candidate, .evaluation = {}};
  parent.recipe = (***asked.result).recipe;
  parent.evaluation.rule = "repetition";
  parent.evaluation.message = "it compiles to the same code, run by the same plan, as node 7";
  request.ancestors.insert(request.ancestors.begin(), parent);
  asked.propose(request);
  const auto& messages = asked.model->requests().at(1).messages;
  ASSERT_EQ(messages.size(), 3U) << "in the same conversation";
  EXPECT_THAT(messages[2].parts[0].text, AllOf(HasSubstr("same code"), HasSubstr("node 7"), Not(HasSubstr("Repair"))));
}

TEST(ModelSynthesizer, ARefusalAndAnEmptyReplyAreAnsweredToo) {
  auto replies = FakeModel::replies_of({"", "", block(good)});
  replies[0]->finish = Finish::refusal;
  replies[1]->finish = Finish::length;
  Asked asked(std::move(replies));
  asked.propose();
  ASSERT_TRUE(asked.result && *asked.result && **asked.result);
  EXPECT_THAT(asked.model->requests()[1].messages[2].parts[0].text, HasSubstr("declined"));
  EXPECT_FALSE(asked.model->requests()[1].messages[1].parts[0].text.empty()) << "providers refuse empty messages";
  EXPECT_THAT(asked.model->requests()[2].messages[4].parts[0].text, HasSubstr("reason less"));
}

TEST(ModelSynthesizer, WhatTheSessionHasIsNoNews) {
  SynthesisRequest request = fake_request(MemoryOperator::siblings);
  const std::string sibling = request.siblings[1].candidate.text;
  const Candidate tried{.text = other, .language = Language::cpp, .name = ""};
  request.tried = {tried.id()};
  Asked asked({block("// again\n" + sibling), block(other), block(request.ancestors[0].candidate.text)},
              {.corrections = 2});
  asked.propose(request);
  ASSERT_TRUE(asked.result && *asked.result);
  EXPECT_FALSE(**asked.result);
  EXPECT_THAT(asked.model->requests()[1].messages[2].parts[0].text, HasSubstr("it is node 3"));
  EXPECT_THAT(asked.model->requests()[2].messages[4].parts[0].text, HasSubstr("written before"));
}

// A replay gets its replies at once, where they once took minutes: what was learned meanwhile must not matter.
TEST(ModelSynthesizer, KnowsOfEarlierCandidatesWhatWasKnownWhenItWasAsked) {
  Asked asked({block(good), block("// laid out otherwise\n" + good)}, {.corrections = 0});
  asked.model->hold = true;
  asked.propose();
  Proposal told;
  told.candidate = {.text = "// a comment\n" + good, .language = Language::cpp, .name = ""};
  asked.synthesizer->learn(fake_request(), told, {});
  asked.model->release();
  ASSERT_TRUE(asked.result && *asked.result);
  EXPECT_TRUE(**asked.result);
  asked.model->hold = false;
  asked.propose();
  EXPECT_FALSE(**asked.result) << "now it is known";
}

TEST(ModelSynthesizer, RepairsGoOnWithTheConversationThatTheCandidateCameFrom) {
  Asked asked({block(good), block(other)});
  asked.propose();
  const Proposal first = ***asked.result;
  SynthesisRequest request = fake_request();
  Recalled failed = fake_failure(7, first.candidate.text, first.rationale);
  failed.recipe = nlohmann::json::parse(first.recipe.dump());  // through the store
  request.ancestors.insert(request.ancestors.begin(), failed);
  asked.propose(request);
  ASSERT_TRUE(*asked.result && **asked.result);
  const auto& requests = asked.model->requests();
  ASSERT_EQ(requests.size(), 2U);
  ASSERT_EQ(requests[1].messages.size(), 3U);
  for (std::size_t i = 0; i < requests[0].system.size(); ++i)
    EXPECT_EQ(requests[1].system[i].text, requests[0].system[i].text);
  for (std::size_t i = 0; i < requests[0].messages[0].parts.size(); ++i)
    EXPECT_EQ(requests[1].messages[0].parts[i].text, requests[0].messages[0].parts[i].text);
  EXPECT_EQ(requests[1].messages[1].parts[0].text, block(good));
  EXPECT_THAT(requests[1].messages[2].parts[0].text, AllOf(HasSubstr("does not compile"), HasSubstr("Repair it")));
  EXPECT_EQ((***asked.result).recipe.at("messages").size(), 4U);
}

TEST(ModelSynthesizer, ARepairOfWhatAnotherWroteBeginsAnew) {
  Asked asked({block(good)});
  SynthesisRequest request = fake_request();
  Recalled failed = fake_failure(7, other, "by hand");
  for (const char* recipe : {"null", "3", R"({"model": "other"})", R"({"model": "fake/model", "messages": [{}]})",
                             R"({"model": "fake/model", "messages": []})"}) {
    failed.recipe = nlohmann::json::parse(recipe);
    request.ancestors = {failed};
    asked.propose(request);
    const auto& messages = asked.model->requests().back().messages;
    ASSERT_EQ(messages.size(), 1U) << recipe;
    std::string text;
    for (const Part& part : messages[0].parts) text += part.text;
    EXPECT_THAT(text, HasSubstr("What is wrong with the parent"));
  }
}

TEST(ModelSynthesizer, AnEndedModelEndsTheSessionAndARefusedRequestDoesNot) {
  for (const auto& [kind, expected] :
       {std::pair(ErrorKind::unavailable, ErrorKind::unavailable), std::pair(ErrorKind::user, ErrorKind::system)}) {
    std::vector<Result<ModelReply>> replies;
    replies.emplace_back(fail(kind, "the line"));
    Asked asked(std::move(replies));
    asked.propose();
    ASSERT_TRUE(asked.result && !*asked.result);
    EXPECT_EQ(asked.result->error().kind, expected);
    EXPECT_EQ(asked.result->error().message, "the line");
  }
}

TEST(ModelSynthesizer, CancelsItsCallAndSaysNothingMore) {
  Asked asked({"no", block(good)});
  asked.model->hold = true;
  const auto first = asked.propose();
  asked.synthesizer->cancel(first);
  asked.model->release();
  EXPECT_EQ(asked.replies, 0);
  EXPECT_THAT(asked.model->cancelled(), ElementsAre(1U));
  const auto second = asked.propose();
  asked.model->release();  // "no": a correction is on its way
  asked.synthesizer->cancel(second);
  asked.model->release();
  EXPECT_EQ(asked.replies, 0);
  EXPECT_THAT(asked.model->cancelled(), ElementsAre(1U, 3U));
  asked.synthesizer->cancel(second);  // twice is once
  EXPECT_EQ(asked.model->cancelled().size(), 2U);
}

TEST(ModelSynthesizer, SaysWhereAPriceWasUnknownAndWhatThePromptLacks) {
  auto replies = FakeModel::replies_of({"no", block(good)});
  replies[1]->usage.usd.reset();
  Asked asked(std::move(replies), {.prompt = {.tokens = 0}});
  asked.propose();
  const Proposal& p = ***asked.result;
  EXPECT_FALSE(p.usage.usd_known);
  EXPECT_DOUBLE_EQ(p.usage.usd, 0.001);
  EXPECT_EQ(p.recipe.at("shortened").at(0).at("part"), "example");
}

}  // namespace
}  // namespace kerf
