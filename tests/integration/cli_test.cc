// The binary as a user runs it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/paths.h"
#include "base/process.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

namespace fs = std::filesystem;

const std::string kerf_binary = std::string(KERF_BUILD) + "/kerf";
const std::string problems = std::string(KERF_CASES) + "/problems/";

struct CliTest : testing::Test {
  void SetUp() override {
    auto made = TemporaryDirectory::create("kerf-cli");
    ASSERT_TRUE(made);
    folder = std::make_unique<TemporaryDirectory>(std::move(*made));
    home = folder->path() / "home";
  }

  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kerf_binary);
    Command c{.argv = std::move(arguments), .environment = clean_environment(), .directory = folder->path()};
    c.environment["KERF_HOME"] = home;
    if (const char* python = std::getenv("KERF_PYTHON")) c.environment["KERF_PYTHON"] = python;
    return c;
  }
  Finished kerf(std::vector<std::string> arguments, int seconds = 300) const {
    auto finished = run(command(std::move(arguments)), std::chrono::seconds(seconds));
    EXPECT_TRUE(finished) << finished.error().message;
    return finished ? *finished : Finished{};
  }
  // A user error is one line on standard error that starts with the program's name, nothing on standard output, exit 2.
  void expect_user_error(const std::vector<std::string>& arguments, const char* part) const {
    const Finished f = kerf(arguments);
    EXPECT_EQ(f.exit_code, 2) << f.errors;
    EXPECT_THAT(f.output, IsEmpty());
    EXPECT_THAT(f.errors, AllOf(StartsWith("kerf: "), HasSubstr(part)));
    EXPECT_EQ(std::ranges::count(f.errors, '\n'), 1) << f.errors;
  }
  // Waits until the session has judged `n` candidates, as another process sees it.
  bool judged(int n) const {
    for (int i = 0; i < 600; ++i) {
      const Finished f = kerf({"sessions", "--json"});
      const auto json = nlohmann::json::parse(f.output, nullptr, false);
      if (json.is_object() && !json["sessions"].empty() && json["sessions"][0]["candidates"].get<int>() >= n)
        return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return false;
  }
  int nodes_kept() const {
    const auto json = nlohmann::json::parse(kerf({"show", "last", "--json"}).output, nullptr, false);
    return json.is_object() ? static_cast<int>(json["nodes"].size()) : -1;
  }

  std::unique_ptr<TemporaryDirectory> folder;
  fs::path home;
};

TEST_F(CliTest, HelpNamesEveryCommandAndGivesExamples) {
  const Finished f = kerf({"--help"});
  EXPECT_EQ(f.exit_code, 0);
  for (const char* word : {"optimize", "evaluate", "sessions", "show", "export", "resume", "problem", "suite", "doctor",
                           "completion", "Examples:"}) {
    EXPECT_THAT(f.output, HasSubstr(word));
  }
  EXPECT_THAT(kerf({"optimize", "--help"}).output, AllOf(HasSubstr("--budget"), HasSubstr("Example:")));
  EXPECT_THAT(kerf({"--version"}).output, StartsWith("kerf "));
}

TEST_F(CliTest, BadArgumentsAreOneLine) {
  expect_user_error({}, "--help");
  expect_user_error({"fly"}, "fly");
  expect_user_error({"optimize"}, "problem");
  expect_user_error({"optimize", problems + "row_softmax.py", "--budget", "12bananas"}, "bananas");
  expect_user_error({"optimize", problems + "row_softmax.py", "--policy", "astrology"}, "astrology");
  expect_user_error({"optimize", problems + "row_softmax.py", "--target", "nvidia"}, "unavailable");
  expect_user_error({"optimize", problems + "row_softmax.py", "--synthesizer", "openai/x"}, "unavailable");
  expect_user_error({"show", "nosuchsession"}, "nosuchsession");
  expect_user_error({"resume", "nosuchsession"}, "nosuchsession");
  expect_user_error({"suite", "report", "nosuchrun"}, "nosuchrun");
}

TEST_F(CliTest, BadFilesAreOneLine) {
  expect_user_error({"optimize", "nofile.py"}, "nofile.py");
  expect_user_error({"evaluate", problems + "row_softmax.py", "nofile.cpp"}, "nofile.cpp");
  expect_user_error({"optimize", problems + "no_model.py"}, "Model");
  expect_user_error({"optimize", problems + "always_zero.py"}, "degenerate");
  expect_user_error({"problem", "show", problems + "row_softmax.py", "--set", "nonsense"}, "NAME=VALUE");
  expect_user_error({"sessions", "--store", "/proc/nowhere/kerf.db"}, "/proc/nowhere");
}

