// Triton without a GPU: candidates are compiled, and executed by Triton's interpreter on the whole way to a verdict.
// The examples that were run when the format was written down, and defects planted here.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>
#include <regex>

#include "base/paths.h"
#include "emulated_gpu.h"
#include "problem/suite.h"
#include "problem/value.h"
#include "target/nvidia/triton.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* problem_text = R"py(
import torch
import torch.nn as nn

class Model(nn.Module):
    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x.sum(dim=1) * self.scale

rows = 24
columns = 1021

def get_inputs():
    return [torch.randn(rows, columns)]

def get_init_inputs():
    return [1.5]
)py";

// Line 15 is the first of the body.
std::string row_sum(const std::string& body, const std::string& more = "") {
  return "# /// kerf\n# version = 1\n" + (more.empty() ? "# # a sum a row\n" : more) +
         "# [[step]]\n# launch = \"row_sum\"\n# grid = [\"x.shape[0]\"]\n"
         "# args = [\"x\", \"out\", \"x.shape[1]\", \"init.scale\"]\n"
         "# constexpr = { N = \"next_pow2(x.shape[1])\" }\n# ///\nimport triton\nimport triton.language as tl\n\n"
         "@triton.jit\ndef row_sum(x, out, n, scale, N: tl.constexpr):\n" +
         body;
}
// Lines 15 to 17.
const std::string head =
    "    row = tl.program_id(0).to(tl.int64)\n"
    "    i = tl.arange(0, N)\n"
    "    value = tl.load(x + row * n + i, mask=i < n, other=0.0)\n";

class TritonJudged : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world = new EmulatedGpu(Language::triton, [](const Target& target) { return make_triton_backend(target); });
  }
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  void SetUp() override {
    if (!world->why.empty()) GTEST_SKIP() << world->why;
  }
  static Result<Evaluation> evaluate(const std::string& text, const std::shared_ptr<const Understood>& problem) {
    return world->evaluate({.text = text, .language = Language::triton, .name = "candidate.py"}, problem);
  }
  static std::shared_ptr<const Understood> sums() {
    static const auto problem =
        world->admit({.id = "test/sums", .name = "sums", .source = problem_text, .path = "sums.py"}, 2);
    return problem;
  }
  static void expect_finding(const std::string& text, Verdict verdict, const std::string& rule, int line,
                             const std::string& message) {
    const auto e = evaluate(text, sums());
    ASSERT_TRUE(e) << words(e) << "\n" << text;
    EXPECT_EQ(e->verdict, verdict) << words(e) << "\n" << text;
    EXPECT_EQ(e->rule, rule) << words(e) << "\n" << text;
    EXPECT_EQ(e->at ? e->at->line : 0, line) << words(e) << "\n" << text;
    EXPECT_THAT(e->message.value_or(""), HasSubstr(message));
  }

  static inline EmulatedGpu* world = nullptr;
};

TEST_F(TritonJudged, ARightCandidateIsRightAndHasNoTime) {
  const auto e = evaluate(row_sum(head + "    tl.store(out + row, tl.sum(value) * scale)\n"), sums());
  ASSERT_TRUE(e) << words(e);
  ASSERT_EQ(e->verdict, Verdict::measured) << words(e);
  ASSERT_TRUE(e->receipt);
  EXPECT_EQ(e->language, "triton");
  EXPECT_EQ(e->receipt->evidence, Evidence::emulated);
  EXPECT_FALSE(e->receipt->timed());
  EXPECT_TRUE(e->receipt->speedup.empty());
  EXPECT_THAT(e->receipt->unavailable.at("time"), StartsWith("unavailable: "));
  EXPECT_GT(e->variants_supported, 0);
  const auto inspected = std::ranges::find(e->checks, "inspect", &Check::name);
  ASSERT_NE(inspected, e->checks.end());
  EXPECT_GT(inspected->detail["launches"][0]["registers"].get<int>(), 8);
}

