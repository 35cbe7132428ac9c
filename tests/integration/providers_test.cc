// Models against servers that others wrote (the LiteLLM proxy) and against one that misbehaves.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "gateway.h"
#include "model_fixture.h"
#include "model_server.h"
#include "synthesize/model/http_model.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct BadServerTest : ModelTest, testing::WithParamInterface<std::string> {
  static void SetUpTestSuite() { server = new ModelServer; }
  static void TearDownTestSuite() {
    delete server;
    server = nullptr;
  }
  static inline ModelServer* server = nullptr;

  std::string provider() const { return GetParam(); }
  // Each dialect has its own scenario's count: the name is made unique by the dialect's path below it.
  Result<ModelReply> at(const std::string& scenario, ModelSettings settings = {}) {
    options.base_url = server->url("/" + scenario + (provider() == "openai" ? "/v1" : ""));
    return ask(provider() + "/local", std::move(settings));
  }
  std::string error_at(const std::string& scenario) {
    const auto reply = at(scenario);
    EXPECT_FALSE(reply) << scenario;
    if (reply) return "";
    EXPECT_EQ(reply.error().message.find('\n'), std::string::npos);
    EXPECT_LT(reply.error().message.size(), 600U);
    EXPECT_LT(took, 10);
    return reply.error().message;
  }
};

INSTANTIATE_TEST_SUITE_P(Both, BadServerTest, testing::Values("openai", "anthropic"),
                         [](const auto& p) { return p.param; });

TEST_P(BadServerTest, AStreamComesWholeWithItsFigures) {
  prices =
      Prices::parse("[\"" + server->host() + "\"]\n\"*\" = { input = 1, output = 10, cache_read = 0.1 }", "p").value();
  const auto reply = at("good");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "kernel one");
  EXPECT_EQ(reply->model, "local-1");
  EXPECT_EQ(reply->usage.tokens_in, 100);
  EXPECT_EQ(reply->usage.tokens_out, 10);
  EXPECT_EQ(reply->usage.cached_in, 40);
  EXPECT_NEAR(reply->usage.usd.value(), (60 + 4 + 100) * 1e-6, 1e-9);
  EXPECT_GT(reply->usage.saved_usd.value(), 0);
  EXPECT_EQ(reply->retries, 0);
}

TEST_P(BadServerTest, WhatMayGoBetterTheNextTimeIsTriedAgain) {
  // Counts are by scenario and shared by both dialects: whoever comes second meets a server that behaves.
  const bool first = provider() == "openai";
  for (const auto& [scenario, retries] : std::map<std::string, int>{
           {"half", 1}, {"half_clean", 1}, {"overload", 3}, {"overload_inside", 2}, {"retry_after", 1}}) {
    const auto reply = at(scenario);
    ASSERT_TRUE(reply) << scenario << ": " << reply.error().message;
    EXPECT_EQ(reply->text, "kernel one") << scenario;
    EXPECT_EQ(reply->retries, first ? retries : 0) << scenario;
    if (scenario == "retry_after" && first) {
      EXPECT_GE(took, 1.0);
    }
    if (scenario == "half" && first) {
      EXPECT_GT(reply->usage.tokens_out, 10) << "what the broken try cost is counted";
    }
  }
}

TEST_P(BadServerTest, ServersThatAnswerInTheirOwnWayAreUnderstood) {
  for (const char* scenario : {"whole", "no_done", "no_usage"}) {
    const auto reply = at(scenario);
    ASSERT_TRUE(reply) << scenario << ": " << reply.error().message;
    EXPECT_EQ(reply->text, "kernel one") << scenario;
    EXPECT_GT(reply->usage.tokens_out, 0) << scenario;
  }
}

