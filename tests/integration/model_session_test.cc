// Whole sessions of the real binary with models: over the LiteLLM proxy in both dialects, in a batch that outlives its
// process, several at once. What answers is a script (tests/cases/sessions/player.py) or a reply that the proxy holds.
#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <utility>

#include "gateway.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

const std::string kerf_binary = std::string(KERF_BUILD) + "/kerf";
const std::string problem = std::string(KERF_CASES) + "/problems/softsign_row_mean.py";
constexpr std::chrono::minutes patience{15};

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

// Every process below `root` that is there now.
std::set<int> descendants(int root) {
  std::map<int, int> parents;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/proc", code)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    const std::string stat = read_file(entry.path() / "stat").value_or("");
    const std::size_t behind = stat.rfind(')');
    if (behind == stat.npos) continue;
    std::istringstream fields(stat.substr(behind + 1));
    char state = 0;
    int parent = 0;
    fields >> state >> parent;
    parents[std::stoi(name)] = parent;
  }
  std::set<int> found{root};
  for (std::size_t before = 0; before != found.size();) {
    before = found.size();
    for (const auto& [pid, parent] : parents)
      if (found.contains(parent)) found.insert(pid);
  }
  found.erase(root);
  return found;
}

struct ModelSession : testing::Test {
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-model").value();
  std::map<std::string, std::string> environment;
  std::vector<std::string> said;
  int children = 0;                   // whose environment was looked at
  std::vector<std::string> told_key;  // those that held the key

  void TearDown() override {
    if (!HasFailure()) return;
    for (const std::string& each : said) std::cerr << each;
  }
  void set_price(const std::string& host) const {
    std::error_code code;
    fs::create_directories(folder.path() / "config", code);
    ASSERT_TRUE(write_file(folder.path() / "config" / "prices.toml",
                           "[\"" + host + "\"]\n\"*\" = { input = 3, output = 15, batch = 0.5 }\n"));
  }
  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kerf_binary);
    Command c{.argv = std::move(arguments), .environment = clean_environment(), .directory = folder.path()};
    c.environment["KERF_HOME"] = folder.path() / "home";
    c.environment["KERF_CONFIG"] = folder.path() / "config";
    c.environment["KERF_PYTHON"] = python();
    for (const auto& [name, value] : environment) c.environment[name] = value;
    return c;
  }
  // Runs it to its end and meanwhile looks for the key in the environments of all that it starts.
  Finished kerf(const std::vector<std::string>& arguments) {
    std::atomic<bool> over = false;
    const int self = ::getpid();
    std::thread watch([&] {
      std::set<std::pair<int, std::string>> seen;  // a process that becomes another program is looked at again
      while (!over) {
        for (const int pid : descendants(self)) {
          std::error_code code;
          const fs::path program = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", code);
          // Of another user, or gone: nothing to read. kerf itself is given the key.
          if (code || program.filename() == "kerf" || seen.contains({pid, program.string()})) continue;
          const std::string text = read_file("/proc/" + std::to_string(pid) + "/environ").value_or("");
          if (text.empty()) continue;
          seen.emplace(pid, program.string());
          ++children;
          if (text.find(Gateway::key) != text.npos) told_key.push_back(program.string());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    });
    auto finished = run(command(arguments), patience);
    over = true;
    watch.join();
    EXPECT_TRUE(finished) << finished.error().message;
    if (!finished) return {};
    std::string line = "kerf";
    for (const std::string& argument : arguments) line += " " + argument;
    said.push_back(line + ": " + finished->describe() + "\n" + finished->errors.substr(0, 4000) +
                   finished->output.substr(0, 4000) + "\n");
    return *finished;
  }
  json kerf_json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return json::parse(kerf(arguments).output, nullptr, false);
  }
  // Every file below the folder that holds `text`; how many there are is in `files`.
  std::vector<std::string> holding(const std::string& text, int& files) const {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
      if (!entry.is_regular_file()) continue;
      ++files;
      if (read_file(entry.path()).value_or("").find(text) != std::string::npos) found.push_back(entry.path());
    }
    return found;
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
};

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
  static inline std::unique_ptr<ModelServer> server;
  static inline std::unique_ptr<Gateway> gateway;
};

