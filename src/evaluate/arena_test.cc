#include <gtest/gtest.h>
#include <unistd.h>

#include <rapidcheck/gtest.h>

#include "evaluate/oracle.h"

namespace kerf {
namespace {

std::size_t page() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

TensorSpec row(std::int64_t n, Dtype dtype = Dtype::f32) { return {.dtype = dtype, .shape = {n}, .stride = {1}}; }

TEST(Arena, PutsTensorsAtTheFrontOfTheirPages) {
  const auto arena = make_arena("test", {{"x", row(3)}, {"y", row(5000)}}, Placement::front);
  ASSERT_TRUE(arena) << arena.error().message;
  EXPECT_EQ(arena->tensors[0].offset, page()) << "a page in front that nobody owns";
  EXPECT_EQ(arena->tensors[1].offset, 3 * page());
  EXPECT_EQ(arena->memory.size(), 3 * page() + 5 * page() + page());
}

TEST(Arena, PutsTensorsAtTheBackOfTheirPages) {
  const auto arena = make_arena("test", {{"x", row(16)}, {"y", row(3)}}, Placement::back);
  ASSERT_TRUE(arena) << arena.error().message;
  EXPECT_EQ(arena->tensors[0].offset, 2 * page() - 64) << "64 bytes end with the page";
  EXPECT_EQ(arena->tensors[1].offset, 4 * page() - 64) << "12 bytes begin where vectors may";
}

TEST(Arena, HasAPlaceForATensorOfNothing) {
  const auto arena = make_arena("test", {{"x", row(0)}, {"y", row(1)}}, Placement::back);
  ASSERT_TRUE(arena) << arena.error().message;
  EXPECT_LT(arena->tensors[0].offset, arena->tensors[1].offset);
}

RC_GTEST_PROP(Arenas, GiveEveryTensorAlignedPagesOfItsOwnWithAFreePageOnBothSides, ()) {
  std::vector<std::pair<std::string, TensorSpec>> tensors;
  const auto count = *rc::gen::inRange(1, 6);
  for (int i = 0; i < count; ++i) {
    const auto dtype = *rc::gen::element(Dtype::f64, Dtype::f32, Dtype::f16, Dtype::u8);
    tensors.emplace_back("t" + std::to_string(i), row(*rc::gen::inRange(0, 9000), dtype));
  }
  const auto placement = *rc::gen::element(Placement::front, Placement::back);
  const auto arena = make_arena("test", tensors, placement);
  RC_ASSERT(arena.has_value());
  std::size_t free_from = 0;  // the first byte behind the pages of the tensor before
  for (const Placed& t : arena->tensors) {
    const std::size_t bytes = std::max<std::size_t>(1, t.spec.storage_bytes());
    const std::size_t first = t.offset / page() * page(), last = (t.offset + bytes + page() - 1) / page() * page();
    RC_ASSERT(t.offset % 64 == 0U);
    RC_ASSERT(first >= free_from + page());
    if (placement == Placement::front) RC_ASSERT(t.offset == first);
    if (placement == Placement::back) RC_ASSERT(last - (t.offset + bytes) < 64U);
    free_from = last;
  }
  RC_ASSERT(arena->memory.size() == free_from + page());
}

}  // namespace
}  // namespace kerf
