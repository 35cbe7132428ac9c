// Rows of few elements in order: the interpreter's result against the standard library's.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;
using testing::ElementsAre;

constexpr double infinity = std::numeric_limits<double>::infinity();

bool is_beyond(double a, double b) { return a > b || (std::isnan(a) && !std::isnan(b)); }

// Numbers with many equals among them, what is no number, and infinities.
std::vector<double> row(std::size_t n, std::size_t seed) {
  std::vector<double> made;
  for (std::size_t k = 0; k < n; ++k) {
    const auto draw = static_cast<int>((k * 37 + seed * 11 + k * k * seed) % 9) - 4;
    made.push_back(draw == 4 ? std::nan("") : draw == 3 ? infinity : draw == -4 ? -infinity : draw);
  }
  return made;
}

std::vector<double> places_in_order(const std::vector<double>& row, bool descending) {
  std::vector<double> made = counted(row.size());
  std::ranges::stable_sort(made, [&](double i, double j) {
    const double a = row[static_cast<std::size_t>(i)], b = row[static_cast<std::size_t>(j)];
    return descending ? is_beyond(a, b) : is_beyond(b, a);
  });
  return made;
}

void expect_same(const std::vector<double>& got, const std::vector<double>& wanted, const std::string& what) {
  ASSERT_EQ(got.size(), wanted.size()) << what;
  for (std::size_t k = 0; k < wanted.size(); ++k)
    EXPECT_TRUE(got[k] == wanted[k] || (std::isnan(got[k]) && std::isnan(wanted[k]))) << what << " " << k;
}

// Of many rows at once: a network is lowered once for each length.
struct Rows {
  std::vector<double> x, values, places;
};
Rows rows_of(std::size_t n, bool descending) {
  Rows made;
  for (std::size_t seed = 0; seed < 50; ++seed) {
    const std::vector<double> each = row(n, seed), places = places_in_order(each, descending);
    made.x.insert(made.x.end(), each.begin(), each.end());
    made.places.insert(made.places.end(), places.begin(), places.end());
    for (const double place : places) made.values.push_back(each[static_cast<std::size_t>(place)]);
  }
  return made;
}

TEST(Sorting, OfRowsOfEveryLength) {
  for (const std::size_t n : {2, 3, 5, 8, 11, 16})
    for (const bool descending : {false, true}) {
      const Rows rows = rows_of(n, descending);
      expect_same(
          result_of(fmt::format("input x f32 50 {0}\ny = aten.sort.default x 1 {1} -> f32 50 {0}", n, descending),
                    {{"x", rows.x}}),
          rows.values, fmt::format("{} elements", n));
    }
}

TEST(Sorting, KeepsTheOrderOfEqualPositions) {
  for (const std::size_t n : {2, 5, 8})
    for (const bool descending : {false, true}) {
      const Rows rows = rows_of(n, descending);
      expect_same(
          result_of(fmt::format(
                        "input x f32 50 {0}\ny = aten.argsort.stable x stable=true dim=1 descending={1} -> i64 50 {0}",
                        n, descending),
                    {{"x", rows.x}}),
          rows.places, fmt::format("{} elements", n));
    }
}

TEST(Sorting, OfColumns) {
  EXPECT_THAT(result_of("input x f32 3 2\ny = aten.msort.default x -> f32 3 2", {{"x", {5, 1, 3, 2, 4, 0}}}),
              ElementsAre(3, 0, 4, 1, 5, 2));
}

TEST(Sorting, GivesOneOfARow) {
  const auto of = [](const char* node, const std::vector<double>& x) {
    return result_of(fmt::format("input x f32 1 {}\ny = aten.{} -> f32 1", x.size(), node), {{"x", x}});
  };
  EXPECT_THAT(of("median.dim x 1", {5, 1, 3, 2}), ElementsAre(2));
  EXPECT_THAT(of("median.dim x 1", {5, 1, 3}), ElementsAre(3));
  EXPECT_THAT(of("median.dim x 1", {5, std::nan(""), 3, 1}), ElementsAre(testing::IsNan()));
  EXPECT_THAT(of("kthvalue.default x 3 1", {5, std::nan(""), 3, 1}), ElementsAre(5));
  EXPECT_THAT(of("kthvalue.default x 4 1", {5, std::nan(""), 3, 1}), ElementsAre(testing::IsNan()));
}

TEST(Sorting, OfManyOrInAnOpenOrderIsACall) {
  EXPECT_EQ(refusal_of("input x f32 2 17\ny = aten.sort.default x -> f32 2 17"), "rows that are not sorted in a line");
  EXPECT_EQ(refusal_of("input x f32 2 9\ny = aten.argsort.stable x stable=true -> i64 2 9"),
            "rows that are not sorted in a line");
  EXPECT_EQ(refusal_of("input x f32 2 4\ny = aten.argsort.default x -> i64 2 4"),
            "positions in an order that is open where elements are equal");
}

}  // namespace
}  // namespace kerf
