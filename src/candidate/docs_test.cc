// The examples of docs/candidates.md, read out of the page: each reads, lints and binds on the workload that a comment
// in front of it describes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "candidate/case_reader.h"

namespace kerf {
namespace {

std::string page() {
  std::ifstream file(KERF_CASES "/../../docs/candidates.md");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Docs, examples_of_the_page_lint_and_bind) {
  const std::string text = page();
  int seen = 0;
  std::size_t at = 0;
  for (std::size_t open = text.find("\n-->\n```"); open != std::string::npos; open = text.find("\n-->\n```", at)) {
    open += 5;
    const bool python = text.substr(open).starts_with("```python\n");
    const std::size_t begin = text.find('\n', open) + 1, end = text.find("```", begin);
    ASSERT_NE(end, std::string::npos);
    const std::size_t comment = text.rfind("<!-- case\n", open);
    ASSERT_TRUE(comment != std::string::npos && comment >= at)
        << "an example without its workload: " << text.substr(begin, 60);
    at = end + 3;
    const std::string source = text.substr(begin, end - begin);
    SCOPED_TRACE(source.substr(0, 200));
    CandidateCase with;
    const auto read = read_case(text.substr(comment + 10, open - comment - 10), with);
    ASSERT_TRUE(read) << read.error().message;
    const Candidate candidate{.text = source, .language = python ? Language::triton : Language::cpp, .name = "docs"};
    const auto parsed = read_source(candidate);
    ASSERT_TRUE(parsed) << parsed.error().message;
    const auto points = tune_points(*parsed);
    ASSERT_TRUE(points);
    for (const TunePoint& point : *points) {
      const auto linted = lint(*parsed, with.workload, point, 2);
      ASSERT_TRUE(linted) << linted.error().message;
    }
    const auto program = bind_case(candidate, with);
    ASSERT_TRUE(program) << program.error().message;
    for (const std::string& line : with.log) EXPECT_THAT(with.machine.log(), testing::Contains(line));
    ++seen;
  }
  EXPECT_EQ(seen, 6);
}

// Every rule that a case of tests/cases/candidate names is in the page's table.
TEST(Docs, the_rules_of_the_page_are_those_of_the_code) {
  const std::string text = page();
  for (const char* rule : {"syntax", "second_plan", "version", "key",       "name",   "expression", "type",
                           "tune",   "supports",    "loop",    "limit",     "kernel", "grid",       "prototype",
                           "stride", "operator",    "schema",  "read_only", "output", "scratch",    "prepare"}) {
    EXPECT_THAT(text.substr(text.find("## Rules")), testing::HasSubstr(std::string("`") + rule + "`"));
  }
}

}  // namespace
}  // namespace kerf
