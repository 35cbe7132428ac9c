// Whole sessions over the LiteLLM proxy in both dialects, several synthesizers at once. What answers is a script
// (tests/cases/sessions/player.py) or a reply that the proxy holds.
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

#include "model_session.h"

namespace kerf {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* fixed_reply =
    "      mock_response: |\n"
    "        One pass over both inputs.\n"
    "\n"
    "        Change: fused\n"
    "\n"
    "        ```cpp\n"
    "        /* /// kerf\n"
    "        version = 1\n"
    "        supports = \"x.ndim == 2\"\n"
    "        [[step]]\n"
    "        launch = \"row_mean\"\n"
    "        grid = [\"x.shape[0]\"]\n"
    "        args = [\"x\", \"y\", \"out\", \"x.shape[1]\", \"init.slope\"]\n"
    "        /// */\n"
    "        extern \"C\" void row_mean(const float* x, const float* y, float* out, int64_t n, float slope, int64_t "
    "row) {\n"
    "          double sum = 0;\n"
    "          for (int64_t i = row * n; i < (row + 1) * n; ++i) {\n"
    "            const float z = tanh1(x[i] * slope) + sigmoid1(y[i]);\n"
    "            sum += static_cast<double>(z * z);\n"
    "          }\n"
    "          out[row] = static_cast<float>(sum / static_cast<double>(n));\n"
    "        }\n"
    "        ```\n";

struct GatewaySession : ModelSession, testing::WithParamInterface<std::string> {
  static void SetUpTestSuite() {
    if (!Gateway::installed()) return;
    server = std::make_unique<ModelServer>();
    gateway = std::make_unique<Gateway>(
        "  - model_name: player\n"
        "    litellm_params: {model: hosted_vllm/local, api_key: unused, api_base: \"" +
        server->url("/player/v1") +
        "\"}\n"
        "  - model_name: fixed\n"
        "    litellm_params:\n"
        "      model: openai/gpt-mock\n"
        "      api_key: unused\n" +
        fixed_reply);
  }
  static void TearDownTestSuite() {
    gateway.reset();
    server.reset();
  }
  void SetUp() override {
    if (!gateway) GTEST_SKIP() << "unavailable: no " << Gateway::program() << ": scripts/setup.sh tests";
    ASSERT_TRUE(gateway->up()) << "the gateway did not start";
    set_price(gateway->host());
    std::string name = "KERF_KEY_" + gateway->host();
    for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    environment[name] = Gateway::key;
  }
  // The bill of the session as its conversations have it.
  json exchanges_of(const json& shown) {
    json all = json::array();
    for (const auto& node : shown["nodes"]) {
      const json one = kerf_json({"show", node["name"].get<std::string>(), "--conversation"});
      if (!one.is_object()) continue;
      for (const auto& exchange : one["conversation"]) all.push_back(exchange);
    }
    return all;
  }