INSTANTIATE_TEST_SUITE_P(Both, GatewaySession, testing::Values("openai", "anthropic"),
                         [](const auto& p) { return p.param; });

TEST_P(GatewaySession, GoesFromAKeyInTheEnvironmentToAnExportedKernelWithItsBill) {
  const std::string model = GetParam() + "/player";
  const Finished ended =
      kerf({"optimize", problem, "--synthesizer", model, "--base-url", gateway->url(GetParam()), "--budget",
            "3candidates,2usd", "--confirm", "1", "--out", "out", "--progress", "plain"});
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

// What whoever carries a batch by hand does: answers what was asked and has no answer yet.
struct Carrier {
  fs::path folder;
  std::set<std::string> answered;
  int files = 0, twice = 0;
  std::map<std::string, int> asked;

  int answer() {
    std::string answers;
    int count = 0;
    asked.clear();
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(folder, code)) {
      if (!entry.path().filename().string().starts_with("requests-") || entry.path().extension() != ".jsonl") continue;
      std::istringstream lines(read_file(entry.path()).value_or(""));
      for (std::string line; std::getline(lines, line);) {
        const json request = json::parse(line, nullptr, false);
        if (!request.is_object()) continue;
        const std::string id = request["custom_id"];
        if (++asked[id] > 1) ++twice;
        if (!answered.insert(id).second) continue;
        std::string prompt;
        for (const auto& message : request["body"]["messages"]) prompt += message["content"].get<std::string>() + "\n";
        const auto reply = run({.argv = {python(), std::string(KERF_CASES) + "/sessions/player.py"},
                                .environment = clean_environment(),
                                .input = prompt},
                               std::chrono::seconds(60));
        EXPECT_TRUE(reply && reply->ok());
        const json body = {
            {"model", "played-1"},
            {"choices", {{{"message", {{"content", reply->output}}}, {"finish_reason", "stop"}}}},
            {"usage", {{"prompt_tokens", prompt.size() / 4}, {"completion_tokens", reply->output.size() / 4 + 1}}}};
        answers += json{{"custom_id", id}, {"response", {{"status_code", 200}, {"body", body}}}}.dump() + "\n";
        ++count;
      }
    }
    if (count > 0) {
      EXPECT_TRUE(write_file(folder / ("answers-" + std::to_string(++files) + ".jsonl"), answers));
    }
    return count;
  }
};

