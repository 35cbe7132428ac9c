#include "app/synthesizer_factory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/fake_http.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class SynthesizerFactoryTest : public testing::Test {
 protected:
  [[nodiscard]] SynthesizerFactory factory() {
    return {.options = options,
            .sources = sources,
            .parts = {.loop = *loop, .http = http, .keys = keys, .prices = prices, .clock = clock, .random = Random(1)},
            .batches = {},
            .exchanges = exchanges,
            .note = [this](const std::string& line) { notes.push_back(line); },
            .asked = asked};
  }
  void record(std::uint64_t expansion, const char* model, const char* text) {
    if (!recording) sources.recording = recording = std::make_shared<Recording>();
    recording->exchanges.push_back({.purpose = {.expansion = expansion}, .model = model, .reply = {.text = text}});
  }
  // What the model of this name answers when it is asked for an expansion.
  [[nodiscard]] std::string answer(const std::string& name, std::uint64_t expansion) {
    const auto model = factory().model(name);
    if (!model) return model.error().message;
    std::string text = "no answer";
    (*model)->complete({.purpose = {.expansion = expansion}},
                       [&text](Result<ModelReply> reply) { text = reply ? reply->text : reply.error().message; });
    return text;
  }

  std::unique_ptr<Loop> loop = make_manual_loop();
  FakeHttp http{*loop};
  FakeKeys keys;
  Prices prices;
  FakeClock clock;
  SessionOptions options;
  SessionSources sources;
  std::shared_ptr<Recording> recording;
  LateExchangeLog exchanges;
  std::vector<std::string> notes;
  std::vector<Model*> asked;
};

TEST_F(SynthesizerFactoryTest, PromptsAreWrittenForModelsAndForWhoeverRunsKerfAsk) {
  EXPECT_TRUE(takes_prompts("ask"));
  EXPECT_TRUE(takes_prompts("anthropic/x"));
  EXPECT_TRUE(takes_prompts("command:write"));
  EXPECT_FALSE(takes_prompts("builtin"));
  EXPECT_FALSE(takes_prompts("random"));
  EXPECT_FALSE(takes_prompts("asking"));
}

TEST_F(SynthesizerFactoryTest, AModelThatIsReallyAskedIsAmongThoseThatAreChecked) {
  keys.keys["anthropic"] = "secret";
  const auto model = factory().model("anthropic/x");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_THAT(asked, testing::ElementsAre(model->get()));
}

TEST_F(SynthesizerFactoryTest, AMissingKeyIsSaidBeforeAnythingIsAsked) {
  const auto model = factory().model("anthropic/x");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(model.error().message, HasSubstr("ANTHROPIC_API_KEY"));
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(SynthesizerFactoryTest, ARecordingAnswersForEachModelWithWhatThatModelSaid) {
  record(1, "anthropic/x", "of x");
  record(1, "openai/y", "of y");
  EXPECT_EQ(answer("anthropic/x", 1), "of x");
  EXPECT_EQ(answer("openai/y", 1), "of y");
  EXPECT_THAT(asked, IsEmpty()) << "a replay needs no key and no network";
}

TEST_F(SynthesizerFactoryTest, ARecordingOfOtherModelsStandsInForOneThatItDoesNotKnow) {
  record(1, "openai/y", "of y");
  EXPECT_EQ(answer("anthropic/x", 1), "of y");
}

TEST_F(SynthesizerFactoryTest, AnswersFromOutsideAreTakenForEveryModel) {
  sources.answer = [](const ModelRequest& request) -> std::optional<ModelReply> {
    if (request.purpose.expansion != 7) return std::nullopt;
    return ModelReply{.text = "from a file"};
  };
  EXPECT_EQ(answer("ask", 7), "from a file");
  EXPECT_EQ(answer("anthropic/x", 7), "from a file");
  EXPECT_EQ(answer("ask", 8), "no answer") << "it stays open for a later process";
  EXPECT_THAT(asked, IsEmpty());
}

TEST_F(SynthesizerFactoryTest, WithoutAnswersFromOutsideAskSaysHowItGoesOn) {
  const auto model = factory().model("ask");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().kind, ErrorKind::user);
  EXPECT_THAT(model.error().message, AllOf(HasSubstr("kerf ask"), HasSubstr("kerf tell")));
}

TEST_F(SynthesizerFactoryTest, ANameThatIsNoneIsAnsweredWithThoseThatThereAre) {
  const auto made = factory().synthesizer("gpt");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::user);
  for (const ProviderInfo& provider : model_providers()) EXPECT_THAT(made.error().message, HasSubstr(provider.form));
  EXPECT_THAT(made.error().message, AllOf(HasSubstr("builtin"), HasSubstr("replay:SESSION"), HasSubstr("ask")));
}

TEST_F(SynthesizerFactoryTest, TheBuiltInSynthesizerGoesWithoutCostsThatItCannotRead) {
  options.costs = {{"of", "another version"}};
  const auto made = factory().synthesizer("builtin");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT((*made)->name(), HasSubstr("builtin"));
}

}  // namespace
}  // namespace kerf
