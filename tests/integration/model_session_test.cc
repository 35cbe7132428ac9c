// Whole sessions of the real binary with models: in a batch that outlives its process, over a connection that is broken
// off. What answers is a script, tests/cases/sessions/player.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "model_server.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kerf_binary = std::string(KERF_BUILD) + "/kerf";
const std::string problem = std::string(KERF_CASES) + "/problems/softsign_row_mean.py";
constexpr std::chrono::minutes patience{15};

struct ModelSession : testing::Test {
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-model").value();
  std::vector<std::string> said;

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
    return c;
  }
  Finished kerf(const std::vector<std::string>& arguments) {
    auto finished = run(command(arguments), patience);
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
};

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
  EXPECT_EQ(shown["candidates"], 4);
  const auto in = shown["spend"]["tokens_in"].get<double>(), out = shown["spend"]["tokens_out"].get<double>();
  EXPECT_NEAR(shown["spend"]["usd"].get<double>(), 0.5 * (3 * in + 15 * out) * 1e-6, 1e-6) << "half the price";
  EXPECT_LE(shown["spend"]["calls"].get<std::size_t>(), carrier.answered.size()) << "paid once each";
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
