// The evaluator with the real compiler, jail, runner and PyTorch: right, wrong, crashing, hanging and lying candidates,
// a kernel against itself, and every example that was run when the format was written down.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

#include "base/paths.h"
#include "evaluate/local_evaluator.h"
#include "evaluate/native_runner.h"
#include "evaluate/oracle_client.h"
#include "problem/suite.h"
#include "target/cpu/cpp.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr int threads = 2;
constexpr const char* problem_text = R"py(
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return torch.relu(x) * self.scale + 1.0

rows = 64
columns = 1021

def get_inputs():
    return [torch.randn(rows, columns)]

def get_init_inputs():
    return [1.5]
)py";

std::string candidate(const std::string& body, const std::string& before = "") {
  return "/* /// kerf\nversion = 1\n[[step]]\nlaunch = \"k\"\ngrid = [\"x.shape[0]\"]\nargs = [\"x\", \"out\", "
         "\"x.shape[1]\", "
         "\"init.scale\"]\n/// */\n" +
         before +
         "extern \"C\" void k(const float* x, float* out, int64_t n, float scale, int64_t row) {\n"
         "  x += row * n; out += row * n;\n" +
         body + "}\n";
}
const std::string right = candidate("  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] > 0 ? x[i] : 0) * scale + 1;\n");

class Evaluate : public ::testing::Test {
 protected:
  // Starting PyTorch twice and building the bridge takes seconds: once for all tests.
  static void SetUpTestSuite() {
    auto made = make_loop(4);
    ASSERT_TRUE(made) << made.error().message;
    world = new World{.loop = std::move(*made)};
    world->oracle = make_oracle({.threads = threads});
    auto runner = make_native_runner();
    if (!runner) {
      why = runner.error().message;
      return;
    }
    auto backend = make_cpp_backend();
    if (!backend) {
      why = backend.error().message;
      return;
    }
    world->languages.add(Language::cpp, {.backend = std::move(*backend), .runner = std::move(*runner)});
    world->watch = make_machine_watch();
    LocalEvaluatorOptions options{.jobs = 2, .threads = threads};
    options.screen.budget = std::chrono::milliseconds(200);
    world->evaluator = make_local_evaluator({.loop = *world->loop,
                                             .clock = world->clock,
                                             .oracle = *world->oracle,
                                             .languages = world->languages,
                                             .cache = world->cache,
                                             .watch = *world->watch},
                                            options);
  }
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  void SetUp() override {
    if (!why.empty()) GTEST_SKIP() << why;
  }

  static std::shared_ptr<const Understood> admit(Problem problem) {
    auto understood = world->oracle->admit(problem, 3);
    EXPECT_TRUE(understood) << understood.error().message;
    if (!understood) return nullptr;
    EXPECT_TRUE(understood->admission.admitted) << understood->admission.refused;
    return std::make_shared<Understood>(std::move(*understood));
  }
  static std::shared_ptr<const Understood> small() {
    static const auto problem = admit({.id = "test/1", .name = "test", .source = problem_text, .path = "test.py"});
    return problem;
  }
  static Result<Evaluation> evaluate(const std::string& text, const std::shared_ptr<const Understood>& problem,
                                     Effort effort = Effort::screen, Language language = Language::cpp) {
    Result<Evaluation> result = fail(ErrorKind::internal, "no answer");
    world->evaluator->submit({.text = text, .language = language, .name = "candidate.cpp"},
                             {.problem = problem, .effort = effort},
                             [&](Result<Evaluation> e) { result = std::move(e); });
    world->loop->run();
    return result;
  }

  // What an evaluation says, for a failing test's message.
  static std::string said(const Result<Evaluation>& e) {
    if (!e) return "error: " + e.error().message;
    std::string text = fmt::format("{} {}: {}", to_string(e->verdict), e->rule.value_or("-"), e->message.value_or("-"));
    for (const Check& check : e->checks) {
      if (!check.passed) text += "\n  " + check.name + " " + check.detail.dump();
    }
    return text;
  }