  static inline std::unique_ptr<ModelServer> server;
  static inline std::unique_ptr<Gateway> gateway;
};

INSTANTIATE_TEST_SUITE_P(Both, GatewaySession, testing::Values("openai", "anthropic"),
                         [](const auto& p) { return p.param; });

TEST_P(GatewaySession, GoesFromAKeyInTheEnvironmentToAnExportedKernelWithItsBill) {
  const std::string model = GetParam() + "/player";
  const Finished ended = kerf({"optimize", problem, "--synthesizer", model, "--base-url", gateway->url(GetParam()),
                               "--budget", "3candidates,2usd", "--confirm", GetParam() == "openai" ? "1" : "0", "--out",
                               "out", "--progress", "plain"});
  ASSERT_EQ(ended.exit_code, 0);
  EXPECT_THAT(ended.output, AllOf(HasSubstr("What it cost"), HasSubstr("$"), Not(HasSubstr("unknown"))));
  const json shown = kerf_json({"show", "last"});
  ASSERT_TRUE(shown.is_object());
  EXPECT_EQ(shown["candidates"], 3);
  EXPECT_GE(shown["spend"]["calls"].get<int>(), 3);
  const auto in = shown["spend"]["tokens_in"].get<double>(), out = shown["spend"]["tokens_out"].get<double>();
  EXPECT_GT(in, 1'000);
  EXPECT_GT(out, 100);
  EXPECT_NEAR(shown["spend"]["usd"].get<double>(), (3 * in + 15 * out) * 1e-6, 1e-6);
  ASSERT_TRUE(shown["best"].is_object());
  ASSERT_EQ(kerf({"export", "last", "--format", "pytorch", "--out", "fast.py"}).exit_code, 0);
  EXPECT_THAT(read_file(folder.path() / "fast.py").value_or(""), HasSubstr("ModelNew"));
  // The key went to the gateway and nowhere else.
  EXPECT_GE(children, 3) << "compiler, oracle and runner at least";
  EXPECT_THAT(told_key, testing::IsEmpty());
  for (const std::string& each : said) EXPECT_THAT(each, Not(HasSubstr(Gateway::key)));
  int files = 0;
  EXPECT_THAT(holding(Gateway::key, files), testing::IsEmpty());
  EXPECT_GE(files, 5);
}

TEST_P(GatewaySession, ARepetitionCostsNoEvaluationAndIsTold) {
  if (GetParam() != "openai") GTEST_SKIP() << "of the dialect nothing depends here";
  const json ended =
      kerf_json({"optimize", problem, "--synthesizer", "openai/fixed", "--base-url", gateway->url("openai"), "--budget",
                 "20candidates,60000tokens", "--jobs", "1", "--confirm", "0", "--out", "out"});
  ASSERT_TRUE(ended.is_object());
  EXPECT_EQ(ended["candidates"], 1) << "it has one thing to say";
  EXPECT_THAT(ended["stopped_by"].get<std::string>(), AnyOf("tokens", "exhausted"));
  EXPECT_GE(ended["spend"]["calls"].get<int>(), 4) << "an expansion and its corrections";
  const auto tokens = ended["spend"]["tokens_in"].get<int>() + ended["spend"]["tokens_out"].get<int>();
  EXPECT_GE(tokens, 30'000);
  EXPECT_LE(tokens, 60'000 + 1'000)
      << "no correction is begun that the budget has no room for, as large as the largest";
}

TEST_P(GatewaySession, DollarsAreOverrunByNoMoreThanTheCallsInFlight) {
  if (GetParam() != "anthropic") GTEST_SKIP() << "of the dialect nothing depends here";
  const json ended = kerf_json({"optimize", problem, "--synthesizer", "anthropic/player", "--base-url",
                                gateway->url("anthropic"), "--budget", "100candidates,0.12usd", "--max-tokens", "2000",
                                "--jobs", "2", "--confirm", "0", "--out", "out"});
  ASSERT_TRUE(ended.is_object());
  EXPECT_EQ(ended["stopped_by"], "dollars");
  const json shown = kerf_json({"show", "last"});
  double largest = 0;
  for (const auto& exchange : exchanges_of(shown))
    largest = std::max(largest, exchange["reply"]["usage"]["usd"].get<double>());
  EXPECT_GT(largest, 0);
  EXPECT_LE(ended["spend"]["usd"].get<double>(), 0.12 + 2 * largest);
  EXPECT_GE(ended["spend"]["usd"].get<double>(), 0.12 - 3 * largest) << "and it was not given up long before";
}

TEST_P(GatewaySession, SeveralAtOnceAreChosenByTheBanditAndSayWhoWrote) {
  if (GetParam() != "openai") GTEST_SKIP() << "of the dialect nothing depends here";
  const json ended =
      kerf_json({"optimize", problem, "--synthesizer", "openai/fixed,openai/player:3,builtin", "--base-url",
                 gateway->url("openai"), "--budget", "7candidates", "--confirm", "0", "--out", "out"});
  ASSERT_TRUE(ended.is_object());
  EXPECT_EQ(ended["candidates"], 7);
  const json shown = kerf_json({"show", "last"});
  std::set<std::string> members;
  for (const auto& node : shown["nodes"]) {
    if (!node["by"].is_object()) continue;
    members.insert(node["by"]["member"].get<std::string>());
    EXPECT_GT(node["by"]["propensity"].get<double>(), 0);
  }
  EXPECT_GE(members.size(), 2U);
  EXPECT_THAT(members, testing::IsSubsetOf({"openai/fixed", "openai/player", "builtin"}));
}

}  // namespace
}  // namespace kerf
