#include "synthesize/model/http_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/fake_http.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string chunk(const std::string& text) {
  return R"(data: {"choices":[{"delta":{"content":")" + text + "\"}}]}\n\n";
}
const std::string figures =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":10}}\n\n"
    "data: [DONE]\n\n";

struct HttpModelTest : testing::Test {
  std::unique_ptr<Loop> loop = make_manual_loop();
  FakeHttp http{*loop};
  FakeKeys keys;
  Prices prices = Prices::parse("[openai]\n\"gpt-x\" = { input = 1, output = 10 }\n", "prices.toml").value();
  FakeClock clock;
  ModelOptions options;
  std::optional<Result<ModelReply>> got;
  int replies = 0;

  HttpModelTest() { keys.keys["openai"] = "sk-secret"; }
  ModelParts parts() { return {*loop, http, keys, prices, clock, Random(1)}; }
  std::unique_ptr<Model> model(const std::string& spec = "openai/gpt-x") {
    auto made = make_model(spec, parts(), options);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(made).value_or(nullptr);
  }
  Model::Ticket ask(Model& m) {
    return m.complete({.messages = {{.parts = {{.text = "write"}}}}}, [&](Result<ModelReply> reply) {
      got = std::move(reply);
      ++replies;
    });
  }
  void good() { http.answers.push_back({.pieces = {chunk("ker"), chunk("nel"), figures}}); }
  std::string error() const { return got && !*got ? got->error().message : "no error"; }
};

TEST_F(HttpModelTest, AReplyComesWithWhatItCost) {
  good();
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
  EXPECT_EQ((*got)->text, "kernel");
  EXPECT_EQ((*got)->retries, 0);
  EXPECT_NEAR((*got)->usage.usd.value(), 100e-6 + 100e-6, 1e-12);
  ASSERT_EQ(http.sent().size(), 1U);
  EXPECT_EQ(http.sent()[0].url, "https://api.openai.com/v1/chat/completions");
  ASSERT_EQ(http.sent()[0].secrets.size(), 1U);
  EXPECT_EQ(http.sent()[0].secrets[0].value.reveal(), "sk-secret");
  for (const auto& [name, value] : http.sent()[0].headers) EXPECT_THAT(value, Not(HasSubstr("sk-secret")));
  EXPECT_THAT(http.sent()[0].body, Not(HasSubstr("sk-secret")));
}

TEST_F(HttpModelTest, OverloadIsTriedAgainUntilItGoes) {
  for (int i = 0; i < 5; ++i) http.answers.push_back({.status = 529, .pieces = {"{}"}});
  good();
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
  EXPECT_EQ((*got)->retries, 5);
  EXPECT_EQ(replies, 1);
}

TEST_F(HttpModelTest, TriesEndAtTheirNumber) {
  options.retries.tries = 4;
  for (int i = 0; i < 10; ++i) http.answers.push_back({.status = 503, .pieces = {"busy"}});
  const auto m = model();
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent().size(), 4U);
  EXPECT_THAT(error(), AllOf(HasSubstr("503"), HasSubstr("busy"), HasSubstr("4 tries")));
  EXPECT_EQ(got->error().kind, ErrorKind::unavailable);
}

TEST_F(HttpModelTest, AServerThatWasNeverReachedIsGivenUpSoon) {
  const auto m = model();  // the fake refuses connections
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent().size(), 3U);
}

TEST_F(HttpModelTest, AServerThatWasReachedIsWaitedFor) {
  good();
  const auto m = model();
  ask(*m);
  loop->run();
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent().size(), 1U + 10U);
}

TEST_F(HttpModelTest, ARequestThatIsRefusedIsNotSentAgain) {
  http.answers.push_back({.status = 400, .pieces = {R"({"error":{"message":"sk-secret is no model"}})"}});
  const auto m = model();
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent().size(), 1U);
  EXPECT_EQ(got->error().kind, ErrorKind::user);
  EXPECT_THAT(error(), AllOf(HasSubstr("[key] is no model"), Not(HasSubstr("sk-secret"))));
}

TEST_F(HttpModelTest, AWaitBeyondPatienceIsAnErrorAtOnce) {
  http.answers.push_back({.status = 429, .headers = {{"retry-after", "7200"}}});
  const auto m = model();
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent().size(), 1U);
  EXPECT_THAT(error(), HasSubstr("120 min"));
}