TEST_P(BadServerTest, WhatIsNoReplyIsOneClearLine) {
  EXPECT_THAT(error_at("html"), AllOf(HasSubstr("text/html"), HasSubstr(server->host())));
  EXPECT_THAT(error_at("bad_json"), HasSubstr("interface"));
  EXPECT_THAT(error_at("bad_utf8"), HasSubstr("interface"));
  EXPECT_THAT(error_at("long_line"), HasSubstr("1 MiB"));
  EXPECT_THAT(error_at("empty"), AllOf(HasSubstr("empty"), HasSubstr("6 tries")));
  EXPECT_THAT(error_at("redirect"), AllOf(HasSubstr("redirect to http://127.0.0.1:9"), Not(HasSubstr("token"))));
  EXPECT_THAT(error_at("no_model"), AllOf(HasSubstr("local"), HasSubstr("does not exist")));
  EXPECT_THAT(error_at("nowhere_at_all"), HasSubstr("404"));
}

TEST_P(BadServerTest, WhatNeverEndsEnds) {
  options.http = {.idle = seconds(1), .total = milliseconds(9'000), .max_body = std::size_t{2} << 20};
  options.retries.tries = 2;
  EXPECT_THAT(error_at("endless"), HasSubstr("2 MiB"));
  EXPECT_THAT(error_at("endless_json"), HasSubstr("2 MiB"));
  EXPECT_THAT(error_at("headers"), HasSubstr("headers"));
  options.http.total = milliseconds(1'500);
  EXPECT_THAT(error_at("drip"), HasSubstr("2 tries"));
  EXPECT_THAT(error_at("stall"), HasSubstr("2 tries"));
}

TEST_P(BadServerTest, KeysAreInNoMessage) {
  keys.keys[server->host()] = "sk-not-to-be-seen";
  EXPECT_THAT(error_at("echo_key"), AllOf(HasSubstr("[key]"), Not(HasSubstr("sk-not"))));
  EXPECT_THAT(error_at("refuse_key"),
              AllOf(HasSubstr("refused the key from KERF_KEY_127_0_0_1"), Not(HasSubstr("sk-"))));
  keys.keys.clear();
  EXPECT_THAT(error_at("refuse_key"), HasSubstr("wants a key"));
}

TEST_F(ModelTest, ACertificateThatNobodySignedIsNotTriedTwice) {
  const ModelServer secure(true);
  options.base_url = secure.secure_url("/good/v1");
  const auto reply = ask("openai/local");
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr("cannot prove who it is"), Not(HasSubstr("tries"))));
}

TEST_F(ModelTest, NobodyThereIsSaidSoon) {
  options.base_url = "http://127.0.0.1:1/v1";
  const auto reply = ask("openai/local");
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("3 tries")));
}

// The LiteLLM proxy: a gateway that others wrote. Its model "mock" answers by itself, "through" is translated to and
// from our server, which speaks the openai interface only.

struct GatewayTest : ModelTest {
  static void SetUpTestSuite() {
    if (!Gateway::installed()) return;
    server = std::make_unique<ModelServer>();
    gateway = std::make_unique<Gateway>(
        "  - model_name: mock\n"
        "    litellm_params: {model: openai/gpt-mock, api_key: unused, mock_response: kernel one}\n"
        "  - model_name: through\n"
        "    litellm_params: {model: hosted_vllm/local, api_key: unused, api_base: \"" +
        server->url("/good/v1") + "\"}\n");
  }
  static void TearDownTestSuite() {
    gateway.reset();
    server.reset();
  }
  void SetUp() override {
    if (!gateway) GTEST_SKIP() << "unavailable: no " << Gateway::program() << ": scripts/setup.sh tests";
    ASSERT_TRUE(gateway->up()) << "the gateway did not start";
    keys.keys[gateway->host()] = Gateway::key;
  }
  Result<ModelReply> through(const std::string& dialect, const std::string& model, ModelSettings settings = {}) {
    options.base_url = gateway->url(dialect);
    return ask(dialect + "/" + model, std::move(settings));
  }
  static inline std::unique_ptr<ModelServer> server;
  static inline std::unique_ptr<Gateway> gateway;
};

