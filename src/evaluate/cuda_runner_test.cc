#include "evaluate/cuda_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

std::unexpected<Error> no_room() {
  return std::unexpected(Error{.kind = ErrorKind::candidate,
                               .message = "aten::conv1d: CUDA out of memory",
                               .at = std::nullopt,
                               .facts = {{"verdict", "crashed"}, {"rule", "memory"}}});
}

struct Attempts {
  std::vector<Result<int>> gives;
  int made = 0, asked = 0;
  bool room = true;

  Result<int> operator()() {
    return with_room([&] { return gives.at(static_cast<std::size_t>(made++)); },
                     [&]() -> Result<> {
                       ++asked;
                       return room ? Result<>() : fail(ErrorKind::system, "the oracle is gone");
                     });
  }
};

TEST(WithRoom, TriesOnceMoreBeforeAnybodyIsBlamed) {
  Attempts attempts{.gives = {no_room(), 7}};
  EXPECT_EQ(*attempts(), 7);
  EXPECT_EQ(attempts.asked, 1);
}

TEST(WithRoom, BlamesWhoFindsNoneASecondTime) {
  Attempts attempts{.gives = {no_room(), no_room(), 7}};
  const auto result = attempts();
  ASSERT_FALSE(result);
  EXPECT_TRUE(is_no_room(result.error()));
  EXPECT_EQ(attempts.made, 2);
}

TEST(WithRoom, TriesNothingAgainThatFailsOtherwiseOrWhereNobodyMakesRoom) {
  Attempts right{.gives = {7}};
  EXPECT_EQ(*right(), 7);
  Attempts wrong{.gives = {fail(ErrorKind::candidate, "a shape"), 7}};
  EXPECT_FALSE(wrong());
  EXPECT_EQ(right.asked + wrong.asked, 0);
  Attempts gone{.gives = {no_room(), 7}, .room = false};
  EXPECT_TRUE(is_no_room(gone().error()));
  EXPECT_EQ(gone.made, 1);
}

TEST(IsNoRoom, IsAboutMemoryOfTheDeviceAlone) {
  EXPECT_TRUE(is_no_room(no_room().error()));
  Error other = no_room().error();
  other.facts = {{"verdict", "crashed"}, {"rule", "out_of_bounds"}};
  EXPECT_FALSE(is_no_room(other));
  EXPECT_FALSE(is_no_room({.kind = ErrorKind::system, .message = "memory"}));
}

}  // namespace
}  // namespace kerf
