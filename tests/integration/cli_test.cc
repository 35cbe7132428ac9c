// The binary as a user runs it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
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

// No expectation here is about speed, and limits are for hangs alone: the machine may be slow and busy.
constexpr std::chrono::minutes patience{15};

struct CliTest : testing::Test {
  void SetUp() override {
    auto made = TemporaryDirectory::create("kerf-cli");
    ASSERT_TRUE(made);
    folder = std::make_unique<TemporaryDirectory>(std::move(*made));
    home = folder->path() / "home";
  }
  // What every command printed, for whoever reads a failure.
  void TearDown() override {
    if (!HasFailure()) return;
    for (const std::string& each : said) std::cerr << each;
    if (const auto log = read_file(folder->path() / "background.log"); log && !log->empty())
      std::cerr << "in the background:\n" << *log;
  }

  Command command(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), kerf_binary);
    Command c{.argv = std::move(arguments), .environment = clean_environment(), .directory = folder->path()};
    c.environment["KERF_HOME"] = home;
    if (const char* python = std::getenv("KERF_PYTHON")) c.environment["KERF_PYTHON"] = python;
    return c;
  }
  Finished kerf(const std::vector<std::string>& arguments) {
    auto finished = run(command(arguments), patience);
    EXPECT_TRUE(finished) << finished.error().message;
    if (!finished) return {};
    std::string line = "kerf";
    for (const std::string& argument : arguments) line += " " + argument;
    said.push_back(line + ": " + finished->describe() + "\n" + finished->errors.substr(0, 4000) +
                   finished->output.substr(0, 2000) + "\n");
    return *finished;
  }
  // What a command with --json printed; discarded if that was no JSON.
  nlohmann::json kerf_json(std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return nlohmann::json::parse(kerf(arguments).output, nullptr, false);
  }
  // A user error is one line on standard error that starts with the program's name, nothing on standard output, exit 2.
  void expect_user_error(const std::vector<std::string>& arguments, const char* part) {
    const Finished f = kerf(arguments);
    EXPECT_EQ(f.exit_code, 2) << f.errors;
    EXPECT_THAT(f.output, IsEmpty());
    EXPECT_THAT(f.errors, AllOf(StartsWith("kerf: "), HasSubstr(part)));
    EXPECT_EQ(std::ranges::count(f.errors, '\n'), 1) << f.errors;
  }
  // A search in the background that will not end by itself while a test looks at it.
  Process search(const char* jobs, const std::string& synthesizer = "builtin") {
    const auto log = folder->path() / "background.log";
    const Fd fd(::open(log.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    auto started = Process::start(command({"optimize", problems + "softsign_row_mean.py", "--budget", "1000candidates",
                                           "--jobs", jobs, "--progress", "json", "--synthesizer", synthesizer}),
                                  fd.get());
    EXPECT_TRUE(started) << started.error().message;
    return started ? std::move(*started) : Process{};
  }
  // Waits until the session has judged `n` candidates, as another process sees it, or the process has ended.
  bool judged(Process& process, int n) {
    const auto limit = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < limit) {
      const bool ended = !process.running();
      const auto f = run(command({"sessions", "--json"}), patience);
      const auto json = nlohmann::json::parse(f ? f->output : "", nullptr, false);
      if (json.is_object() && !json["sessions"].empty() && json["sessions"][0]["candidates"].get<int>() >= n)
        return true;
      if (ended) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  static bool ended(Process& process) {
    const auto limit = std::chrono::steady_clock::now() + patience;
    while (process.running() && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    return !process.running();
  }
  int nodes_kept() {
    const auto json = kerf_json({"show", "last"});
    return json.is_object() ? static_cast<int>(json["nodes"].size()) : -1;
  }
  // Goes on with the session until `n` more candidates were judged.
  void resumes(int n) {
    const auto shown = kerf_json({"show", "last"});
    ASSERT_TRUE(shown.is_object());
    // A process that was killed may have recorded a node that its session's line does not count yet.
    const int candidates = std::max(shown["candidates"].get<int>(), nodes_kept() - 1) + n;
    const auto resumed = kerf_json({"resume", "last", "--budget", std::to_string(candidates) + "candidates"});
    ASSERT_TRUE(resumed.is_object());
    EXPECT_EQ(resumed["status"], "finished");
    EXPECT_EQ(resumed["candidates"], candidates);
  }

  std::unique_ptr<TemporaryDirectory> folder;
  fs::path home;
  std::vector<std::string> said;
};

TEST_F(CliTest, HelpNamesEveryCommandAndGivesExamples) {
  const Finished f = kerf({"--help"});
  EXPECT_EQ(f.exit_code, 0);
  for (const char* word : {"optimize", "evaluate", "sessions", "show", "export", "resume", "problem", "suite", "doctor",
                           "cost", "completion", "Examples:"}) {
    EXPECT_THAT(f.output, HasSubstr(word));
  }
  EXPECT_THAT(kerf({"optimize", "--help"}).output, AllOf(HasSubstr("--budget"), HasSubstr("Example:")));
  EXPECT_THAT(kerf({"--version"}).output, StartsWith("kerf "));
}

TEST_F(CliTest, BadArgumentsAreOneLine) {
  expect_user_error({}, "--help");
  expect_user_error({"fly"}, "fly");
  expect_user_error({"suite"}, "which command? see kerf suite --help");
  expect_user_error({"suite", "run"}, "see kerf suite run --help");
  expect_user_error({"optimize"}, "problem");
  expect_user_error({"optimize", problems + "row_softmax.py", "--seed", "-1"}, "--seed");
  expect_user_error({"optimize", problems + "row_softmax.py", "--language", "fortran"}, "cpp on target cpu");
  expect_user_error({"optimize", problems + "row_softmax.py", "--out", "/proc/nowhere"},
                    "name a folder that can be written");
  expect_user_error({"optimize", problems + "row_softmax.py", "--store", "/proc/nowhere/kerf.db"},
                    "name another with --store");
  expect_user_error({"optimize", problems + "row_softmax.py", "--budget", "12bananas"}, "bananas");
  expect_user_error({"optimize", problems + "row_softmax.py", "--policy", "astrology"}, "astrology");
  expect_user_error({"optimize", problems + "row_softmax.py", "--language", "cuda"}, "on target nvidia (--target)");
  expect_user_error({"optimize", problems + "row_softmax.py", "--synthesizer", "openai/x"}, "OPENAI_API_KEY");
  expect_user_error({"optimize", problems + "row_softmax.py", "--synthesizer", "nosuch"}, "builtin");
  expect_user_error({"optimize", "--synthesizer", "replay:nosuch"}, "nosuch");
  expect_user_error({"optimize", problems + "row_softmax.py", "--evaluations", "recorded"}, "replay:");
  expect_user_error({"ask", "nosuchsession"}, "nosuchsession");
  expect_user_error({"tell", "nosuchsession", "work"}, "nosuchsession");
  expect_user_error({"show", "nosuchsession"}, "nosuchsession");
  expect_user_error({"resume", "nosuchsession"}, "nosuchsession");
  expect_user_error({"suite", "report", "nosuchrun"}, "nosuchrun");
  expect_user_error({"suite", "report", problems + "row_softmax.py"}, "JSON");
  expect_user_error({"suite", "run", problems, "--shard", "3/2"}, "PART/PARTS");
  expect_user_error({"suite", "run", problems, "--id", "../up"}, "name");
  expect_user_error({"suite", "merge", "nosuchrun"}, "nosuchrun");
  expect_user_error({"suite", "compare", "nosuchrun", "last"}, "nosuchrun");
}

TEST_F(CliTest, BadFilesAreOneLine) {
  expect_user_error({"optimize", "nofile.py"}, "nofile.py");
  ASSERT_TRUE(write_file(folder->path() / "deep.json", std::string(1 << 20, '[')));
  expect_user_error({"suite", "report", "deep.json"}, "deep.json is nested deeper than");
  expect_user_error({"evaluate", problems + "row_softmax.py", "nofile.cpp"}, "nofile.cpp");
  expect_user_error({"optimize", problems + "no_model.py"}, "Model");
  expect_user_error({"optimize", problems + "always_zero.py"}, "degenerate");
  expect_user_error({"problem", "show", problems + "row_softmax.py", "--set", "nonsense"}, "NAME=VALUE");
  expect_user_error({"sessions", "--store", "/proc/nowhere/kerf.db"}, "/proc/nowhere");
  expect_user_error({"show", "last", "--store", "mistyped.db"}, "there is no store mistyped.db");
  EXPECT_FALSE(fs::exists(folder->path() / "mistyped.db"));
  expect_user_error({"optimize", problems + "row_softmax.py", "--store", "/proc/nowhere/kerf.db"}, "/proc/nowhere");
}

TEST_F(CliTest, CompletionScriptsAreValidBash) {
  const Finished script = kerf({"completion", "bash"});
  ASSERT_EQ(script.exit_code, 0);
  const auto checked = run({.argv = {"/bin/bash", "-n"},
                            .environment = clean_environment(),
                            .directory = {},
                            .inherit = {},
                            .input = script.output},
                           patience);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->exit_code, 0) << checked->errors;
}

TEST_F(CliTest, AFullDiskIsOneLine) {
  Command c{.argv = {"/bin/sh", "-c", kerf_binary + " --help > /dev/full"}, .environment = clean_environment()};
  const auto f = run(c, patience);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->exit_code, 2);
  EXPECT_THAT(f->errors, AllOf(StartsWith("kerf: cannot write to standard output"), HasSubstr("No space left")));
}

TEST_F(CliTest, DoctorTellsWhatIsThereAsJson) {
  const auto json = kerf_json({"doctor"});
  ASSERT_TRUE(json.is_object());
  EXPECT_TRUE(json.contains("healthy") && json["findings"].size() >= 8) << json;
}

TEST_F(CliTest, AShardedSuiteIsMergedAndCompared) {
  for (const char* name : {"always_zero.py", "softsign_row_mean.py"}) {
    fs::create_directories(folder->path() / "suite" / "level1");
    fs::copy(problems + name, folder->path() / "suite" / "level1" /
                                  (name == std::string("always_zero.py") ? "1_Zero.py" : "2_Softsign.py"));
  }
  const std::vector<std::string> run{"suite", "run", "suite", "--id", "x", "--budget", "1candidates", "--confirm", "0"};
  const auto with = [&run](std::vector<std::string> more) {
    std::vector<std::string> all = run;
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto first = kerf_json(with({"--shard", "1/2", "--out", "out"}));
  ASSERT_TRUE(first.is_object());
  ASSERT_EQ(first["problems"].size(), 1U);
  EXPECT_EQ(first["problems"][0]["verdict"], "refused");
  EXPECT_TRUE(fs::exists(folder->path() / "out" / "suite.html"));
  const auto second = kerf_json(with({"--shard", "2/2"}));
  ASSERT_TRUE(second.is_object());
  EXPECT_EQ(second["problems"][0]["verdict"], "measured");
  expect_user_error({"suite", "report", "x"}, "kerf suite merge x");
  expect_user_error({"suite", "run", "suite", "--id", "x", "--budget", "2candidates", "--shard", "2/2"}, "budget");
  const auto merged = kerf_json({"suite", "merge", "x"});
  ASSERT_TRUE(merged.is_object());
  EXPECT_EQ(merged["problems"].size(), 2U);
  EXPECT_EQ(merged["summary"]["done"], 2);
  const auto same = kerf_json({"suite", "compare", "x", "x-2of2", "--html", "c.html"});
  ASSERT_TRUE(same.is_object());
  EXPECT_EQ(same["baselines"]["eager"]["better"], 0);
  EXPECT_NEAR(same["baselines"]["eager"]["geometric_mean"]["value"].get<double>(), 1, 1e-9);
  EXPECT_TRUE(fs::exists(folder->path() / "c.html"));
}

TEST_F(CliTest, ProblemsOfASuiteAreWorkedOnSideBySide) {
  fs::create_directories(folder->path() / "suite" / "level1");
  for (int i = 1; i <= 3; ++i) {
    const std::string name = i == 2 ? "always_zero.py" : "softsign_row_mean.py";
    fs::copy(problems + name, folder->path() / "suite" / "level1" / (std::to_string(i) + "_P.py"));
  }
  const std::vector<std::string> run{"suite",    "run",         "suite",      "--id", "x",
                                     "--budget", "1candidates", "--sessions", "2"};
  expect_user_error(run, "--sessions 2");  // on the CPU, which times them
  std::vector<std::string> emulated = run;
  emulated.insert(emulated.end(), {"--target", "nvidia", "--language", "cuda", "--out", "out", "--id", "y"});
  emulated.erase(emulated.begin() + 3, emulated.begin() + 5);
  const auto json = kerf_json(emulated);
  ASSERT_TRUE(json.is_object());
  ASSERT_EQ(json["problems"].size(), 3U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(json["problems"][i]["verdict"], i == 1 ? "refused" : "measured") << json["problems"][i];
    const fs::path report = folder->path() / "out" / ("kernelbench-1-" + std::to_string(i + 1)) / "report.json";
    EXPECT_EQ(fs::exists(report), i != 1);
  }
  EXPECT_NE(json["problems"][0]["session"], json["problems"][2]["session"]);
  EXPECT_EQ(kerf_json({"suite", "report", "y"})["summary"]["done"], 3);
}

TEST_F(CliTest, OptimizeEndsWithOneJsonDocumentAndFiles) {
  const auto json = kerf_json(
      {"optimize", problems + "softsign_row_mean.py", "--budget", "3candidates", "--confirm", "1", "--out", "out"});
  ASSERT_TRUE(json.is_object());
  for (const char* name :
       {"session", "problem", "target", "candidates", "seconds", "stopped_by", "spend", "best", "files"})
    EXPECT_TRUE(json.contains(name)) << name;
  EXPECT_EQ(json["candidates"], 3);
  EXPECT_EQ(json["stopped_by"], "candidates");
  ASSERT_TRUE(json["best"].is_object()) << json;
  EXPECT_EQ(json["best"]["evaluation"]["verdict"], "measured");
  for (const auto& file : json["files"]) EXPECT_TRUE(fs::exists(folder->path() / file.get<std::string>())) << file;
  EXPECT_THAT(kerf({"show", "last"}).output, HasSubstr("The tree"));
  EXPECT_THAT(kerf({"show", "last/0"}).output, HasSubstr("identity"));
  EXPECT_THAT(kerf({"export", "last/0", "--format", "source"}).output, HasSubstr("/// kerf"));
  const auto evaluated = kerf_json({"evaluate", problems + "softsign_row_mean.py", "out/kernel.cpp", "--screen"});
  ASSERT_TRUE(evaluated.is_object());
  EXPECT_EQ(evaluated["verdict"], "measured") << evaluated;
}

constexpr const char* a_kernel = R"(/* /// kerf
version = 1
supports = "x.ndim == 2"
[[step]]
launch = "row_mean"
grid = ["x.shape[0]"]
args = ["x", "y", "out", "x.shape[1]", "init.slope"]
/// */
extern "C" void row_mean(const float* x, const float* y, float* out, int64_t n, float slope, int64_t row) {
  double sum = 0;
  for (int64_t i = row * n; i < (row + 1) * n; ++i) {
    const float z = tanh1(x[i] * slope) + sigmoid1(y[i]);
    sum += static_cast<double>(z * z);
  }
  out[row] = static_cast<float>(sum / static_cast<double>(n));
}
)";

TEST_F(CliTest, CandidatesFromOutsideAreAskedForAndToldInAnyOrderLateTwiceOrNever) {
  ASSERT_TRUE(kerf_json({"optimize", problems + "softsign_row_mean.py", "--synthesizer", "ask"}).is_object());
  const auto asked = kerf_json({"ask", "last", "-n", "3", "--out", "work"});
  ASSERT_TRUE(asked.is_object());
  ASSERT_EQ(asked["asked"].size(), 3U);
  const fs::path work = folder->path() / "work";
  for (const char* name : {"2", "3", "4"}) {
    EXPECT_TRUE(fs::exists(work / name / "prompt.md")) << name;
    EXPECT_TRUE(fs::exists(work / name / "meta.json")) << name;
  }
  // The last one first, as a source; one of no use; one never.
  ASSERT_TRUE(write_file(work / "4" / "kernel.cpp", a_kernel));
  ASSERT_TRUE(write_file(work / "3" / "reply.md", "I would look at the loads first."));
  const auto told = kerf_json({"tell", "last", "work"});
  ASSERT_TRUE(told.is_object());
  ASSERT_EQ(told["told"].size(), 1U) << told;
  EXPECT_EQ(told["told"][0]["expansion"], 4);
  EXPECT_EQ(told["asked"].size(), 1U) << "why it is of no use, as a further prompt";
  EXPECT_TRUE(fs::exists(work / "3-1" / "prompt.md"));
  const auto again = kerf_json({"tell", "last", "work"});
  ASSERT_TRUE(again.is_object());
  EXPECT_EQ(again["told"].size(), 0U);
  EXPECT_EQ(again["open"].size(), 2U);
  const Finished prompt = kerf({"show", "last/1", "--prompt"});
  EXPECT_FALSE(prompt.output.empty());
  EXPECT_THAT(kerf({"show", "last/1", "--conversation"}).output, HasSubstr("row_mean"));
  expect_user_error({"tell", "last", "nosuchfolder"}, "nosuchfolder");
  fs::create_directories(folder->path() / "foreign" / "2");
  expect_user_error({"tell", "last", "foreign"}, "meta.json");
  ASSERT_TRUE(write_file(folder->path() / "foreign" / "2" / "meta.json",
                         R"({"session": "000000000000", "expansion": 2, "attempt": 0})"));
  expect_user_error({"tell", "last", "foreign"}, "is of session 000000000000");
  ASSERT_TRUE(write_file(folder->path() / "foreign" / "2" / "meta.json", std::string(1 << 20, '[')));
  expect_user_error({"tell", "last", "foreign"}, "meta.json is nested deeper than");
  const auto ended = kerf_json({"resume", "last", "--out", "out"});
  ASSERT_TRUE(ended.is_object());
  EXPECT_EQ(ended["status"], "finished");
  EXPECT_EQ(ended["candidates"], 1);
  EXPECT_EQ(ended["stopped_by"], "outside");
  ASSERT_TRUE(write_file(folder->path() / "kernel.cpp", a_kernel));
  EXPECT_THAT(kerf({"evaluate", problems + "softsign_row_mean.py", "kernel.cpp", "--screen", "--for-model"}).output,
              testing::Not(IsEmpty()));
  expect_user_error({"ask", "last"}, "is finished");
  expect_user_error({"tell", "last", "work"}, "is finished");
}

TEST_F(CliTest, ASessionThatWasLeftBeforeAnythingWasJudgedCanBeAskedForMore) {
  Process process = search("1", "ask");
  ASSERT_TRUE(judged(process, 0));
  process.kill();
  ASSERT_TRUE(ended(process));
  const auto asked = kerf_json({"ask", "last", "-n", "1", "--out", "work"});
  ASSERT_TRUE(asked.is_object());
  EXPECT_EQ(asked["asked"].size(), 1U);
  EXPECT_GE(nodes_kept(), 1) << "the operators that PyTorch calls were judged first";
}

TEST_F(CliTest, ADryRunShowsThePromptAndKeepsNothing) {
  const auto json = kerf_json({"optimize", problems + "softsign_row_mean.py", "--synthesizer", "command:/bin/false",
                               "--budget", "12candidates", "--dry-run"});
  ASSERT_TRUE(json.is_object());
  EXPECT_EQ(json["calls"], 12);
  EXPECT_TRUE(json["typical"]["usd"].is_null()) << "nobody knows what /bin/false costs";
  EXPECT_THAT(json["request"].dump(), HasSubstr("get_init_inputs"));
  EXPECT_TRUE(kerf_json({"sessions"})["sessions"].empty());
}

TEST_F(CliTest, CtrlCEndsCleanlyAndTheSessionIsResumed) {
  Process process = search("1");
  ASSERT_TRUE(judged(process, 1));
  ::kill(process.pid(), SIGINT);
  ASSERT_TRUE(ended(process));
  EXPECT_EQ(process.describe_end(), "exit 130");
  EXPECT_GE(nodes_kept(), 2);
  resumes(3);
}

TEST_F(CliTest, KilledItLosesNothingThatWasRecorded) {
  Process process = search("2");
  ASSERT_TRUE(judged(process, 2));
  process.kill();
  const int before = nodes_kept();
  EXPECT_GE(before, 3);
  EXPECT_THAT(kerf({"sessions"}).output, HasSubstr("can be resumed"));
  resumes(3);
  EXPECT_GE(nodes_kept(), before + 3);
}

}  // namespace
}  // namespace kerf
