// Blocks that wait for each other.
#include "runner/emulation/grid_emulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/emulation/block_fixture.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

// A barrier of all blocks through memory, then each adds up what all have written. The data: a counter, then a number
// of each block, then each block's result.
void sum_of_blocks(KerfBlock* b, int* data) {
  int* shared = reinterpret_cast<int*>(b->shared);
  if (b->linear == 0) shared[0] = static_cast<int>(b->block.x) + 1;
  b->barrier(b, 1, kerf_vote_none, 0);
  if (b->linear == 0) {
    data[1 + b->block.x] = shared[0];
    ++data[0];
    while (*static_cast<volatile int*>(data) < static_cast<int>(b->grid_extent.x)) b->yield(b, 21);
  }
  b->barrier(b, 2, kerf_vote_none, 0);
  int sum = 0;
  for (unsigned i = 0; i < b->grid_extent.x; ++i) sum += data[1 + i];
  b->barrier(b, 3, kerf_vote_none, 0);
  if (b->linear == b->block_extent.x - 1) data[1 + b->grid_extent.x + b->block.x] = sum + shared[0];
}

class Grids : public ::testing::TestWithParam<bool> {  // descending
 protected:
  Result<std::optional<BlockTrouble>> run(Body body, std::array<std::int64_t, 3> blocks, std::int64_t threads) {
    const KernelEntry entry{.name = "k", .types = nullptr, .run = run_body};
    const EmulatedLaunch launch{.kernel = &entry,
                                .grid = blocks,
                                .block = {threads, 1, 1},
                                .shared_bytes = 64,
                                .variables = {},
                                .cooperative = true};
    int* numbers = data.data();
    void* const args[] = {&numbers, &body};
    return grid.run(launch, args, 2, GetParam());
  }
  GridEmulator grid;
  std::vector<int> data = std::vector<int>(1 + 2 * 256, 0);
};

TEST_P(Grids, WaitForEachOtherAndKeepTheirSharedMemory) {
  for (const std::int64_t threads : {32, 96}) {  // the same emulator for blocks of another size
    data.assign(data.size(), 0);
    const auto trouble = run(sum_of_blocks, {16, 1, 1}, threads);
    ASSERT_TRUE(trouble) << trouble.error().message;
    EXPECT_FALSE(*trouble) << (*trouble)->message;
    for (int i = 0; i < 16; ++i) EXPECT_EQ(data[17 + static_cast<std::size_t>(i)], 16 * 17 / 2 + i + 1);
  }
}

TEST_P(Grids, AreFoundWaitingForNobody) {
  const Body wait_for_one_more = [](KerfBlock* b, int* counter) {
    if (b->linear == 0) ++counter[0];
    const auto blocks = static_cast<int>(b->grid_extent.x * b->grid_extent.y);
    while (b->linear == 0 && *static_cast<volatile int*>(counter) <= blocks) b->yield(b, 31);
    b->barrier(b, 32, kerf_vote_none, 0);
  };
  const auto flat = run(wait_for_one_more, {3, 1, 1}, 64);
  ASSERT_TRUE(flat) << flat.error().message;
  ASSERT_TRUE(*flat);
  EXPECT_EQ((*flat)->line, 31);
  EXPECT_STREQ((*flat)->rule, "deadlock");
  EXPECT_THAT((*flat)->message, HasSubstr(GetParam() ? "thread 0 of block 2" : "thread 0 of block 0"));
  data[0] = 0;
  const auto deep = run(wait_for_one_more, {2, 2, 1}, 32);
  ASSERT_TRUE(deep && *deep);
  EXPECT_THAT((*deep)->message, HasSubstr(GetParam() ? "of block (1, 1, 0)" : "of block (0, 0, 0)"));
}

TEST_P(Grids, EndWithTheTroubleOfTheirFirstBlockThatHasAny) {
  const auto trouble = run(
      [](KerfBlock* b, int*) {
        if (b->block.x == 1) b->trap(b, 7);
      },
      {3, 1, 1}, 32);
  ASSERT_TRUE(trouble && *trouble);
  EXPECT_EQ((*trouble)->line, 7);
  const auto next = run(sum_of_blocks, {3, 1, 1}, 32);
  ASSERT_TRUE(next);
  EXPECT_FALSE(*next) << "and can be used again";
}

TEST_P(Grids, MayBeAsManyAsThereAreStacksFor) {
  for (const std::int64_t threads : {64, 32}) {
    const std::int64_t blocks = std::min<std::int64_t>(256, GridEmulator::max_threads / threads);
    data.assign(data.size(), 0);
    const auto trouble = run(sum_of_blocks, {blocks, 1, 1}, threads);
    ASSERT_TRUE(trouble) << trouble.error().message;
    EXPECT_FALSE(*trouble) << (*trouble)->message;
    EXPECT_EQ(data[1 + static_cast<std::size_t>(blocks)], blocks * (blocks + 1) / 2 + 1);
  }
}

TEST_P(Grids, AreTooManyToBeAliveTogether) {
  for (const auto& [blocks, threads] : {std::pair<std::int64_t, std::int64_t>{1 << 20, 1024}, {513, 32}, {1, 1025}}) {
    const auto trouble = run(sum_of_blocks, {blocks, 1, 1}, threads);
    ASSERT_FALSE(trouble);
    EXPECT_EQ(trouble.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(trouble.error().message, HasSubstr("the emulation holds 16384 threads at a time"));
  }
}

INSTANTIATE_TEST_SUITE_P(InBothOrders, Grids, ::testing::Bool(), order_name);

}  // namespace
}  // namespace kerf