  struct World {
    std::unique_ptr<Loop> loop;
    SystemClock clock;
    MemoryResultCache cache;
    std::unique_ptr<Oracle> oracle;
    Languages languages;
    std::unique_ptr<MachineWatch> watch;
    std::unique_ptr<Evaluator> evaluator;
    ~World() {
      evaluator.reset();
      loop.reset();
    }
  };
  static inline World* world = nullptr;
  static inline std::string why;
};

TEST_F(Evaluate, MeasuresARightCandidate) {
  const auto e = evaluate(right, small());
  ASSERT_TRUE(e) << said(e);
  ASSERT_EQ(e->verdict, Verdict::measured) << said(e);
  EXPECT_GT(e->receipt->time_us.median, 0);
  EXPECT_GT(e->receipt->baselines.at("eager").median, 0);
  EXPECT_GT(e->variants_supported, 0);
  std::cout << to_json(*e).dump() << "\n";
}

TEST_F(Evaluate, FindsATailThatIsLeftOut) {
  const auto e = evaluate(
      candidate("  for (int64_t i = 0; i < n / 16 * 16; ++i) out[i] = (x[i] > 0 ? x[i] : 0) * scale + 1;\n"), small());
  ASSERT_TRUE(e) << said(e);
  EXPECT_EQ(e->verdict, Verdict::wrong) << said(e);
  EXPECT_EQ(e->rule, "unwritten");
  EXPECT_THAT(e->message.value_or(""), HasSubstr("the last"));
  EXPECT_EQ(e->at, (Location{4, 11}));
}

TEST_F(Evaluate, FindsAWrongConstant) {
  const auto e = evaluate(
      candidate("  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] > 0 ? x[i] : 0) * scale + 1.001f;\n"), small());
  ASSERT_TRUE(e) << said(e);
  EXPECT_EQ(e->rule, "fp64_error") << said(e);
}

TEST_F(Evaluate, SurvivesACrash) {
  const auto e =
      evaluate(candidate("  for (int64_t i = 0; i < n; ++i) out[i + (int64_t)1 * 100000000] = x[i];\n"), small());
  ASSERT_TRUE(e) << said(e);
  EXPECT_THAT(to_string(e->verdict), AnyOf(HasSubstr("crashed"), HasSubstr("wrong")));
  const auto after = evaluate(right + "// after a crash\n", small());
  EXPECT_TRUE(after && after->verdict == Verdict::measured) << said(after);
}

TEST_F(Evaluate, EndsAHang) {
  const auto e = evaluate(candidate("  for (;;) __asm__ volatile(\"\");\n"), small());
  ASSERT_TRUE(e) << said(e);
  EXPECT_EQ(e->verdict, Verdict::timed_out) << said(e);
  const auto after = evaluate(right + "// after a hang\n", small());
  EXPECT_TRUE(after && after->verdict == Verdict::measured) << said(after);
}

TEST_F(Evaluate, RefusesMemoryThatOutlivesARun) {
  const auto e = evaluate(candidate("  if (calls++ > 64 * 8) return;\n"
                                    "  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] > 0 ? x[i] : 0) * scale + 1;\n",
                                    "static long calls;\n"),
                          small());
  ASSERT_TRUE(e) << said(e);
  EXPECT_EQ(e->verdict, Verdict::rejected) << said(e);
  EXPECT_EQ(e->rule, "keeps_state");
  EXPECT_THAT(e->message.value_or(""), HasSubstr("`calls` (line 8)"));
}

// Without memory a kernel can still ask the processor's clock: this one works in one of eight periods of 0.3 ms or so.
TEST_F(Evaluate, CatchesAKernelThatWorksInSomeRunsOnly) {
#if !defined(__x86_64__)
  GTEST_SKIP() << "unavailable: the kernel reads the clock of an x86-64 processor";
#endif
  const auto e = evaluate(candidate("  if ((__builtin_ia32_rdtsc() >> 20) % 8 != 0) return;\n"
                                    "  for (int64_t i = 0; i < n; ++i) out[i] = (x[i] > 0 ? x[i] : 0) * scale + 1;\n"),
                          small());
  ASSERT_TRUE(e) << said(e);
  EXPECT_EQ(e->verdict, Verdict::wrong) << said(e);
  EXPECT_THAT(e->rule.value_or(""),
              AnyOf(HasSubstr("unwritten"), HasSubstr("timed_run_wrong"), HasSubstr("differs_between_runs")));
}

