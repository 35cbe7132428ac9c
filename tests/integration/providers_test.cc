// Models against servers that others wrote (the LiteLLM proxy) and against one that misbehaves.
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "gateway.h"
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

// Batches, against our own server: its two interfaces are written after the providers' documentation.

struct BatchTest : ModelTest, testing::WithParamInterface<std::string> {
  ModelServer server;
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-batch").value();
  void SetUp() override {
    options.batch_folder = folder.path() / "batches";
    options.batch_gather = milliseconds(50);
    options.batch_poll = milliseconds(50);
    prices = Prices::parse("[\"" + server.host() + "\"]\n\"*\" = { input = 1, output = 10, batch = 0.5 }", "p").value();
  }
  std::unique_ptr<Model> model(const std::string& kind = "batch:", const std::string& scenario = "good") {
    options.base_url = server.url("/" + scenario + (GetParam() == "openai" ? "/v1" : ""));
    auto made = make_model(kind + GetParam() + "/local", parts(), options);
    EXPECT_TRUE(made) << made.error().message;
    return std::move(made).value_or(nullptr);
  }
  // Asks for several at once; the answers by number.
  std::map<int, Result<ModelReply>> ask_all(Model& m, int first, int count) {
    std::map<int, Result<ModelReply>> got;
    for (int i = first; i < first + count; ++i) {
      m.complete({.purpose = {.expansion = static_cast<std::uint64_t>(i)},
                  .messages = {{.parts = {{.text = "task " + std::to_string(i)}}}}},
                 [&got, i](Result<ModelReply> reply) { got.emplace(i, std::move(reply)); });
    }
    loop->after(seconds(20), [this] { loop->stop(); });
    const auto watch = [&](auto& self) -> void {
      if (static_cast<int>(got.size()) == count)
        loop->stop();
      else
        loop->after(milliseconds(10), [&] { self(self); });
    };
    watch(watch);
    loop->run();
    return got;
  }
  int posted() {
    const std::string log = fetch(*loop, *http, {.url = server.url("/log")}).body;
    int count = 0;
    for (std::size_t at = 0; (at = log.find("{\"method\": \"POST\"", at)) != log.npos; ++at) ++count;
    return count;
  }
};

INSTANTIATE_TEST_SUITE_P(Both, BatchTest, testing::Values("openai", "anthropic"),
                         [](const auto& p) { return p.param; });

TEST_P(BatchTest, GoesOutAsOneAndComesBackInAnyOrderAtHalfThePrice) {
  const auto m = model();
  const auto got = ask_all(*m, 0, 5);
  ASSERT_EQ(got.size(), 5U);
  for (const auto& [i, reply] : got) {
    ASSERT_TRUE(reply) << reply.error().message;
    EXPECT_EQ(reply->text, "batched task " + std::to_string(i));
    EXPECT_NEAR(reply->usage.usd.value(), 0.5 * (100 + 100) * 1e-6, 1e-12);
  }
  EXPECT_EQ(posted(), GetParam() == "openai" ? 2 : 1);
}

TEST_P(BatchTest, AnotherProcessGoesOnWithoutAskingTwice) {
  {
    const auto m = model();
    for (int i = 0; i < 3; ++i) {
      m->complete({.purpose = {.expansion = static_cast<std::uint64_t>(i)},
                   .messages = {{.parts = {{.text = "task " + std::to_string(i)}}}}},
                  [](auto) { ADD_FAILURE() << "too early"; });
    }
    for (int i = 0; i < 200 && !fs::exists(options.batch_folder / "requests-0001.sent"); ++i) {
      loop->after(milliseconds(5), [this] { loop->stop(); });
      loop->run();
    }
  }
  ASSERT_TRUE(fs::exists(options.batch_folder / "requests-0001.sent"));
  const int before = posted();
  {
    const auto m = model();
    const auto got = ask_all(*m, 0, 3);
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got.at(2).value().text, "batched task 2");
  }
  const auto m = model();  // and once more, from the answers that lie there
  EXPECT_EQ(ask_all(*m, 0, 3).size(), 3U);
  EXPECT_EQ(posted(), before);
}

