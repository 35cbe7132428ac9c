// Bundles, the worker and rounds, with the binary as a user runs it. The other machine is another home folder.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/paths.h"
#include "base/process.h"
#include "fleet/bundle.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

namespace fs = std::filesystem;

const std::string example = std::string(KERF_SOURCE) + "/src/synthesize/prompt/texts/";
constexpr std::chrono::minutes patience{15};

struct ElsewhereTest : testing::Test {
  void SetUp() override {
    auto made = TemporaryDirectory::create("kerf-elsewhere");
    ASSERT_TRUE(made);
    folder = std::make_unique<TemporaryDirectory>(std::move(*made));
    fs::create_directories(there());
  }
  void TearDown() override {
    if (!HasFailure()) return;
    for (const std::string& each : said) std::cerr << each;
  }

  [[nodiscard]] fs::path here() const { return folder->path(); }
  [[nodiscard]] fs::path there() const { return folder->path() / "there"; }
  [[nodiscard]] Command command(const fs::path& where, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), std::string(KERF_BUILD) + "/kerf");
    Command c{.argv = std::move(arguments), .environment = clean_environment(), .directory = where};
    c.environment["KERF_HOME"] = where / "home";
    if (const char* python = std::getenv("KERF_PYTHON")) c.environment["KERF_PYTHON"] = python;
    return c;
  }
  Finished kerf(const fs::path& where, const std::vector<std::string>& arguments) {
    auto finished = run(command(where, arguments), patience);
    EXPECT_TRUE(finished) << finished.error().message;
    if (!finished) return {};
    std::string line = "kerf";
    for (const std::string& argument : arguments) line += " " + argument;
    said.push_back(line + ": " + finished->describe() + "\n" + finished->errors.substr(0, 4000) +
                   finished->output.substr(0, 2000) + "\n");
    return *finished;
  }
  nlohmann::json kerf_json(const fs::path& where, std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    return nlohmann::json::parse(kerf(where, arguments).output, nullptr, false);
  }
  void expect_user_error(const fs::path& where, const std::vector<std::string>& arguments, const char* part) {
    const Finished f = kerf(where, arguments);
    EXPECT_EQ(f.exit_code, 2) << f.errors;
    EXPECT_THAT(f.output, IsEmpty());
    EXPECT_THAT(f.errors, AllOf(StartsWith("kerf: "), HasSubstr(part)));
    EXPECT_EQ(std::ranges::count(f.errors, '\n'), 1) << f.errors;
  }
  // `n` candidates that differ in a comment, packed.
  fs::path pack(int n, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"evaluate", example + "problem.py"};
    const auto text = read_file(example + "cpp/example.cpp");
    EXPECT_TRUE(text);
    for (int i = 0; i < n; ++i) {
      const fs::path file = here() / ("k" + std::to_string(i) + ".cpp");
      EXPECT_TRUE(write_file(file, *text + "// " + std::to_string(i) + "\n"));
      arguments.push_back(file.string());
    }
    arguments.insert(arguments.end(), {"--screen", "--bundle", "batch.bundle"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(kerf(here(), arguments).exit_code, 0);
    fs::rename(here() / "batch.bundle", there() / "batch.bundle");
    return there() / "batch.bundle";
  }
  static std::size_t lines(const fs::path& file) {
    const auto text = read_file(file);
    return text ? static_cast<std::size_t>(std::ranges::count(*text, '\n')) : 0;
  }

  std::unique_ptr<TemporaryDirectory> folder;
  std::vector<std::string> said;
};

