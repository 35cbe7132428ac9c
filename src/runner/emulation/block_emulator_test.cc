// Threads of a block as fibres: what they find when they start, and what is seen when they have ended.
#include "runner/emulation/block_emulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/emulation/block_fixture.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

// Each thread leaves its number in shared memory, the first adds them up.
void sum_through_shared(KerfBlock* b, int* data) {
  int* shared = reinterpret_cast<int*>(b->shared);
  shared[b->linear] = static_cast<int>(b->linear);
  b->barrier(b, 1, kerf_vote_none, 0);
  if (b->linear == 0) {
    int sum = 0;
    for (unsigned i = 0; i < b->block_extent.x; ++i) sum += shared[i];
    data[b->block.x] = sum;
  }
}

TEST_P(Blocks, ShareMemory) {
  for (const std::int64_t threads : {1, 31, 128, 1024}) {
    EXPECT_FALSE(run(sum_through_shared, threads, 3));
    EXPECT_EQ(out[3], threads * (threads - 1) / 2) << threads;
  }
}

TEST_P(Blocks, FindNaNsInSharedMemoryHoweverOftenItIsUsed) {
  for (int again = 0; again < 2; ++again) {
    EXPECT_FALSE(run(
        [](KerfBlock* b, int* data) {
          auto* shared = reinterpret_cast<int*>(b->shared);
          data[0] = shared[0];
          data[1] = shared[1023];
          shared[0] = shared[1023] = 5;
        },
        1));
    EXPECT_EQ(out[0], -1);
    EXPECT_EQ(out[1], -1);
  }
}

TEST_P(Blocks, KnowWhereTheyAreInThreeDimensions) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        const KerfExtent& at = b->thread;
        data[b->linear] = static_cast<int>(at.x + 10 * at.y + 100 * at.z);
        if (b->linear == 0) data[60] = static_cast<int>(b->block.x * 1000 + b->grid_extent.x);
      },
      {3, 2, 2}, 2));
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[4], 11);
  EXPECT_EQ(out[11], 112);
  EXPECT_EQ(out[12], -7) << "there are twelve";
  EXPECT_EQ(out[60], 2004);
}

TEST_P(Blocks, StartInTheOrderThatIsAskedFor) {
  out[0] = 0;
  EXPECT_FALSE(run([](KerfBlock* b, int* data) { data[++data[0]] = static_cast<int>(b->linear); }, 40));
  EXPECT_EQ(out[1], GetParam() ? 39 : 0);
  EXPECT_EQ(out[40], GetParam() ? 0 : 39);
}

TEST_P(Blocks, CanBeUsedAgainAfterTrouble) {
  EXPECT_TRUE(run([](KerfBlock* b, int*) { b->barrier(b, b->linear < 7 ? 11 : 12, kerf_vote_none, 0); }, 64));
  EXPECT_FALSE(run(sum_through_shared, 64));
  EXPECT_EQ(out[0], 63 * 64 / 2);
}

TEST_P(Blocks, ThatStopThemselvesSayWhoAndWhere) {
  const auto stop = [](KerfBlock* b, int*) {
    if (b->linear == 5) b->trap(b, 17);
  };
  const auto flat = run(stop, 64);
  ASSERT_TRUE(flat);
  EXPECT_EQ(flat->line, 17);
  EXPECT_EQ(flat->construct, "__trap");
  EXPECT_EQ(flat->message, "thread 5 stops at line 17");
  const auto deep = run(stop, {2, 2, 2});
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->message, "thread (1, 0, 1) stops at line 17");
}

TEST_P(Blocks, ThatWriteBehindTheirSharedMemoryAreSeen) {
  const auto trouble = run([](KerfBlock* b, int*) { b->shared[shared_bytes] = 1; }, 1);
  ASSERT_TRUE(trouble);
  EXPECT_STREQ(trouble->rule, "shared_memory");
  EXPECT_THAT(trouble->message, HasSubstr("behind its 8100 bytes"));
  EXPECT_FALSE(run([](KerfBlock* b, int*) { b->shared[shared_bytes - 1] = 1; }, 1));
}

TEST_P(Blocks, LargerThanTheEmulationsAreNotBegun) {
  const auto small = BlockEmulator::create(32);
  ASSERT_TRUE(small);
  const KernelEntry entry{.name = "k", .types = nullptr, .run = run_body};
  const auto begin = [&](std::int64_t threads, std::int64_t bytes) {
    const EmulatedLaunch launch{
        .kernel = &entry, .grid = {1, 1, 1}, .block = {threads, 1, 1}, .shared_bytes = bytes, .variables = {}};
    return (*small)->begin(launch, nullptr, 0, 0, GetParam());
  };
  EXPECT_FALSE(begin(32, BlockEmulator::max_shared_bytes));
  EXPECT_TRUE(begin(33, 0));
  EXPECT_TRUE(begin(32, BlockEmulator::max_shared_bytes + 1));
}

INSTANTIATE_TEST_SUITE_P(InBothOrders, Blocks, ::testing::Bool(), order_name);

}  // namespace
}  // namespace kerf
