// Models against servers that others wrote (the LiteLLM proxy) and against one that misbehaves.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "model_server.h"
#include "synthesize/model/http_model.h"
#include "synthesize/model/make_model.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct ModelTest : testing::Test {
  std::unique_ptr<Loop> loop = make_loop(1).value();
  std::unique_ptr<Http> http = make_http(*loop).value();
  FakeKeys keys;
  Prices prices;
  SystemClock clock;
  ModelOptions options{.retries = {.tries = 6, .first_wait = milliseconds(20)}};
  double took = 0;

  ModelParts parts() { return {*loop, *http, keys, prices, clock, Random(7)}; }
  Result<ModelReply> ask(const std::string& spec, ModelSettings settings = {}) {
    auto model = make_model(spec, parts(), options);
    if (!model) return std::unexpected(model.error());
    return ask(**model, std::move(settings));
  }
  Result<ModelReply> ask(Model& model, ModelSettings settings = {}) {
    std::optional<Result<ModelReply>> got;
    const auto start = std::chrono::steady_clock::now();
    model.complete({.system = {{.text = "rules", .cache = true}},
                    .messages = {{.parts = {{.text = "write a kernel"}}}},
                    .settings = std::move(settings)},
                   [&](Result<ModelReply> reply) {
                     got = std::move(reply);
                     loop->stop();
                   });
    loop->run();
    took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return got ? std::move(*got) : fail(ErrorKind::internal, "no reply came");
  }
};

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

// Keys on disk.

struct KeysTest : testing::Test {
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-keys").value();
  std::unique_ptr<Keys> keys = make_keys();
  const KeyOwner anthropic{.provider = "anthropic", .host = "api.anthropic.com"};
  const KeyOwner groq{.host = "api.groq.com"};
  void SetUp() override {
    ::unsetenv("ANTHROPIC_API_KEY");
    ::setenv("KERF_CONFIG", folder.path().c_str(), 1);
  }
  void TearDown() override { ::unsetenv("KERF_CONFIG"); }
  void write(const std::string& text, unsigned mode) const {
    ASSERT_TRUE(write_file(folder.path() / "keys.toml", text));
    fs::permissions(folder.path() / "keys.toml", static_cast<fs::perms>(mode));
  }
  std::string key(const KeyOwner& owner) const {
    const auto found = keys->find(owner);
    return !found ? found.error().message : *found ? std::string((*found)->reveal()) : "none";
  }
};

TEST_F(KeysTest, TheEnvironmentComesBeforeTheFile) {
  EXPECT_EQ(key(anthropic), "none");
  write("# mine\nanthropic = \"from-file\"\n\n\"api.groq.com\" = 'gsk'\n", 0600);
  EXPECT_EQ(key(anthropic), "from-file");
  EXPECT_EQ(key(groq), "gsk");
  ::setenv("ANTHROPIC_API_KEY", " from-environment\n", 1);
  EXPECT_THAT(key(anthropic), HasSubstr("from-environment"));
  ::unsetenv("ANTHROPIC_API_KEY");
}

TEST_F(KeysTest, AFileThatOthersCanReadIsRefused) {
  write("anthropic = \"secret\"\n", 0640);
  EXPECT_THAT(key(anthropic), AllOf(HasSubstr("chmod 600"), Not(HasSubstr("secret"))));
}

TEST_F(KeysTest, MistakesNameTheLineAndNotWhatStandsOnIt) {
  write("anthropic = \"sec ret\"\n", 0600);
  EXPECT_THAT(key(anthropic), AllOf(HasSubstr("keys.toml:1"), Not(HasSubstr("sec"))));
  write("\nsk-secret\n", 0600);
  EXPECT_THAT(key(anthropic), AllOf(HasSubstr("keys.toml:2"), Not(HasSubstr("sk-secret"))));
}

TEST_F(KeysTest, TheShippedPricesAreReadAndTheUsersLieOverThem) {
  EXPECT_TRUE(load_prices().value().find("anthropic", "claude-opus-4-5-20251101"));
  ASSERT_TRUE(write_file(folder.path() / "prices.toml", "[anthropic]\nclaude-opus-4-5 = { input = 99, output = 1 }\n"));
  EXPECT_EQ(load_prices().value().find("anthropic", "claude-opus-4-5")->input, 99);
  ASSERT_TRUE(write_file(folder.path() / "prices.toml", "[anthropic]\nclaude-opus-4-5 = { input = 99 }\n"));
  EXPECT_THAT(load_prices().error().message, HasSubstr("prices.toml"));
}

}  // namespace
}  // namespace kerf