TEST_F(HttpModelTest, ABrokenStreamIsTriedAgainAndItsCostKept) {
  http.answers.push_back(
      {.pieces = {chunk(std::string(400, 'x'))}, .failure = HttpFailure{HttpTrouble::cut_off, "gone"}});
  good();
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
  EXPECT_EQ((*got)->text, "kernel");
  EXPECT_EQ((*got)->retries, 1);
  EXPECT_EQ((*got)->usage.tokens_out, 10 + 100);  // 400 bytes had come
  EXPECT_GT((*got)->usage.tokens_in, 100);
}

TEST_F(HttpModelTest, WhatFailedTriesCostIsInTheError) {
  options.retries.tries = 1;
  http.answers.push_back(
      {.pieces = {chunk(std::string(400, 'x'))}, .failure = HttpFailure{HttpTrouble::cut_off, "gone"}});
  const auto m = model();
  ask(*m);
  loop->run();
  const ModelUsage usage = charges_of(got->error());
  EXPECT_EQ(usage.tokens_out, 100);
  EXPECT_GT(usage.usd.value(), 100 * 10e-6);
}

TEST_F(HttpModelTest, AStreamThatEndsWithoutDoneIsWholeIfItSaidWhyItStopped) {
  http.answers.push_back({.pieces = {chunk("k"), "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}"}});
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
  EXPECT_EQ((*got)->text, "k");
  EXPECT_EQ((*got)->usage.tokens_out, 1);  // estimated
  EXPECT_EQ((*got)->usage.usd, std::nullopt) << "an estimate is no bill";
}

TEST_F(HttpModelTest, AStreamThatNeverClosesIsNotWaitedFor) {
  http.answers.push_back({.pieces = {chunk("k"), figures}, .endless = true});
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
  EXPECT_EQ(http.open(), 0U);
}

TEST_F(HttpModelTest, HalfAStreamThatClosesCleanlyIsTriedAgain) {
  http.answers.push_back({.pieces = {chunk("k"), "data: {\"choi"}});
  good();
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
  EXPECT_EQ((*got)->retries, 1);
}

TEST_F(HttpModelTest, AnAnswerWithoutStreamingIsTaken) {
  http.answers.push_back({.headers = {{"content-type", "text/plain"}},
                          .pieces = {R"({"choices":[{"message":{"content":"k"},"finish)", R"(_reason":"stop"}]})"}});
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
  EXPECT_EQ((*got)->text, "k");
}

TEST_F(HttpModelTest, AWebPageIsNoReply) {
  http.answers.push_back({.headers = {{"content-type", "text/html"}}, .pieces = {"<html>hello</html>"}});
  const auto m = model();
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent().size(), 1U);
  EXPECT_THAT(error(), HasSubstr("text/html"));
}

TEST_F(HttpModelTest, AnEmptyReplyIsTriedAgain) {
  http.answers.push_back({.pieces = {}});
  good();
  const auto m = model();
  ask(*m);
  loop->run();
  ASSERT_TRUE(got && *got) << error();
}

TEST_F(HttpModelTest, NoisyBytesEndInOneLineAtOnce) {
  for (const std::string& noise :
       {std::string("data: \xff\xfe{}\n\n"), "data: " + std::string(2 << 20, 'x'), std::string("data: [1]\n\n")}) {
    got.reset();
    http.answers.push_back({.pieces = {noise}});
    const auto m = model();
    ask(*m);
    loop->run();
    ASSERT_TRUE(got && !*got);
    EXPECT_LT(error().size(), 200U);
  }
  EXPECT_EQ(http.sent().size(), 3U);
}

TEST_F(HttpModelTest, CancelStopsTheCallAndTheWaitForTheNext) {
  http.answers.push_back({.pieces = {chunk("k")}, .endless = true});
  http.answers.push_back({.status = 503});
  const auto m = model();
  const auto streaming = ask(*m);
  const auto waiting = ask(*m);
  loop->after(milliseconds(100), [&] {  // the first try of the second has failed, the next is due in a second
    m->cancel(streaming);
    m->cancel(waiting);
    m->cancel(waiting);
    m->cancel(99);
  });
  loop->run();
  EXPECT_EQ(replies, 0);
  EXPECT_EQ(http.sent().size(), 2U);
  EXPECT_EQ(http.open(), 0U);
}