TEST_F(GatewayTest, SpeaksBothDialects) {
  for (const char* dialect : {"openai", "anthropic"}) {
    for (const char* model : {"mock", "through"}) {
      const auto reply = through(dialect, model);
      ASSERT_TRUE(reply) << dialect << " " << model << ": " << reply.error().message;
      EXPECT_EQ(reply->text, "kernel one") << dialect << " " << model;
      EXPECT_EQ(reply->finish, Finish::complete);
      EXPECT_GT(reply->usage.tokens_in, 0) << dialect << " " << model;
      EXPECT_GT(reply->usage.tokens_out, 0) << dialect << " " << model;
    }
  }
}

TEST_F(GatewayTest, TakesSettingsOfBothDialects) {
  EXPECT_TRUE(through("openai", "mock", {.max_tokens = 64, .temperature = 0.5}));
  EXPECT_TRUE(through("anthropic", "mock", {.max_tokens = 64, .temperature = 0.5}));
}

TEST_F(GatewayTest, AWrongKeyAndAnUnknownModelAreOneLine) {
  for (const char* dialect : {"openai", "anthropic"}) {
    const auto unknown = through(dialect, "no-such-model");
    ASSERT_FALSE(unknown) << dialect;
    EXPECT_THAT(unknown.error().message, HasSubstr("no-such-model"));
    EXPECT_THAT(unknown.error().message, Not(HasSubstr("\n")));
    keys.keys[gateway->host()] = "sk-wrong-key";
    const auto refused = through(dialect, "mock");
    ASSERT_FALSE(refused) << dialect;
    EXPECT_THAT(refused.error().message, Not(HasSubstr("sk-wrong-key")));
    keys.keys[gateway->host()] = Gateway::key;
  }
}

// command:

struct CommandTest : ModelTest {
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-command").value();
  std::string script(const std::string& text) const {
    const auto path = folder.path() / "agent.sh";
    std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
    fs::permissions(path, fs::perms::owner_all);
    return "command:" + path.string();
  }
};

TEST_F(CommandTest, ReadsThePromptAndItsOutputIsTheReply) {
  const auto reply = ask(script("tr a-z A-Z; echo \"$1\"") + " 'two words'");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text, "RULES\n\nWRITE A KERNEL\ntwo words\n");
  EXPECT_GT(reply->usage.tokens_in, 0);
  EXPECT_EQ(reply->usage.usd, std::nullopt);
}

TEST_F(CommandTest, SeesNoKey) {
  ::setenv("ANTHROPIC_API_KEY", "sk-secret", 1);
  ::setenv("KERF_KEY_LOCALHOST", "sk-secret", 1);
  const auto reply = ask(script("env"));
  ::unsetenv("ANTHROPIC_API_KEY");
  ::unsetenv("KERF_KEY_LOCALHOST");
  ASSERT_TRUE(reply);
  EXPECT_THAT(reply->text, AllOf(HasSubstr("PATH="), Not(HasSubstr("sk-secret"))));
}

TEST_F(CommandTest, FailuresAreOneLineWithTheExitCodeAndTheLastWords) {
  const auto reply = ask(script("echo working >&2; echo 'no credit' >&2; echo >&2; exit 4"));
  ASSERT_FALSE(reply);
  EXPECT_THAT(reply.error().message, AllOf(HasSubstr("exit 4: no credit"), Not(HasSubstr("\n"))));
  EXPECT_THAT(ask(script("kill -9 $$")).error().message, HasSubstr("SIGKILL"));
  EXPECT_THAT(ask("command:/no/such/agent").error().message, HasSubstr("/no/such/agent"));
  EXPECT_EQ(ask("command:").error().kind, ErrorKind::user);
}

TEST_F(CommandTest, IsKilledAtItsLimitAndOnCancel) {
  options.command_limit = milliseconds(200);
  EXPECT_THAT(ask(script("sleep 60")).error().message, HasSubstr("no answer"));
  options.command_limit = seconds(60);
  const auto model = make_model(script("sleep 60"), parts(), options).value();
  const auto ticket = model->complete({.messages = {{.parts = {{.text = "x"}}}}}, [](auto) { ADD_FAILURE(); });
  const auto start = std::chrono::steady_clock::now();
  loop->after(milliseconds(100), [&] { model->cancel(ticket); });
  loop->run();
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(1'000));
}

}  // namespace
}  // namespace kerf
