#include "candidate/tensor_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TensorSpec spec(std::vector<std::int64_t> shape, Dtype dtype = Dtype::f32) {
  auto stride = contiguous_strides(shape);
  return {.dtype = dtype, .shape = std::move(shape), .stride = std::move(stride)};
}

std::string why_not(const TensorSpec& of, const TensorMap& map) {
  const auto found = tiled(of, map);
  if (found) return {};
  EXPECT_EQ(found.error().kind, ErrorKind::candidate);
  return found.error().message;
}

TEST(TensorMap, has_the_innermost_dimension_first_and_strides_in_bytes) {
  const auto found = tiled(spec({3, 100, 64}), {.box = {1, 8, 32}, .swizzle = 128});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->rank, 3);
  EXPECT_EQ(found->element_bytes, 4);
  EXPECT_THAT(found->extent, ElementsAre(64, 100, 3, 0, 0));
  EXPECT_THAT(found->stride, ElementsAre(4, 256, 25600, 0, 0));
  EXPECT_THAT(found->box, ElementsAre(32, 8, 1, 0, 0));
}

TEST(TensorMap, of_rows_that_lie_apart_has_their_stride) {
  const TensorSpec columns{.dtype = Dtype::bf16, .shape = {10, 24}, .stride = {40, 1}};
  const auto found = tiled(columns, {.box = {2, 8}});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->stride, ElementsAre(2, 80, 0, 0, 0));
}

TEST(TensorMap, of_one_row_takes_whatever_stride_suits) {
  const auto found = tiled(spec({1, 5}), {.box = {1, 4}});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->stride[1] % 16, 0);
}

TEST(TensorMap, says_what_the_hardware_does_not_allow) {
  EXPECT_THAT(why_not(spec({}), {}), HasSubstr("1 to 5 dimensions"));
  EXPECT_THAT(why_not(spec({2, 2, 2, 2, 2, 4}), {.box = {1, 1, 1, 1, 1, 4}}), HasSubstr("1 to 5 dimensions"));
  EXPECT_THAT(why_not(spec({8, 8}), {.box = {8}}), HasSubstr("the box has 1 extents"));
  EXPECT_THAT(why_not(spec({8, 8}), {.box = {4, 4}, .swizzle = 16}), HasSubstr("swizzle is 16"));
  EXPECT_THAT(why_not(spec({8, 0}), {.box = {4, 4}}), HasSubstr("extent 1 of the tensor is 0"));
  EXPECT_THAT(why_not(spec({512, 8}), {.box = {257, 4}}), HasSubstr("extent 0 of the box is 257"));
  EXPECT_THAT(why_not(spec({8, 8}), {.box = {0, 4}}), HasSubstr("extent 0 of the box is 0"));
  EXPECT_THAT(why_not({.dtype = Dtype::f32, .shape = {8, 8}, .stride = {1, 8}}, {.box = {4, 4}}),
              HasSubstr("its last dimension must be contiguous"));
  EXPECT_THAT(why_not(spec({8, 7}), {.box = {4, 4}}), HasSubstr("stride 0 of the tensor is 28 bytes"));
  EXPECT_THAT(why_not(spec({8, 8}), {.box = {4, 2}}), HasSubstr("8 bytes wide: expected a multiple of 16"));
  EXPECT_THAT(why_not(spec({8, 64}), {.box = {4, 64}, .swizzle = 128}), HasSubstr("a swizzle of 128"));
}

}  // namespace
}  // namespace kerf
