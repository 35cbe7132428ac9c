// Every example that was run when the format was written down: those that are right are measured, those that are bad
// are caught at their place.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "base/paths.h"
#include "problem/suite.h"
#include "this_cpu.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;

fs::path shared() {
  const char* set = std::getenv("KERF_SHARED");
  return set != nullptr ? fs::path(set) : fs::path(KERF_SOURCE).parent_path() / "shared";
}

class Examples : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { world = std::make_unique<ThisCpu>(hardly_timed()); }
  static void TearDownTestSuite() { world.reset(); }
  void SetUp() override {
    if (!world->why.empty()) GTEST_SKIP() << world->why;
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
    return known[key] = loaded ? world->admit(*loaded) : nullptr;
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
  static Result<Evaluation> evaluate(const std::string& text, const std::shared_ptr<const Understood>& problem) {
    return world->evaluate({.text = text, .language = Language::cpp, .name = "candidate.cpp"}, problem);
  }

  static inline std::unique_ptr<ThisCpu> world;
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