TEST_F(ElsewhereTest, ASessionIsJudgedInRoundsToItsEnd) {
  const std::string problem = std::string(KERF_CASES) + "/problems/softsign_row_mean.py";
  auto asked = kerf_json(
      here(), {"optimize", problem, "--elsewhere", "work", "--jobs", "3", "--budget", "3candidates", "--confirm", "1"});
  ASSERT_TRUE(asked.is_object());
  EXPECT_EQ(asked["awaited"], 1) << "the identity plan";
  const std::string session = asked["session"];
  std::vector<fs::path> results;
  while (asked.contains("bundle")) {
    ASSERT_LT(results.size(), 6U);
    const fs::path bundle = asked["bundle"].get<std::string>();
    EXPECT_EQ(bundle.parent_path().filename(), "work");
    // Gone on with by mistake: the same bundle again.
    EXPECT_EQ(kerf_json(here(), {"resume", "last"})["bundle"], bundle.string());
    fs::copy_file(bundle, there() / bundle.filename());
    const auto judged = kerf_json(there(), {"worker", "run", bundle.filename()});
    ASSERT_TRUE(judged.is_object());
    EXPECT_EQ(judged["judged"], asked["awaited"]);
    results.push_back(there() / judged["results"].get<std::string>());
    asked = kerf_json(here(), {"tell", session, results.back().string()});
    ASSERT_TRUE(asked.is_object());
    if (results.size() == 1) {
      EXPECT_EQ(asked["awaited"], 3);
      // Twice, foreign, damaged, of another session.
      EXPECT_THAT(kerf(here(), {"tell", "last", results.back().string()}).errors,
                  HasSubstr("1 evaluation no news: told before"));
      auto text = read_file(results.back());
      ASSERT_TRUE(text);
      (*text)[text->size() / 2] ^= 1;
      ASSERT_TRUE(write_file(here() / "damaged.results", *text));
      expect_user_error(here(), {"tell", "last", "damaged.results"}, "damaged.results: not results: line 2");
      Results foreign{.head = results_from_text(*read_file(results.back()))->head};
      foreign.head.bundle = std::string(64, 'a');
      ASSERT_TRUE(write_file(here() / "foreign.results", *to_line(foreign.head)));
      expect_user_error(here(), {"tell", "last", "foreign.results"}, "did not write");
      foreign.head.session = "0123456789ab";
      ASSERT_TRUE(write_file(here() / "foreign.results", *to_line(foreign.head)));
      expect_user_error(here(), {"tell", "last", "foreign.results"}, "of session 0123456789ab");
    }
  }
  EXPECT_EQ(results.size(), 3U) << "identity, candidates, confirmation";
  EXPECT_EQ(asked["status"], "finished");
  EXPECT_EQ(asked["stopped_by"], "candidates");
  EXPECT_EQ(asked["candidates"], 3);
  EXPECT_EQ(asked["best"]["confirmed"], true);
  EXPECT_EQ(asked["best"]["evaluation"]["verdict"], "measured");
  for (const auto& file : asked["files"]) EXPECT_TRUE(fs::exists(here() / file.get<std::string>())) << file;
  const auto shown = kerf_json(here(), {"show", "last"});
  EXPECT_EQ(shown["nodes"].size(), 4U);
  expect_user_error(here(), {"tell", "last", results.back().string()}, "is finished");
}