TEST_F(Evaluate, ConfirmsAgainstTorchCompile) {
  const auto e = evaluate(right + "// confirm\n", small(), Effort::confirm);
  ASSERT_TRUE(e) << said(e);
  ASSERT_EQ(e->verdict, Verdict::measured) << said(e);
  EXPECT_TRUE(e->receipt->baselines.contains("compile") || e->receipt->unavailable.contains("compile"));
  EXPECT_GE(e->receipt->time_us.samples, 30);
}

// Two texts of the same kernel, each timed against eager. One pair of intervals may lie apart by chance or because the
// machine changed between the two; four pairs in a row lie apart, on the same side, only if the harness favours one.
// That a difference would be seen is shown by a kernel that does the work thirty times: by its point estimate in one
// pair of the four, because on a machine that is shared the intervals are wide.
TEST_F(Evaluate, FindsNoDifferenceBetweenAKernelAndItself) {
  const auto measure = [](const std::string& a, const std::string& b) {
    const auto speedup = [](const std::string& text) {
      const auto e = evaluate(text, small());
      EXPECT_TRUE(e && e->receipt) << said(e);
      return e && e->receipt ? e->receipt->speedup.at("eager") : Ratio{};
    };
    std::vector<std::pair<Ratio, Ratio>> pairs;
    for (int i = 0; i < 4; ++i) {
      const Ratio x = speedup(a + fmt::format("// a{}\n", i));
      pairs.emplace_back(x, speedup(b + fmt::format("// b{}\n", i)));
    }
    return pairs;
  };
  EXPECT_FALSE(std::ranges::all_of(measure(right, right), [](const auto& p) { return p.first.high < p.second.low; }));
  const auto thirty_times = candidate(
      "  for (volatile int k = 0; k < 30; k = k + 1)\n"
      "    for (int64_t i = 0; i < n; ++i) out[i] = (x[i] > 0 ? x[i] : 0) * scale + 1;\n");
  EXPECT_TRUE(std::ranges::any_of(measure(thirty_times, right + "// once"),
                                  [](const auto& p) { return 3 * p.first.value < p.second.value; }));
}

// --- Every example that was run when the format was written down --------------------------------------------------

fs::path shared() {
  const char* set = std::getenv("KERF_SHARED");
  return set != nullptr ? fs::path(set) : fs::path(KERF_SOURCE).parent_path() / "shared";
}

class Examples : public Evaluate {
 protected:
  void SetUp() override {
    Evaluate::SetUp();
    if (!fs::exists(shared() / "examples")) GTEST_SKIP() << "unavailable: no examples at " << shared();
  }
  // "L1_036" -> kernelbench 1/36 at its CPU size; "S1" -> the made-up problem beside the candidates.
  static std::shared_ptr<const Understood> problem(const std::string& key) {
    static std::map<std::string, std::shared_ptr<const Understood>> known;
    if (const auto found = known.find(key); found != known.end()) return found->second;
    Result<Problem> loaded = fail(ErrorKind::internal, "");
    if (key == "S1") {
      loaded = load_problem((shared() / "examples/candidates/S1_swap_max.problem.py").string());
    } else {
      loaded = load_problem(fmt::format("{}#{}/{}", (shared() / "data/kernelbench_dev.jsonl").string(),
                                        key.substr(1, 1), std::stoi(key.substr(3))));
      if (loaded) {
        if (auto sizes = sizes_for((shared() / "data/cpu_sizes.json").string(), *loaded)) loaded->sizes = *sizes;
      }
    }
    EXPECT_TRUE(loaded) << key << ": " << loaded.error().message;
    return known[key] = loaded ? admit(*loaded) : nullptr;
  }
  static std::vector<fs::path> files(const char* folder) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(shared() / "examples" / folder)) {
      const auto extension = entry.path().extension();
      if (extension == ".cpp") found.push_back(entry.path());
      // Those in CUDA: cuda_test.cc. Those in Triton: triton_test.cc compiles them.
      if (extension == ".py" && !entry.path().string().ends_with(".problem.py"))
        std::cout << "unavailable: target cpu takes no Triton, " << entry.path().filename().string() << "\n";
    }
    std::ranges::sort(found);
    const char* only = std::getenv("KERF_ONLY");
    if (only != nullptr)
      std::erase_if(found, [&](const fs::path& p) { return p.filename().string().find(only) == std::string::npos; });
    return found;
  }
};

