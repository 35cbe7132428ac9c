#include "runner/blame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using Kind = BoundArgument::Kind;

BoundStep launch(const char* kernel, int line, std::vector<BoundArgument> args) {
  return {.does = BoundLaunch{.kernel = kernel, .grid = {1}, .args = std::move(args)}, .at = {.line = line}};
}
BoundArgument tensor(TensorId id, Kind kind = Kind::tensor) { return {.kind = kind, .tensor = id}; }

std::string fact(const Error& error, std::string_view name) {
  for (const auto& [key, value] : error.facts) {
    if (key == name) return value;
  }
  return "none";
}

TEST(Blame, IsTheCandidatesWithVerdictAndRule) {
  const Error error = blame("crashed", "signal", "k died", Location{.line = 3}).error();
  EXPECT_EQ(error.kind, ErrorKind::candidate);
  EXPECT_EQ(error.message, "k died");
  EXPECT_EQ(error.at->line, 3);
  EXPECT_EQ(fact(error, "verdict"), "crashed");
  EXPECT_EQ(fact(error, "rule"), "signal");
}

TEST(BlameForAWriteBeside, FallsOnTheLastLaunchThatIsGivenTheTensor) {
  const Program program{.steps = {launch("first", 4, {tensor(1)}), launch("last", 8, {tensor(0), tensor(1)}),
                                  launch("other", 12, {tensor(0)})}};
  const Error error = blame_write_beside(program, 1, "out").error();
  EXPECT_EQ(error.message, "last writes beside out");
  EXPECT_EQ(error.at->line, 8);
  EXPECT_EQ(fact(error, "verdict"), "wrong");
  EXPECT_EQ(fact(error, "rule"), "out_of_bounds_write");
}

TEST(BlameForAWriteBeside, CountsTensorsThatAreReachedThroughAMap) {
  const Program program{.steps = {launch("tiles", 4, {tensor(1, Kind::tensor_map)})}};
  EXPECT_EQ(blame_write_beside(program, 1, "out").error().message, "tiles writes beside out");
}

TEST(BlameForAWriteBeside, FallsOnNobodyWhereNoLaunchReachesTheTensor) {
  // A number that happens to stand beside the tensor's id reaches no memory.
  const Program program{.steps = {launch("k", 4, {tensor(1, Kind::i64)}), {.does = BoundCall{}, .at = {.line = 8}}}};
  const Error error = blame_write_beside(program, 1, "s").error();
  EXPECT_EQ(error.message, "something writes beside s");
  EXPECT_FALSE(error.at);
}

}  // namespace
}  // namespace kerf