TEST_F(ModelSession, ABatchOutlivesItsProcessAndNothingIsAskedTwice) {
  set_price("api.openai.com");
  const auto begin = command({"optimize", problem, "--synthesizer", "batch-files:openai/gpt-x", "--budget",
                              "4candidates", "--jobs", "2", "--confirm", "0", "--out", "out"});
  ASSERT_TRUE(write_file(folder.path() / "config" / "prices.toml",
                         "[openai]\n\"gpt-x\" = { input = 3, output = 15, batch = 0.5 }\n"));
  auto process = Process::start(begin);
  ASSERT_TRUE(process);
  const auto limit = std::chrono::steady_clock::now() + patience;
  const auto requests = [&]() -> std::optional<fs::path> {
    std::error_code code;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "home", code))
      if (entry.path().filename() == "requests-0001.jsonl") return entry.path();
    return std::nullopt;
  };
  while (!requests() && process->running() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(requests());
  process->kill();
  Carrier carrier{.folder = requests()->parent_path(), .answered = {}, .asked = {}};
  EXPECT_GE(carrier.answer(), 1) << "while nobody waits";

  auto again = Process::start(command({"resume", "last", "--json", "--progress", "none"}));
  ASSERT_TRUE(again);
  while (again->running() && std::chrono::steady_clock::now() < limit) {
    carrier.answer();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  ASSERT_FALSE(again->running());
  EXPECT_EQ(again->describe_end(), "exit 0");
  EXPECT_EQ(carrier.twice, 0);
  const json shown = kerf_json({"show", "last"});
  ASSERT_TRUE(shown.is_object());
  std::string nodes;
  for (json node : shown["nodes"]) {
    node.erase("evaluation");
    nodes += "\n" + node.dump();
  }
  EXPECT_EQ(shown["candidates"], 4) << "stopped by " << shown["stopped_by"] << nodes;
  const auto in = shown["spend"]["tokens_in"].get<double>(), out = shown["spend"]["tokens_out"].get<double>();
  EXPECT_NEAR(shown["spend"]["usd"].get<double>(), 0.5 * (3 * in + 15 * out) * 1e-6, 1e-6) << "half the price";
  EXPECT_LE(shown["spend"]["calls"].get<std::size_t>(), carrier.answered.size()) << "paid once each";
}

// Uploads, stops, and takes the answers in when it goes on: over the provider's interface, as the server of the tests
// speaks it.
TEST_F(ModelSession, AnUploadedBatchIsTakenInByAResumeAtHalfThePrice) {
  const ModelServer server;
  set_price(server.host());
  auto process = Process::start(
      command({"optimize", problem, "--synthesizer", "batch:openai/local", "--base-url", server.url("/player_batch/v1"),
               "--budget", "3candidates", "--jobs", "3", "--confirm", "0", "--progress", "none"}));
  ASSERT_TRUE(process);
  const auto limit = std::chrono::steady_clock::now() + patience;
  const auto sent = [&] {
    std::error_code code;
    for (const auto& entry : fs::recursive_directory_iterator(folder.path() / "home", code))
      if (entry.path().filename() == "requests-0001.sent") return true;
    return false;
  };
  while (!sent() && process->running() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(sent());
  ::kill(process->pid(), SIGINT);
  while (process->running() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(process->describe_end(), "exit 130");
  const json before = kerf_json({"show", "last"});
  EXPECT_EQ(before["status"], "interrupted");
  EXPECT_EQ(before["spend"]["calls"], 0) << "nothing has come yet";

  const json ended = kerf_json({"resume", "last"});
  ASSERT_TRUE(ended.is_object());
  EXPECT_EQ(ended["candidates"], 3);
  const json shown = kerf_json({"show", "last"});
  const auto calls = shown["spend"]["calls"].get<double>();
  EXPECT_GE(calls, 3);
  // 100 tokens in and 10 out a call, as the server says.
  EXPECT_EQ(shown["spend"]["tokens_in"], 100 * calls);
  EXPECT_NEAR(shown["spend"]["usd"].get<double>(), 0.5 * calls * (100 * 3 + 10 * 15) * 1e-6, 1e-9) << "half the price";
  const auto loop = make_loop(1).value();
  const auto http = make_http(*loop).value();
  std::istringstream log(fetch(*loop, *http, {.url = server.url("/log")}).body);
  std::map<std::string, int> asked;
  int uploads = 0;
  for (std::string line; std::getline(log, line);) {
    const json one = json::parse(line, nullptr, false);
    if (one.value("path", "") != "/player_batch/v1/files") continue;
    ++uploads;
    const std::string body = one["body"];
    for (std::size_t at = 0; (at = body.find("\"custom_id\":\"", at)) != body.npos; ++at)
      ++asked[body.substr(at + 13, body.find('"', at + 13) - at - 13)];
  }
  EXPECT_GE(uploads, 1);
  EXPECT_EQ(static_cast<double>(asked.size()), calls);
  for (const auto& [id, times] : asked) EXPECT_EQ(times, 1) << id << " was uploaded twice";
}

// A server that sends a web page: what was judged is kept, the line says what is wrong, the same line on every resume.
TEST_F(ModelSession, AWrongContentTypeEndsItWithOneLineAndTheSessionIsKept) {
  const ModelServer server;
  for (const auto& arguments : {std::vector<std::string>{"optimize", problem, "--synthesizer", "openai/local",
                                                         "--base-url", server.url("/html/v1"), "--budget",
                                                         "2candidates", "--confirm", "0", "--progress", "none"},
                                std::vector<std::string>{"resume", "last", "--progress", "none"}}) {
    const Finished f = kerf(arguments);
    EXPECT_EQ(f.exit_code, 2);
    EXPECT_THAT(f.errors, AllOf(testing::StartsWith("kerf: "), HasSubstr("text/html"), HasSubstr("is kept")));
    EXPECT_EQ(std::ranges::count(f.errors, '\n'), 1) << f.errors;
  }
  const json shown = kerf_json({"show", "last"});
  EXPECT_EQ(shown["nodes"].size(), 1U);
  EXPECT_EQ(shown["spend"]["calls"], 0);
}

// What a model believes to be new, and the compiler not: another name for a variable.
TEST_F(ModelSession, WhatCompilesToTheCodeOfANodeIsNotRunAndTheModelIsTold) {
  const fs::path script = folder.path() / "renames.py";
  ASSERT_TRUE(write_file(script, R"(import hashlib, sys
prompt = sys.stdin.read()
name = "v" + hashlib.sha256(prompt.encode()).hexdigest()[:8]
print(f"""Change: {name}

```cpp
/* /// kerf
version = 1
supports = "x.ndim == 2"
[[step]]
launch = "row_mean"
grid = ["x.shape[0]"]
args = ["x", "y", "out", "x.shape[1]", "init.slope"]
/// */
extern "C" void row_mean(const float* x, const float* y, float* out, int64_t n, float slope, int64_t row) {{
  double {name} = 0;
  for (int64_t i = row * n; i < (row + 1) * n; ++i) {{
    const float z = tanh1(x[i] * slope) + sigmoid1(y[i]);
    {name} += static_cast<double>(z * z);
  }}
  out[row] = static_cast<float>({name} / static_cast<double>(n));
}}
```""")
)"));
  const json ended = kerf_json({"optimize", problem, "--synthesizer", "command:" + python() + " " + script.string(),
                                "--budget", "4candidates", "--jobs", "1", "--confirm", "0", "--out", "out"});
  ASSERT_TRUE(ended.is_object());
  EXPECT_EQ(ended["candidates"], 4);
  const json shown = kerf_json({"show", "last"});
  ASSERT_EQ(shown["nodes"].size(), 5U);
  for (int i = 2; i <= 4; ++i) {
    const json node = kerf_json({"show", "last/" + std::to_string(i)});
    const json& evaluation = node["evaluation"];
    EXPECT_EQ(evaluation["verdict"], "rejected");
    EXPECT_EQ(evaluation["rule"], "repetition");
    EXPECT_THAT(evaluation["message"].get<std::string>(), HasSubstr("node 1, whose verdict was measured"));
    std::vector<std::string> jobs;
    for (const auto& job : evaluation["jobs"]) jobs.push_back(job["kind"]);
    EXPECT_THAT(jobs, testing::ElementsAre("lint", "compile"));
  }
  EXPECT_EQ(kerf_json({"show", "last/1"})["evaluation"]["code"], kerf_json({"show", "last/4"})["evaluation"]["code"]);
  // What is built upon which node depends on times; whoever repairs a repetition is told that it is one.
  for (const auto& node : shown["nodes"]) {
    if (node["parents"].empty() || node["parents"][0].get<int>() < 2) continue;
    EXPECT_THAT(kerf({"show", node["name"].get<std::string>(), "--prompt"}).output,
                HasSubstr("compiles to the same code"));
  }
  // A replay needs no compiler to know it.
  ASSERT_EQ(kerf({"export", "last", "--format", "recording", "--out", "talk.jsonl"}).exit_code, 0);
  environment["KERF_CXX"] = "/nonexistent/compiler";
  ASSERT_EQ(
      kerf({"optimize", "--synthesizer", "replay:talk.jsonl", "--evaluations", "recorded", "--out", "again"}).exit_code,
      0);
  EXPECT_EQ(kerf_json({"show", "last"})["tree"], shown["tree"]);
}

// Before PyTorch is started, a compiler called or a token spent.
TEST_F(ModelSession, AServerThatCannotBeAskedIsToldAtOnce) {
  const ModelServer server;
  set_price(server.host());
  const auto refused = [&](const std::string& name, const std::string& url, const std::string& what) {
    const auto began = std::chrono::steady_clock::now();
    const Finished f = kerf({"optimize", problem, "--synthesizer", name, "--base-url", url, "--budget", "1candidates"});
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10)) << what;
    EXPECT_EQ(f.exit_code, 2) << what;
    EXPECT_THAT(f.errors, AllOf(HasSubstr(what), testing::StartsWith("kerf: "))) << what;
    EXPECT_EQ(std::ranges::count(f.errors, '\n'), 1) << f.errors;
    EXPECT_EQ(f.output, "");
  };
  refused("openai/local", "http://127.0.0.1:9/v1", "127.0.0.1:9");
  refused("anthropic/local", "http://127.0.0.1:9", "127.0.0.1:9");
  refused("openai/local", server.url("/refuse_key/v1"), "wants a key");
  refused("batch:openai/local", server.url("/refuse_key/v1"), "wants a key");
  refused("openai/local,builtin", "https://localhost:1/v1", "localhost:1");
  ASSERT_TRUE(write_file(folder.path() / "config" / "keys.toml", "\"127.0.0.1:9\" = \"sk-1\"\n"));
  fs::permissions(folder.path() / "config" / "keys.toml", fs::perms(0644));
  refused("openai/local", "http://127.0.0.1:9/v1", "chmod 600");
  fs::remove(folder.path() / "config" / "keys.toml");
  const json none = kerf_json({"sessions"});
  EXPECT_EQ(none["sessions"].size(), 0U) << none;
  // What a list leaves out is said, and asked all the same.
  const Finished unlisted =
      kerf({"optimize", problem, "--synthesizer", "openai/nosuch", "--base-url", server.url("/player/v1"), "--budget",
            "1candidates", "--confirm", "0", "--progress", "plain", "--out", "out"});
  EXPECT_EQ(unlisted.exit_code, 0);
  EXPECT_THAT(unlisted.errors, HasSubstr("lists no model nosuch; it lists local, other"));
}

TEST_F(ModelSession, CtrlCInTheMiddleOfAReplyEndsAtOnceAndTheSessionGoesOn) {
  const ModelServer server;
  set_price(server.host());
  auto process = Process::start(
      command({"optimize", problem, "--synthesizer", "openai/local", "--base-url", server.url("/player_stalls/v1"),
               "--budget", "3candidates", "--jobs", "1", "--confirm", "0", "--progress", "none"}));
  ASSERT_TRUE(process);
  const auto loop = make_loop(1).value();
  const auto http = make_http(*loop).value();
  const auto calls = [&] {
    const std::string log = fetch(*loop, *http, {.url = server.url("/log")}).body;
    return std::count(log.begin(), log.end(), '\n') + (log.empty() ? 0 : 1);
  };
  const auto limit = std::chrono::steady_clock::now() + patience;
  while (calls() < 2 && process->running() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ASSERT_EQ(calls(), 2);
  ::kill(process->pid(), SIGINT);
  const auto asked = std::chrono::steady_clock::now();
  while (process->running() && std::chrono::steady_clock::now() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(process->describe_end(), "exit 130");
  EXPECT_LT(std::chrono::steady_clock::now() - asked, std::chrono::seconds(30)) << "it does not wait for the reply";
  const json before = kerf_json({"show", "last"});
  EXPECT_EQ(before["spend"]["calls"], 1);
  const json ended = kerf_json({"resume", "last"});
  ASSERT_TRUE(ended.is_object());
  EXPECT_EQ(ended["candidates"], 3);
  EXPECT_EQ(ended["spend"]["calls"].get<int>(), calls() - 1) << "one call was broken off, none was made twice";
}

}  // namespace
}  // namespace kerf