TEST_F(ElsewhereTest, AWorkerThatWasKilledGoesOnWhereItWas) {
  const fs::path bundle = pack(4), results = there() / "batch.results";
  const Fd log(::open((there() / "log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const auto stop_by = [&](int signal, std::size_t known) {
    auto worker = Process::start(command(there(), {"worker", "run", "batch.bundle", "--jobs", "1"}), log.get());
    ASSERT_TRUE(worker) << worker.error().message;
    const auto limit = std::chrono::steady_clock::now() + patience;
    while (lines(results) < known + 1 && worker->running() && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::kill(worker->pid(), signal);
    while (worker->running() && std::chrono::steady_clock::now() < limit)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  stop_by(SIGKILL, 1);
  const auto before = read_file(results);
  ASSERT_TRUE(before);
  EXPECT_GE(lines(results), 2U);
  // As if it had been killed within a line.
  ASSERT_TRUE(write_file(results, *before + "{\"kind\":\"evaluation\",\"item\":3,"));
  stop_by(SIGINT, lines(results));
  ASSERT_GE(lines(results), 3U);
  const auto rest = kerf_json(there(), {"worker", "run", "batch.bundle"});
  ASSERT_TRUE(rest.is_object());
  EXPECT_GE(rest["known"], 2);
  EXPECT_EQ(rest["known"].get<int>() + rest["judged"].get<int>(), 4);
  const auto after = read_file(results);
  ASSERT_TRUE(after);
  EXPECT_THAT(*after, StartsWith(*before)) << "what was judged is not judged again";
  const auto read = results_from_text(*after);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->whole, after->size());
  std::set<std::size_t> items;
  for (const BundleResult& result : read->results) {
    items.insert(result.item);
    EXPECT_EQ(result.evaluation.verdict, Verdict::measured) << result.evaluation.message.value_or("");
  }
  EXPECT_EQ(items.size(), 4U);
  EXPECT_FALSE(read->head.machine["identity"].get<std::string>().empty());
  EXPECT_TRUE(read->head.versions.contains("torch"));
  // Everything is there: nothing to do. Of no session: nothing to tell.
  EXPECT_EQ(kerf_json(there(), {"worker", "run", "batch.bundle"})["judged"], 0);
}

TEST_F(ElsewhereTest, WhatBaselinesDoComesBackWhereAProfileWasAskedFor) {
  pack(1, {"--profile"});
  EXPECT_EQ(kerf_json(there(), {"worker", "run", "batch.bundle"})["judged"], 1);
  const auto text = read_file(there() / "batch.results");
  ASSERT_TRUE(text);
  const auto results = results_from_text(*text);
  ASSERT_TRUE(results) << results.error().message;
  ASSERT_EQ(results->results.size(), 1U);
  const auto& traces = results->results[0].evaluation.diagnosis.traces;
  ASSERT_TRUE(traces.contains("eager")) << *text;
  EXPECT_FALSE(traces.at("eager").operators.empty());
}

TEST_F(ElsewhereTest, ABundleIsNotBelievedAndWritesNothingElsewhere) {
  const fs::path file = pack(1);
  const auto text = read_file(file);
  ASSERT_TRUE(text);
  ASSERT_TRUE(write_file(there() / "short.bundle", text->substr(0, text->size() / 2)));
  expect_user_error(there(), {"worker", "run", "short.bundle"}, "short.bundle: not a whole bundle");
  expect_user_error(there(), {"worker", "run", "none.bundle"}, "no such file");
  expect_user_error(there(), {"worker", "run", "batch.bundle", "--out", "batch.bundle"}, "the bundle itself");
  ASSERT_TRUE(write_file(there() / "mine.txt", "do not touch\n"));
  expect_user_error(there(), {"worker", "run", "batch.bundle", "--out", "mine.txt"}, "mine.txt: not results");
  EXPECT_EQ(*read_file(there() / "mine.txt"), "do not touch\n");

  auto bundle = bundle_from_text(*text);
  ASSERT_TRUE(bundle);
  bundle->problem.id = "../../outside";
  bundle->problem.name = "/outside";
  const auto changed = to_text(*bundle);
  ASSERT_TRUE(changed);
  ASSERT_TRUE(write_file(there() / "paths.bundle", *changed));
  const auto files = [this] {
    std::set<std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(here())) {
      if (!entry.path().string().starts_with((there() / "home").string())) all.insert(entry.path().string());
    }
    return all;
  };
  std::set<std::string> before = files();
  EXPECT_EQ(kerf_json(there(), {"worker", "run", "paths.bundle"})["judged"], 1);
  before.insert((there() / "paths.results").string());
  EXPECT_EQ(files(), before);
  bundle->target = "../cpu";
  ASSERT_TRUE(write_file(there() / "target.bundle", to_text(*bundle).value()));
  expect_user_error(there(), {"worker", "run", "target.bundle"}, "no target's name");
}

}  // namespace
}  // namespace kerf