TEST_P(BatchTest, AnUploadOfUnknownFateIsSettledByThePersonWhoPays) {
  {
    const auto m = model();
  }
  ASSERT_TRUE(write_file(options.batch_folder / "requests-0001.jsonl", "{\"custom_id\":\"x\"}\n"));
  ASSERT_TRUE(write_file(options.batch_folder / "requests-0001.sending", ""));
  const auto made = make_model("batch:" + GetParam() + "/local", parts(), options);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, ErrorKind::user);
  EXPECT_THAT(made.error().message, AllOf(HasSubstr("requests-0001.sending"), Not(HasSubstr("\n"))));
}

TEST_P(BatchTest, ARefusedBatchIsOneLineAndLeavesNothingInDoubt) {
  const auto m = model("batch:", "nowhere/at/all");
  const auto got = ask_all(*m, 0, 2);
  ASSERT_EQ(got.size(), 2U);
  ASSERT_FALSE(got.at(0));
  EXPECT_THAT(got.at(0).error().message, HasSubstr("404"));
  EXPECT_FALSE(fs::exists(options.batch_folder / "requests-0001.sending"));
}

TEST_P(BatchTest, ABatchWithoutANameIsOneLineAndIsNotMadeAgain) {
  const auto m = model("batch:", "batch_numbered");
  const auto got = ask_all(*m, 0, 2);
  ASSERT_EQ(got.size(), 2U);
  ASSERT_FALSE(got.at(0));
  EXPECT_THAT(got.at(0).error().message, HasSubstr("made a batch without a name"));
  EXPECT_TRUE(fs::exists(options.batch_folder / "requests-0001.sending"));
}

TEST_P(BatchTest, FilesAreCarriedByHand) {
  const auto m = model("batch-files:");
  loop->after(
      milliseconds(400), [&] {  // the person: answers what the file asks, the last first, with a stranger's line
        const std::string asked = read_file(options.batch_folder / "requests-0001.jsonl").value_or("");
        std::string answers;
        std::istringstream lines(asked);
        for (std::string line; std::getline(lines, line);) {
          const auto json = nlohmann::json::parse(line);
          const bool openai = GetParam() == "openai";
          const nlohmann::json message =
              openai
                  ? nlohmann::json::parse(R"({"choices":[{"message":{"content":"by hand"},"finish_reason":"stop"}]})")
                  : nlohmann::json::parse(R"({"content":[{"type":"text","text":"by hand"}],"stop_reason":"end_turn"})");
          nlohmann::json answer = {{"custom_id", json.at("custom_id")}};
          if (openai)
            answer["response"] = {{"status_code", 200}, {"body", message}};
          else
            answer["result"] = {{"type", "succeeded"}, {"message", message}};
          answers = answer.dump() + "\n" + answers;
        }
        ASSERT_TRUE(
            write_file(options.batch_folder / "answers-mine.jsonl", "{\"custom_id\": 3}\nnot json\n" + answers));
      });
  const auto got = ask_all(*m, 0, 3);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got.at(1).value().text, "by hand");
  EXPECT_EQ(posted(), 0);
}

TEST_P(BatchTest, CancelLeavesTheLoopNothingToWaitFor) {
  options.batch_gather = seconds(60);
  const auto m = model();
  const auto ticket = m->complete({.messages = {{.parts = {{.text = "x"}}}}}, [](auto) { ADD_FAILURE(); });
  m->cancel(ticket);
  const auto start = std::chrono::steady_clock::now();
  loop->run();
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(1));
}

TEST(Batches, NeedAFolder) {
  const auto loop = make_loop(1).value();
  const auto http = make_http(*loop).value();
  FakeKeys keys;
  keys.keys["openai"] = "k";
  const Prices prices;
  const SystemClock clock;
  EXPECT_THAT(make_model("batch:openai/x", {*loop, *http, keys, prices, clock, Random(1)}).error().message,
              HasSubstr("folder"));
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