TEST_F(CliTest, CompletionScriptsAreValidBash) {
  const Finished script = kerf({"completion", "bash"});
  ASSERT_EQ(script.exit_code, 0);
  const auto checked = run({.argv = {"/bin/bash", "-n"},
                            .environment = clean_environment(),
                            .directory = {},
                            .inherit = {},
                            .input = script.output},
                           std::chrono::seconds(10));
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->exit_code, 0) << checked->errors;
}

TEST_F(CliTest, AFullDiskIsOneLine) {
  Command c{.argv = {"/bin/sh", "-c", kerf_binary + " --help > /dev/full"}, .environment = clean_environment()};
  const auto f = run(c, std::chrono::seconds(10));
  ASSERT_TRUE(f);
  EXPECT_EQ(f->exit_code, 2);
  EXPECT_THAT(f->errors, AllOf(StartsWith("kerf: cannot write to standard output"), HasSubstr("No space left")));
}

TEST_F(CliTest, DoctorTellsWhatIsThereAsJson) {
  const Finished f = kerf({"doctor", "--json"});
  const auto json = nlohmann::json::parse(f.output, nullptr, false);
  ASSERT_TRUE(json.is_object()) << f.output << f.errors;
  EXPECT_TRUE(json.contains("healthy") && json["findings"].size() >= 8);
}

TEST_F(CliTest, OptimizeEndsWithOneJsonDocumentAndFiles) {
  const Finished f =
      kerf({"optimize", problems + "softsign_row_mean.py", "--budget", "3candidates", "--json", "--out", "out"});
  ASSERT_EQ(f.exit_code, 0) << f.errors;
  const auto json = nlohmann::json::parse(f.output, nullptr, false);
  ASSERT_TRUE(json.is_object()) << f.output;
  for (const char* name :
       {"session", "problem", "target", "candidates", "seconds", "stopped_by", "spend", "best", "files"})
    EXPECT_TRUE(json.contains(name)) << name;
  EXPECT_EQ(json["candidates"], 3);
  EXPECT_EQ(json["stopped_by"], "candidates");
  EXPECT_EQ(json["best"]["evaluation"]["verdict"], "measured");
  for (const auto& file : json["files"]) EXPECT_TRUE(fs::exists(folder->path() / file.get<std::string>())) << file;
  EXPECT_THAT(kerf({"show", "last"}).output, HasSubstr("The tree"));
  EXPECT_THAT(kerf({"show", "last/0"}).output, HasSubstr("identity"));
  EXPECT_THAT(kerf({"export", "last/0", "--format", "source"}).output, HasSubstr("/// kerf"));
  const Finished evaluated =
      kerf({"evaluate", problems + "softsign_row_mean.py", "out/kernel.cpp", "--screen", "--json"});
  EXPECT_EQ(nlohmann::json::parse(evaluated.output, nullptr, false)["verdict"], "measured") << evaluated.errors;
}

TEST_F(CliTest, CtrlCEndsCleanlyAndTheSessionIsResumed) {
  auto process = Process::start(
      command({"optimize", problems + "softsign_row_mean.py", "--budget", "6candidates", "--jobs", "1"}));
  ASSERT_TRUE(process);
  ASSERT_TRUE(judged(1));
  ::kill(process->pid(), SIGINT);
  for (int i = 0; i < 100 && process->running(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(process->describe_end(), "exit 130");
  const int before = nodes_kept();
  EXPECT_GE(before, 2);
  const Finished resumed = kerf({"resume", "last", "--json"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_EQ(nlohmann::json::parse(resumed.output)["candidates"], 6);
}

TEST_F(CliTest, KilledItLosesNothingThatWasRecorded) {
  auto process = Process::start(
      command({"optimize", problems + "softsign_row_mean.py", "--budget", "5candidates", "--jobs", "2"}));
  ASSERT_TRUE(process);
  ASSERT_TRUE(judged(2));
  process->kill();
  const int before = nodes_kept();
  EXPECT_GE(before, 3);
  EXPECT_THAT(kerf({"sessions"}).output, HasSubstr("can be resumed"));
  const Finished resumed = kerf({"resume", "last", "--json"});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.errors;
  EXPECT_EQ(nlohmann::json::parse(resumed.output)["candidates"], 5);
  EXPECT_GE(nodes_kept(), before);
}

}  // namespace
}  // namespace kerf
