// Whole sessions whose replies come in a batch that outlives its process.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <sstream>

#include "model_session.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

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

}  // namespace
}  // namespace kerf