TEST_F(TritonJudged, WhatIsWrongIsFound) {
  expect_finding(row_sum(head + "    tl.store(out + row, tl.sum(value))\n"), Verdict::wrong, "fp64_error", 5, "out");
  // The last program has no row behind its own.
  expect_finding(row_sum("    row = tl.program_id(0).to(tl.int64)\n"
                         "    i = tl.arange(0, N)\n"
                         "    value = tl.load(x + row * n + i)\n"
                         "    tl.store(out + row, tl.sum(tl.where(i < n, value, 0.0)) * scale)\n"),
                 Verdict::crashed, "out_of_bounds", 17, "row_sum reads outside x");
  expect_finding(row_sum(head + "    tl.store(out + row + 1, tl.sum(value) * scale)\n"), Verdict::crashed,
                 "out_of_bounds", 18, "row_sum writes outside out");
  expect_finding(row_sum(head + "    tl.store(x + row, 0.0)\n    tl.store(out + row, tl.sum(value) * scale)\n"),
                 Verdict::crashed, "writes_input", 18, "x, which is read-only");
}

TEST_F(TritonJudged, ACandidateThatKillsItsProcessHarmsNobody) {
  const auto e = evaluate(row_sum(head + "    tl.store(out + row, tl.sum(value) * scale)\n") +
                              "\nimport os\nif os.environ.get('TRITON_INTERPRET'):\n    os._exit(3)\n",
                          sums());
  ASSERT_TRUE(e) << words(e);
  EXPECT_EQ(e->verdict, Verdict::crashed) << words(e);
  EXPECT_EQ(evaluate(row_sum(head + "    tl.store(out + row, scale * tl.sum(value))\n"), sums())->verdict,
            Verdict::measured);
}

// --- The examples -------------------------------------------------------------------------------------------------

fs::path shared() {
  const char* set = std::getenv("KERF_SHARED");
  return set != nullptr ? fs::path(set) : fs::path(KERF_SOURCE).parent_path() / "shared";
}

class TritonExamples : public TritonJudged {
 protected:
  void SetUp() override {
    TritonJudged::SetUp();
    if (!fs::exists(shared() / "examples")) GTEST_SKIP() << "unavailable: no examples at " << shared();
  }
  static std::shared_ptr<const Understood> problem(const std::string& key) {
    auto loaded = load_problem(fmt::format("{}#{}/{}", (shared() / "data/kernelbench_dev.jsonl").string(),
                                           key.substr(1, 1), std::stoi(key.substr(3))));
    EXPECT_TRUE(loaded) << key << ": " << loaded.error().message;
    if (!loaded) return nullptr;
    const auto n = [](std::int64_t value) { return Value{value}; };
    static const std::map<std::string, Sizes> sizes = {
        {"L1_036", {{"batch_size", n(2)}, {"features", n(16)}, {"dim1", n(16)}, {"dim2", n(16)}}},
        {"L1_095", {{"batch_size", n(64)}, {"num_classes", n(256)}}},
        {"L1_091", {{"batch_size", n(12)}}}};
    loaded->sizes = sizes.at(key);
    return world->admit(*loaded, 2);
  }
};

TEST_F(TritonExamples, ThatAreRightAreRight) {
  for (const char* const name : {"L1_036_rmsnorm.py", "L1_095_cross_entropy.py"}) {
    const auto understood = problem(std::string(name).substr(0, 6));
    if (!understood) continue;
    const auto e = evaluate(*read_file(shared() / "examples/candidates" / name), understood);
    ASSERT_TRUE(e) << name << ": " << words(e);
    EXPECT_EQ(e->verdict, Verdict::measured) << name << ": " << words(e);
    std::cout << fmt::format("{}: {} of {} variants\n", name, e->variants_supported, e->variants);
  }
}

TEST_F(TritonExamples, ThatAreBadAreCaughtAtTheirPlace) {
  const std::regex first_line(R"(^# bad (\w+) (\d+):(\d+) (.*))");
  for (const auto& entry : fs::directory_iterator(shared() / "examples/bad")) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".py" || name.ends_with(".problem.py")) continue;
    const std::string text = *read_file(entry.path());
    std::smatch match;
    const std::string first = text.substr(0, text.find('\n'));
    ASSERT_TRUE(std::regex_search(first, match, first_line)) << first;
    const auto understood = problem(match[1]);
    if (!understood) continue;
    const auto e = evaluate(text, understood);
    ASSERT_TRUE(e) << name << ": " << words(e);
    EXPECT_NE(e->verdict, Verdict::measured) << name;
    EXPECT_EQ(e->at ? fmt::format("{}:{}", e->at->line, e->at->column) : "nowhere",
              match[2].str() + ":" + match[3].str())
        << name << ": " << words(e);
    std::cout << fmt::format("{:32} {}\n", name, words(e));
  }
}

}  // namespace
}  // namespace kerf
