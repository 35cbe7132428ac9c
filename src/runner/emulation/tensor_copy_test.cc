#include "runner/emulation/tensor_copy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

namespace kerf {
namespace {

using testing::Each;
using testing::ElementsAre;

KerfTensorMap map_of(std::vector<float>& data, std::vector<unsigned long> extent, std::vector<unsigned> box,
                     unsigned swizzle = 0) {
  KerfTensorMap map{};
  map.magic = KerfTensorMap::right_magic;
  map.data = reinterpret_cast<unsigned char*>(data.data());
  map.rank = static_cast<unsigned>(extent.size());
  map.element_bytes = sizeof(float);
  map.swizzle = swizzle;
  unsigned long stride = sizeof(float);
  for (std::size_t d = 0; d < extent.size(); ++d) {
    map.extent[d] = extent[d];
    map.box[d] = box[d];
    map.stride[d] = stride;
    stride *= extent[d];
  }
  return map;
}

std::vector<float> counted(std::size_t n) {
  std::vector<float> data(n);
  std::iota(data.begin(), data.end(), 1.0f);
  return data;
}

TEST(TensorCopy, loads_a_box_with_zeros_outside_of_the_tensor) {
  auto data = counted(12);  // 3 rows of 4
  const KerfTensorMap map = map_of(data, {4, 3}, {4, 2});
  std::array<float, 8> box{};
  EXPECT_EQ(bytes_of_box(map), sizeof box);
  load_box(map, {{0, 1}, 2}, reinterpret_cast<std::byte*>(box.data()));
  EXPECT_THAT(box, ElementsAre(5, 6, 7, 8, 9, 10, 11, 12));
  box.fill(-1);
  load_box(map, {{2, 2}, 2}, reinterpret_cast<std::byte*>(box.data()));
  EXPECT_THAT(box, ElementsAre(11, 12, 0, 0, 0, 0, 0, 0));
  load_box(map, {{-1, -1}, 2}, reinterpret_cast<std::byte*>(box.data()));
  EXPECT_THAT(box, ElementsAre(0, 0, 0, 0, 0, 1, 2, 3));
  load_box(map, {{2147483647, -2147483647 - 1}, 2}, reinterpret_cast<std::byte*>(box.data()));
  EXPECT_THAT(box, Each(0));
}

TEST(TensorCopy, stores_what_lies_inside_and_nothing_else) {
  std::vector<float> data(12, -1);
  const KerfTensorMap map = map_of(data, {4, 3}, {4, 2});
  const std::array<float, 8> box{1, 2, 3, 4, 5, 6, 7, 8};
  store_box(map, {{3, 2}, 2}, reinterpret_cast<const std::byte*>(box.data()));
  EXPECT_THAT(data, ElementsAre(-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1));
  store_box(map, {{-2, 0}, 2}, reinterpret_cast<const std::byte*>(box.data()));
  EXPECT_THAT(data, ElementsAre(3, 4, -1, -1, 7, 8, -1, -1, -1, -1, -1, 1));
}

TEST(TensorCopy, knows_one_and_three_dimensions) {
  auto data = counted(24);  // 2 x 3 x 4
  std::array<float, 8> box{};
  load_box(map_of(data, {24}, {8}), {{20}, 1}, reinterpret_cast<std::byte*>(box.data()));
  EXPECT_THAT(box, ElementsAre(21, 22, 23, 24, 0, 0, 0, 0));
  load_box(map_of(data, {4, 3, 2}, {4, 1, 2}), {{0, 2, 0}, 3}, reinterpret_cast<std::byte*>(box.data()));
  EXPECT_THAT(box, ElementsAre(9, 10, 11, 12, 21, 22, 23, 24));
}

// The patterns that CUDA's programming guide draws: in row r of 128 bytes unit u lies at u ^ r, and so on.
TEST(TensorCopy, swizzles_units_of_16_bytes) {
  for (std::uintptr_t row = 0; row < 16; ++row) {
    for (std::uintptr_t unit = 0; unit < 8; ++unit) {
      const std::uintptr_t at = row * 128 + unit * 16 + 4;
      EXPECT_EQ(swizzled(at, 0), at);
      EXPECT_EQ(swizzled(at, 128), row * 128 + (unit ^ row % 8) * 16 + 4);
      EXPECT_EQ(swizzled(at, 64), row * 128 + (unit ^ row % 4) * 16 + 4);
      EXPECT_EQ(swizzled(at, 32), row * 128 + (unit ^ row % 2) * 16 + 4);
    }
  }
}

TEST(TensorCopy, stores_what_a_swizzled_load_brought) {
  auto data = counted(32 * 16);
  std::vector<float> back(data.size(), 0);
  alignas(1024) std::array<float, 32 * 16> box{};
  load_box(map_of(data, {32, 16}, {32, 16}, 128), {{0, 0}, 2}, reinterpret_cast<std::byte*>(box.data()));
  EXPECT_EQ(box[32], data[32 + 4]);  // the second row begins with its second unit
  store_box(map_of(back, {32, 16}, {32, 16}, 128), {{0, 0}, 2}, reinterpret_cast<const std::byte*>(box.data()));
  EXPECT_EQ(back, data);
}

}  // namespace
}  // namespace kerf