TEST_F(HttpModelTest, DestructionCancelsWhatIsInFlight) {
  http.answers.push_back({.pieces = {chunk("k")}, .endless = true});
  auto m = model();
  ask(*m);
  loop->after(milliseconds(1), [&] { m.reset(); });
  loop->run();
  EXPECT_EQ(replies, 0);
  EXPECT_EQ(http.open(), 0U);
}

TEST_F(HttpModelTest, WrongSettingsAreAnErrorOfTheUser) {
  const auto m = model();
  m->complete({.messages = {{.parts = {{.text = "x"}}}}, .settings = {.effort = "500"}},
              [&](Result<ModelReply> reply) { got = std::move(reply); });
  loop->run();
  EXPECT_EQ(got->error().kind, ErrorKind::user);
  EXPECT_TRUE(http.sent().empty());
}

TEST(RetryPolicy, WaitsGrowAreDrawnAtRandomAndAreNeverShorterThanAsked) {
  rc::check([](std::uint64_t seed) {
    Random random(seed);
    const RetryPolicy policy;
    for (int tried = 1; tried < 12; ++tried) {
      const auto wait = wait_before_retry(policy, tried, std::nullopt, random).value();
      const auto whole = std::min<std::int64_t>(60'000, std::int64_t{1000} << (tried - 1));
      RC_ASSERT(wait.count() >= whole / 2 && wait.count() <= whole);
      const auto asked = wait_before_retry(policy, tried, milliseconds(5'000), random).value();
      RC_ASSERT(asked.count() >= 5'000 && asked.count() <= 5'000 + whole / 4);
    }
  });
}

// The factory.

TEST_F(HttpModelTest, NamesThatAreNoModelsGetTheListOfWhatThereIs) {
  for (const char* wrong : {"", "gpt-x", "nobody/x", "anthropic:x"}) {
    const auto made = make_model(wrong, parts());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().kind, ErrorKind::user);
    EXPECT_THAT(made.error().message, AllOf(HasSubstr("anthropic/MODEL"), HasSubstr("command:PROGRAM")));
  }
  EXPECT_THAT(make_model("openai/", parts()).error().message, HasSubstr("openai/MODEL"));
  EXPECT_THAT(make_model("openai/x", parts(), {.base_url = "localhost:8000"}).error().message, HasSubstr("http://"));
}

TEST_F(HttpModelTest, AMissingKeyIsSaidBeforeAnythingIsSent) {
  const auto made = make_model("anthropic/claude-x", parts());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(made.error().message, HasSubstr("ANTHROPIC_API_KEY"));
}

TEST_F(HttpModelTest, AKeyGoesOnlyToTheHostThatItIsFor) {
  options.base_url = "http://localhost:8000/v1/";
  good();
  auto m = model();
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent()[0].url, "http://localhost:8000/v1/chat/completions");
  EXPECT_TRUE(http.sent()[0].secrets.empty());
  ASSERT_TRUE(got && *got);
  EXPECT_EQ((*got)->usage.usd, std::nullopt) << "the price is openai's, not this server's";
  keys.keys["localhost:8000"] = "local-key";
  good();
  m = model();
  ask(*m);
  loop->run();
  EXPECT_EQ(http.sent()[1].secrets[0].value.reveal(), "local-key");
  EXPECT_THAT(make_model("openai/x", parts(), {.base_url = "http://api.openai.com/v1"}).error().message,
              HasSubstr("https"));
}

TEST(KeyOwner, NamesItsVariable) {
  EXPECT_EQ((KeyOwner{.provider = "anthropic", .host = "api.anthropic.com"}).variable(), "ANTHROPIC_API_KEY");
  EXPECT_EQ((KeyOwner{.host = "api.groq.com:8443"}).variable(), "KERF_KEY_API_GROQ_COM_8443");
}

TEST(ModelNames, AreKnownByTheirStart) {
  for (const char* yes : {"anthropic/x", "openai/x/y", "command:x", "openai", "command"})
    EXPECT_TRUE(is_model_name(yes)) << yes;
  for (const char* no : {"builtin", "replay:x", "", "openaix"}) EXPECT_FALSE(is_model_name(no)) << no;
}

struct ServerCheckTest : HttpModelTest {
  std::optional<Result<std::string>> checked;
  void answer(int status, const std::string& body) {
    http.answers.push_back({.status = status, .headers = {{"content-type", "application/json"}}, .pieces = {body}});
  }
  std::string check(const std::string& spec = "openai/gpt-x") {
    const auto m = model(spec);
    if (!m) return "no model";
    checked.reset();
    m->check([&](Result<std::string> said) { checked = std::move(said); });
    loop->run();
    if (!checked) return "nothing came";
    return *checked ? **checked : checked->error().message;
  }
};

TEST_F(ServerCheckTest, AsksForTheModelAloneAndSpendsNothing) {
  answer(200, R"({"id":"gpt-x"})");
  EXPECT_EQ(check(), "");
  ASSERT_TRUE(*checked);
  ASSERT_EQ(http.sent().size(), 1U);
  EXPECT_EQ(http.sent()[0].method, "GET");
  EXPECT_EQ(http.sent()[0].url, "https://api.openai.com/v1/models/gpt-x");
  EXPECT_EQ(http.sent()[0].secrets.at(0).value.reveal(), "sk-secret");
  keys.keys["anthropic"] = "sk-other";
  answer(200, "{}");
  EXPECT_EQ(check("anthropic/claude x"), "");
  EXPECT_EQ(http.sent()[1].url, "https://api.anthropic.com/v1/models/claude%20x");
}

TEST_F(ServerCheckTest, ARefusedKeyAnUnknownModelAndNobodyThereAreErrors) {
  answer(401, R"({"error":{"message":"Incorrect API key sk-secret"}})");
  EXPECT_THAT(check(), AllOf(HasSubstr("refused the key"), Not(HasSubstr("sk-secret"))));
  ASSERT_FALSE(*checked);
  EXPECT_EQ(checked->error().kind, ErrorKind::unavailable);
  answer(404, R"({"error":{"message":"The model gpt-x does not exist"}})");
  EXPECT_THAT(check(), HasSubstr("gpt-x"));
  EXPECT_FALSE(*checked);
  check();  // the fake refuses connections
  EXPECT_FALSE(*checked);
  EXPECT_EQ(http.sent().size(), 3U) << "none is asked twice";
}

TEST_F(ServerCheckTest, WhatSaysNothingIsNoReasonNotToAsk) {
  for (const int status : {403, 429, 500, 529, 302}) {
    answer(status, "busy");
    EXPECT_EQ(check(), "") << status;
    EXPECT_TRUE(*checked) << status;
  }
  answer(401, R"({"error":{"message":"Missing scopes: api.model.read"}})");
  EXPECT_EQ(check(), "") << "a key that is for calls alone";
  http.answers.push_back({.failure = HttpFailure{HttpTrouble::timed_out, "slow"}, .headless = true});
  EXPECT_EQ(check(), "");
  EXPECT_TRUE(*checked);
}

TEST_F(ServerCheckTest, OtherServersAreAskedForTheirListWhichBindsThemToNothing) {
  options.base_url = "http://127.0.0.1:8000/v1";
  answer(200, R"({"data":[{"id":"llama3:latest"},{"id":"qwen"}]})");
  EXPECT_EQ(check("openai/llama3"), "");
  EXPECT_EQ(http.sent()[0].url, "http://127.0.0.1:8000/v1/models");
  answer(200, R"({"data":[{"id":"llama3:latest"},{"id":"qwen"}]})");
  EXPECT_THAT(check("openai/llama"), AllOf(HasSubstr("lists no model llama;"), HasSubstr("qwen")));
  EXPECT_TRUE(*checked);
  for (const char* body : {"", "[]", "{}", R"({"data":3})", R"({"data":[]})", R"({"data":[1,{"id":2}]})", "no list"}) {
    answer(200, body);
    EXPECT_EQ(check("openai/llama"), "") << body;
  }
  answer(200, "\n<!doctype html><html></html>");
  EXPECT_THAT(check("openai/llama"), HasSubstr("web page"));
  EXPECT_TRUE(*checked);
  answer(404, "nothing here");
  EXPECT_EQ(check("openai/llama"), "");
  answer(401, "{}");
  EXPECT_THAT(check("openai/llama"), HasSubstr("wants a key"));
  EXPECT_FALSE(*checked);
}

}  // namespace
}  // namespace kerf
