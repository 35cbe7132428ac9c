#include "runner/cuda/launch_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

namespace kerf {
namespace {

using Kind = BoundArgument::Kind;
using testing::ElementsAre;
using testing::Pair;

template <class T>
T read(const ParameterBytes& bytes) {
  T value;
  std::memcpy(&value, bytes.words.data(), sizeof value);
  return value;
}

BoundArgument tensor(TensorId id) { return {.kind = Kind::tensor, .tensor = id}; }

TensorSpec matrix() { return {.dtype = Dtype::bf16, .shape = {100, 64}, .stride = {64, 1}}; }

BoundLaunch blocks(std::vector<BoundArgument> args) {
  return {.kernel = "k", .grid = {7, 5}, .args = std::move(args), .block = BoundBlock{.extent = {32, 4, 1}}};
}

TEST(ParameterOf, has_the_bytes_that_a_parameter_of_its_type_reads) {
  EXPECT_EQ(read<std::int64_t>(*parameter_of({.kind = Kind::i64, .integer = -5})), -5);
  EXPECT_EQ(parameter_of({.kind = Kind::i32, .integer = -5})->words[0], 0xfffffffbU);
  EXPECT_EQ(read<float>(*parameter_of({.kind = Kind::f32, .number = 0.5})), 0.5f);
  EXPECT_EQ(read<double>(*parameter_of({.kind = Kind::f64, .number = 0.1})), 0.1);
  EXPECT_EQ(parameter_of({.kind = Kind::boolean, .integer = 1})->words[0], 1U);
  EXPECT_EQ(parameter_of(tensor(3))->words[0], 0U);
  EXPECT_EQ(parameter_of({.kind = Kind::unknown}).error().kind, ErrorKind::internal);
  EXPECT_EQ(parameter_of({.kind = Kind::thread}).error().kind, ErrorKind::internal);
}

TEST(LayOutBlocks, gives_extents_and_arguments_in_order) {
  BoundLaunch launch = blocks({tensor(2), {.kind = Kind::i64, .integer = 9}, tensor(0)});
  launch.block->shared_bytes = 1000;
  auto laid = lay_out_blocks(launch, [](TensorId) { return TensorSpec(); });
  ASSERT_TRUE(laid) << laid.error().message;
  EXPECT_THAT(laid->config.grid, ElementsAre(7, 5, 1));
  EXPECT_THAT(laid->config.block, ElementsAre(32, 4, 1));
  EXPECT_EQ(laid->config.shared_bytes, 1000U);
  EXPECT_THAT(laid->attributes, testing::IsEmpty());
  EXPECT_THAT(laid->tensors, ElementsAre(Pair(0, 2), Pair(2, 0)));
  ASSERT_EQ(laid->values.size(), 3U);
  const auto pointers = pointers_to(laid->values);
  EXPECT_EQ(*static_cast<std::int64_t*>(pointers[1]), 9);
}

TEST(LayOutBlocks, asks_for_clusters_and_for_blocks_together_where_the_plan_does) {
  BoundLaunch launch = blocks({});
  launch.block->cluster = {2, 1, 1};
  launch.block->cooperative = true;
  const auto laid = lay_out_blocks(launch, [](TensorId) { return TensorSpec(); });
  ASSERT_TRUE(laid);
  ASSERT_EQ(laid->attributes.size(), 2U);
  EXPECT_EQ(laid->attributes[0].id, 4);  // CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION
  EXPECT_THAT(laid->attributes[0].value.cluster, ElementsAre(2, 1, 1));
  EXPECT_EQ(laid->attributes[1].id, 2);  // CU_LAUNCH_ATTRIBUTE_COOPERATIVE
  EXPECT_EQ(laid->attributes[1].value.cooperative, 1);
}

TEST(LayOutBlocks, gives_tensor_maps_128_bytes_where_the_driver_wants_them) {
  auto laid = lay_out_blocks(
      blocks({tensor(1), {.kind = Kind::tensor_map, .tensor = 4, .map = {.box = {8, 32}, .swizzle = 64}}}),
      [](TensorId id) { return id == 4 ? matrix() : TensorSpec(); });
  ASSERT_TRUE(laid) << laid.error().message;
  ASSERT_EQ(laid->maps.size(), 1U);
  EXPECT_EQ(laid->maps[0].argument, 1U);
  EXPECT_EQ(laid->maps[0].tensor, 4);
  const auto pointers = pointers_to(laid->values);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pointers[1]) % 64, 0U);
  EXPECT_EQ(sizeof laid->values[1].words, 128U);
}

TEST(LayOutBlocks, says_why_a_tensor_has_no_map) {
  const auto laid = lay_out_blocks(blocks({{.kind = Kind::tensor_map, .tensor = 0, .map = {.box = {8, 3}}}}),
                                   [](TensorId) { return matrix(); });
  ASSERT_FALSE(laid);
  EXPECT_EQ(laid.error().kind, ErrorKind::candidate);
}

TEST(MapEncoding, is_what_the_driver_documents) {
  const auto found = map_encoding(matrix(), {.box = {8, 64}, .swizzle = 128});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->type, 9);  // CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
  EXPECT_EQ(found->rank, 2U);
  EXPECT_THAT(found->extents, ElementsAre(64, 100, 0, 0, 0));
  EXPECT_THAT(found->strides, ElementsAre(128, 0, 0, 0, 0));
  EXPECT_THAT(found->box, ElementsAre(64, 8, 0, 0, 0));
  EXPECT_EQ(found->swizzle, 3);  // CU_TENSOR_MAP_SWIZZLE_128B
  const auto type = [](Dtype dtype) {
    return map_encoding({.dtype = dtype, .shape = {64}, .stride = {1}}, {.box = {16}})->type;
  };
  EXPECT_THAT((std::vector<int>{type(Dtype::f32), type(Dtype::f64), type(Dtype::f16), type(Dtype::i32),
                                type(Dtype::i64), type(Dtype::i16), type(Dtype::i8), type(Dtype::boolean)}),
              ElementsAre(7, 8, 6, 3, 5, 1, 0, 0));
}

TEST(LayOutPrograms, takes_the_arguments_that_the_kernel_still_has) {
  const BoundLaunch launch{
      .kernel = "k",
      .grid = {100},
      .args = {tensor(0), {.kind = Kind::i64, .integer = 1}, tensor(1), {.kind = Kind::i64, .integer = -1}},
      .programs = BoundPrograms{}};
  const TritonEntry entry{
      .key = "",
      .kernel = "k",
      .cubin = "",
      .symbol = "k",
      .num_warps = 8,
      .shared_bytes = 512,
      .parameters = {{.argument = 0}, {.argument = 2}, {.argument = 3, .type = TritonArgument::Type::i32}},
      .scratch = {}};
  const auto laid = lay_out_programs(launch, entry);
  ASSERT_TRUE(laid) << laid.error().message;
  EXPECT_THAT(laid->config.grid, ElementsAre(100, 1, 1));
  EXPECT_THAT(laid->config.block, ElementsAre(256, 1, 1));
  EXPECT_EQ(laid->config.shared_bytes, 512U);
  EXPECT_THAT(laid->tensors, ElementsAre(Pair(0, 0), Pair(1, 1)));
  ASSERT_EQ(laid->values.size(), 3U);
  EXPECT_EQ(laid->values[2].words[0], 0xffffffffU);
  EXPECT_EQ(programs_of(launch), 100);
  TritonEntry other = entry;
  other.parameters.push_back({.argument = 4});
  EXPECT_FALSE(lay_out_programs(launch, other));
}

}  // namespace
}  // namespace kerf
