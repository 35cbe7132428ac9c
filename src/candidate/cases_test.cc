// Every file of tests/cases/candidate/plans is a test; see the README there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "candidate/case_reader.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> case_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(KERF_CASES "/candidate/plans"))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

std::string place(const Error& error) {
  return error.at ? std::to_string(error.at->line) + ":" + std::to_string(error.at->column) + " " + error.message
                  : "nowhere: " + error.message;
}

class PlanCases : public testing::TestWithParam<std::string> {};

TEST_P(PlanCases, is_judged_as_its_first_line_says) {
  const fs::path path = fs::path(KERF_CASES "/candidate/plans") / GetParam();
  const std::string text = contents(path);
  CandidateCase with;
  const auto read = read_case(text, with);
  ASSERT_TRUE(read) << read.error().message;
  const auto language = language_of(path.string(), text);
  ASSERT_TRUE(language);
  const auto program = bind_case({.text = text, .language = *language, .name = GetParam()}, with);
  if (!with.expects_error) {
    ASSERT_TRUE(program) << place(program.error());
    auto line = with.machine.log().begin();
    for (const std::string& wanted : with.log) {
      line = std::find(line, with.machine.log().end(), wanted);
      ASSERT_NE(line, with.machine.log().end()) << "not in the log, in this order: " << wanted << "\n"
                                                << testing::PrintToString(with.machine.log());
    }
    return;
  }
  ASSERT_FALSE(program) << "nothing was found wrong";
  const Error& error = program.error();
  EXPECT_EQ(error.kind, ErrorKind::candidate);
  EXPECT_EQ(place(error).substr(0, place(error).find(' ')),
            std::to_string(with.at.line) + ":" + std::to_string(with.at.column))
      << error.message;
  EXPECT_THAT(error.message, testing::HasSubstr(with.fragment));
  ASSERT_EQ(error.facts.size(), 2U);
  EXPECT_EQ(error.facts[0], (std::pair<std::string, std::string>("verdict", "rejected")));
  EXPECT_EQ(error.facts[1], (std::pair<std::string, std::string>("rule", with.rule))) << error.message;
}

INSTANTIATE_TEST_SUITE_P(Files, PlanCases, testing::ValuesIn(case_names()), [](const auto& each) {
  std::string name = each.param;
  std::ranges::replace_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace kerf
