// Whole sessions with models that write what is known, cannot be asked, or are broken off.
#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "model_session.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

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
