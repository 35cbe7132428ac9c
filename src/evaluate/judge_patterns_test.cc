#include "evaluate/judge_patterns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Judges a matrix in which `wrong(i, j)` says what is wrong.
OutputJudgement judged(std::int64_t rows, std::int64_t columns,
                       const std::function<bool(std::int64_t, std::int64_t)>& wrong) {
  OutputJudgement o{.name = "out", .max_error = 2, .allowed = 1e-6, .got = 1, .expected = 3};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      if (!wrong(i, j)) continue;
      if (o.wrong++ == 0) {
        o.first_wrong = {i, j};
        o.box = {{i, i}, {j, j}};
      }
      o.box[0] = {std::min(o.box[0].first, i), std::max(o.box[0].second, i)};
      o.box[1] = {std::min(o.box[1].first, j), std::max(o.box[1].second, j)};
    }
  }
  o.right = o.wrong == 0;
  return o;
}
TensorSpec matrix(std::int64_t rows, std::int64_t columns) {
  return {.dtype = Dtype::f32, .shape = {rows, columns}, .stride = {columns, 1}};
}

struct Case {
  const char* what;
  std::function<bool(std::int64_t, std::int64_t)> wrong;
  const char* pattern;
  const char* where;
};

TEST(Pattern, NamesWhatIsWrong) {
  const std::vector<Case> cases{
      {"nothing", [](auto, auto) { return false; }, "right", ""},
      {"everything", [](auto, auto) { return true; }, "everything", "every element"},
      {"one", [](auto i, auto j) { return i == 3 && j == 7; }, "element", "one element"},
      {"a tail of every row", [](auto, auto j) { return j >= 95; }, "tail", "the last 5 of dimension 1"},
      {"the last rows", [](auto i, auto) { return i >= 28; }, "tail", "the last 4 of dimension 0"},
      {"the first column", [](auto, auto j) { return j == 0; }, "head", "the first 1 of dimension 1"},
      {"a row", [](auto i, auto) { return i == 5; }, "row", "index 5 of dimension 0"},
      {"every 16th", [](auto, auto j) { return j % 16 == 3; }, "every", "every 16th of dimension 1"},
      {"every other row", [](auto i, auto) { return i % 2 == 1; }, "every", "every 2nd of dimension 0"},
      {"a corner", [](auto i, auto j) { return i >= 30 && j >= 96; }, "block", "the block [30:32, 96:100]"},
      {"a part of a row", [](auto i, auto j) { return i == 4 && j > 60; }, "block", "the block [4, 61:100]"},
      {"a diagonal", [](auto i, auto j) { return i == j; }, "scattered", "scattered elements from index [0, 0] on"},
  };
  for (const auto& c : cases) {
    const auto pattern = find_pattern(judged(32, 100, c.wrong), matrix(32, 100));
    EXPECT_EQ(pattern.name, c.pattern) << c.what;
    EXPECT_EQ(pattern.where, c.where) << c.what;
  }
}

TEST(Pattern, TellsUnwrittenFromWrong) {
  auto o = judged(4, 24, [](auto, auto j) { return j >= 16; });
  o.unwritten = o.wrong;
  EXPECT_EQ(find_pattern(o, matrix(4, 24)).name, "unwritten");
  EXPECT_EQ(describe_wrong(o, matrix(4, 24)), "out is not written: the last 8 of dimension 1 (32 of 96)");
  o.unwritten = 3;
  EXPECT_EQ(find_pattern(o, matrix(4, 24)).name, "tail");
  EXPECT_THAT(describe_wrong(o, matrix(4, 24)), HasSubstr("; 3 elements are not written"));
}

TEST(Pattern, TellsNaN) {
  auto o = judged(4, 24, [](auto i, auto) { return i == 3; });
  o.nonfinite = o.wrong;
  o.got = std::nan("");
  EXPECT_THAT(describe_wrong(o, matrix(4, 24)),
              HasSubstr("out is NaN or infinite in the last 1 of dimension 0 (24 of 96)"));
  EXPECT_TRUE(judgement_detail(o, matrix(4, 24))["got"].is_null());
}

TEST(Pattern, OfAScalarIsPlain) {
  const OutputJudgement o{.name = "out", .max_error = 2, .allowed = 1e-6, .wrong = 1, .got = 1, .expected = 3};
  EXPECT_EQ(describe_wrong(o, {.dtype = Dtype::f32, .shape = {}, .stride = {}}),
            "out is wrong in the only element: out is 1 where 3 is right; largest error 2, allowed 1e-06");
}

TEST(Pattern, GivesMagnitudesForMachines) {
  const auto o = judged(1000, 50, [](auto, auto j) { return j == 49; });
  const auto detail = judgement_detail(o, matrix(1000, 50));
  EXPECT_EQ(detail["pattern"], "tail");
  EXPECT_EQ(detail["wrong"], 1000);
  EXPECT_EQ(detail["of"], 50000);
  EXPECT_EQ(detail["first_wrong"], (std::vector<std::int64_t>{0, 49}));
  EXPECT_THAT(describe_wrong(o, matrix(1000, 50)),
              AllOf(HasSubstr("(1,000 of 50,000)"), HasSubstr("out[0, 49] is 1 where 3 is right")));
}

}  // namespace
}  // namespace kerf