// Example -> the rule by which it may be refused, as listed with the reason under tests/cases.
std::map<std::string, std::string> refused_examples() {
  std::map<std::string, std::string> refused;
  std::ifstream file(KERF_CASES "/evaluate/refused_examples.txt");
  EXPECT_TRUE(file) << "the list is missing";
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name, rule;
    if (words >> name >> rule && !name.starts_with('#')) refused[name] = rule;
  }
  return refused;
}

TEST_F(Examples, ThatAreRightAreMeasured) {
  const auto refused = refused_examples();
  for (const auto& file : files("candidates")) {
    const std::string name = file.filename().string();
    const auto understood = problem(name.substr(0, name[0] == 'S' ? 2 : 6));
    if (!understood) continue;
    const auto start = std::chrono::steady_clock::now();
    const auto e = evaluate(*read_file(file), understood);
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    ASSERT_TRUE(e) << name << ": " << e.error().message;
    if (const auto known = refused.find(name); known != refused.end() && e->verdict != Verdict::measured) {
      EXPECT_EQ(e->rule, known->second) << said(e);
      std::cout << name << ": refused, " << e->message.value_or("") << "\n";
      continue;
    }
    EXPECT_EQ(e->verdict, Verdict::measured)
        << name << ": " << e->rule.value_or("") << " at "
        << (e->at ? fmt::format("{}:{}", e->at->line, e->at->column) : "?") << " " << e->message.value_or("");
    if (!e->receipt) continue;
    const auto& r = e->receipt->speedup.at("eager");
    std::cout << fmt::format("{:36} {:9.1f} us  eager x{:.2f} [{:.2f}, {:.2f}]  {} of {} variants  {:.1f} s  {}\n",
                             name, e->receipt->time_us.median, r.value, r.low, r.high, e->variants_supported,
                             e->variants, took, e->receipt->tune);
  }
}

TEST_F(Examples, ThatAreBadAreCaughtAtTheirPlace) {
  const std::regex first_line(R"(^// bad (\w+) (\d+):(\d+) (.*))");
  int caught = 0, all = 0;
  for (const auto& file : files("bad")) {
    const std::string text = *read_file(file), name = file.filename().string();
    std::smatch match;
    const std::string head = text.substr(0, text.find('\n'));
    ASSERT_TRUE(std::regex_search(head, match, first_line)) << head;
    const auto understood = problem(match[1]);
    if (!understood) continue;
    ++all;
    const auto e = evaluate(text, understood);
    ASSERT_TRUE(e) << name << ": " << e.error().message;
    const std::string expected = match[2].str() + ":" + match[3].str();
    const std::string at = e->at ? fmt::format("{}:{}", e->at->line, e->at->column) : "nowhere";
    EXPECT_NE(e->verdict, Verdict::measured) << name << " should have been caught: " << match[4];
    EXPECT_EQ(at, expected) << name << ": " << to_string(e->verdict) << " " << e->rule.value_or("") << ": "
                            << e->message.value_or("");
    caught += e->verdict != Verdict::measured && at == expected;
    std::cout << fmt::format("{:36} {} {} {}  {}\n", name, at == expected ? "caught" : "AT " + at + " NOT " + expected,
                             to_string(e->verdict), e->rule.value_or(""), e->message.value_or(""));
  }
  std::cout << caught << " of " << all << " caught at their place\n";
}

}  // namespace
}  // namespace kerf
