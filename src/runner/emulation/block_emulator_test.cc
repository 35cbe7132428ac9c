// Threads of a block as fibres, with kernels written against the block itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "runner/emulation/block_emulator.h"
#include "runner/emulation/grid_emulator.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

KerfBlock* block() {
  return reinterpret_cast<KerfBlock*>(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) &
                                      ~(KerfBlock::region_bytes - 1));
}
template <class T>
T* argument(void* const* args) {
  return *static_cast<T* const*>(args[0]);
}

// Each thread adds its number to a sum in shared memory in two phases with barriers between.
void sum_through_shared(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t,
                        std::int64_t) {
  KerfBlock* b = block();
  int* shared = reinterpret_cast<int*>(b->shared);
  shared[b->linear] = static_cast<int>(b->linear);
  b->barrier(b, 1, kerf_vote_none, 0);
  if (b->linear == 0) {
    int sum = 0;
    for (unsigned i = 0; i < b->block_extent.x; ++i) sum += shared[i];
    argument<int>(args)[b->block.x] = sum;
  }
}

void sum_through_warp(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  KerfBlock* b = block();
  unsigned long sum = b->linear;
  for (unsigned d = 16; d > 0; d /= 2) sum += b->warp(b, 2, kerf_warp_shuffle, ~0u, sum, b->linear % 32 ^ d);
  if (b->linear == 0) argument<int>(args)[0] = static_cast<int>(sum);
}

void diverge(void* const*, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  KerfBlock* b = block();
  b->barrier(b, b->linear < 7 ? 11 : 12, kerf_vote_none, 0);
}

void leave_early(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  KerfBlock* b = block();
  if (b->linear >= 5) return;
  const int left = b->barrier(b, 3, kerf_vote_count, 1);
  if (b->linear == 0) argument<int>(args)[0] = left;
}

void half_a_shuffle(void* const*, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  KerfBlock* b = block();
  if (b->linear < 16) b->warp(b, 4, kerf_warp_shuffle, ~0u, 1, 0);
  b->barrier(b, 5, kerf_vote_none, 0);
}

void copy_and_wait(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  KerfBlock* b = block();
  alignas(16) static constexpr std::array<int, 4> from = {1, 2, 3, 4};
  int* to = reinterpret_cast<int*>(b->shared);
  b->copy(b, 6, to, from.data(), 16, 8);
  b->commit(b);
  argument<int>(args)[0] = to[0];
  b->wait(b, 0);
  argument<int>(args)[1] = to[1];
  argument<int>(args)[2] = to[2];
}

// A barrier of all blocks through memory, then each adds up what all have written.
void sum_of_blocks(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  KerfBlock* b = block();
  int* data = argument<int>(args);  // a counter, then a number of each block, then each block's result
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

void wait_for_one_more(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
  KerfBlock* b = block();
  int* data = argument<int>(args);
  if (b->linear == 0) ++data[0];
  while (b->linear == 0 && *static_cast<volatile int*>(data) <= static_cast<int>(b->grid_extent.x)) b->yield(b, 31);
  b->barrier(b, 32, kerf_vote_none, 0);
}

class Blocks : public ::testing::TestWithParam<bool> {  // descending
 protected:
  void SetUp() override {
    auto made = BlockEmulator::create();
    ASSERT_TRUE(made) << made.error().message;
    emulator = *std::move(made);
  }
  std::optional<BlockTrouble> run(decltype(KernelEntry::run) kernel, std::int64_t threads, std::int64_t index = 0) {
    const KernelEntry entry{.name = "k", .types = nullptr, .run = kernel};
    const EmulatedLaunch launch{
        .kernel = &entry, .grid = {4, 1, 1}, .block = {threads, 1, 1}, .shared_bytes = 4096, .variables = {}};
    int* data = out.data();
    void* value = &data;
    void* const args[] = {value};
    return emulator->run(launch, args, 1, index, GetParam());
  }
  Result<std::optional<BlockTrouble>> run_together(decltype(KernelEntry::run) kernel, std::int64_t blocks,
                                                   std::int64_t threads, std::vector<int>& data) const {
    const KernelEntry entry{.name = "k", .types = nullptr, .run = kernel};
    const EmulatedLaunch launch{.kernel = &entry,
                                .grid = {blocks, 1, 1},
                                .block = {threads, 1, 1},
                                .shared_bytes = 64,
                                .variables = {},
                                .cooperative = true};
    int* numbers = data.data();
    void* value = &numbers;
    void* const args[] = {value};
    GridEmulator grid;
    return grid.run(launch, args, 1, GetParam());
  }
  std::unique_ptr<BlockEmulator> emulator;
  std::vector<int> out = std::vector<int>(8, -7);
};

TEST_P(Blocks, WaitAtBarriers) {
  for (const std::int64_t threads : {1, 31, 128, 1024}) {
    EXPECT_FALSE(run(sum_through_shared, threads, 3));
    EXPECT_EQ(out[3], threads * (threads - 1) / 2) << threads;
  }
}

TEST_P(Blocks, ExchangeValuesWithinWarps) {
  EXPECT_FALSE(run(sum_through_warp, 64));
  EXPECT_EQ(out[0], 31 * 32 / 2);
}

TEST_P(Blocks, MayReturnBeforeABarrier) {
  EXPECT_FALSE(run(leave_early, 100));
  EXPECT_EQ(out[0], 5);
}

TEST_P(Blocks, AreFoundAtDifferentBarriers) {
  const auto trouble = run(diverge, 64);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->line, 12);
  EXPECT_THAT(trouble->message, HasSubstr("line 11"));
}

TEST_P(Blocks, AreFoundWhereLanesOfAShuffleAreMissing) {
  const auto trouble = run(half_a_shuffle, 64);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->line, 4);
  EXPECT_THAT(trouble->message, HasSubstr("lane 16 waits at line 5"));
}

TEST_P(Blocks, CanBeUsedAgainAfterTrouble) {
  EXPECT_TRUE(run(diverge, 64));
  EXPECT_FALSE(run(sum_through_shared, 64));
  EXPECT_EQ(out[0], 63 * 64 / 2);
}

TEST_P(Blocks, CopyWhenTheyWait) {
  EXPECT_FALSE(run(copy_and_wait, 1));
  EXPECT_EQ(out[0], -1) << "not yet: shared memory is filled with ones";
  EXPECT_EQ(out[1], 2);
  EXPECT_EQ(out[2], 0) << "what is not filled is zeros";
}

TEST_P(Blocks, WaitForEachOther) {
  for (const std::int64_t threads : {32, 96}) {
    std::vector<int> data(1 + 2 * 16, 0);
    const auto trouble = run_together(sum_of_blocks, 16, threads, data);
    ASSERT_TRUE(trouble) << trouble.error().message;
    EXPECT_FALSE(*trouble) << (*trouble)->message;
    for (int i = 0; i < 16; ++i) EXPECT_EQ(data[17 + static_cast<std::size_t>(i)], 16 * 17 / 2 + i + 1);
  }
}

TEST_P(Blocks, AreFoundWaitingForNobody) {
  std::vector<int> data(1, 0);
  const auto trouble = run_together(wait_for_one_more, 3, 64, data);
  ASSERT_TRUE(trouble) << trouble.error().message;
  ASSERT_TRUE(*trouble);
  EXPECT_EQ((*trouble)->line, 31);
  EXPECT_STREQ((*trouble)->rule, "deadlock");
  EXPECT_THAT((*trouble)->message, HasSubstr(GetParam() ? "thread 0 of block 2" : "thread 0 of block 0"));
}

TEST_P(Blocks, MayBeAsManyAsThereAreStacksFor) {
  std::vector<int> data(1 + 2 * 256, 0);
  for (const std::int64_t threads : {64, 32}) {
    const std::int64_t blocks = std::min<std::int64_t>(256, GridEmulator::max_threads / threads);
    data.assign(data.size(), 0);
    const auto trouble = run_together(sum_of_blocks, blocks, threads, data);
    ASSERT_TRUE(trouble) << trouble.error().message;
    EXPECT_FALSE(*trouble) << (*trouble)->message;
    EXPECT_EQ(data[1 + static_cast<std::size_t>(blocks)], blocks * (blocks + 1) / 2 + 1);
  }
}

TEST_P(Blocks, AreTooManyToBeAliveTogether) {
  std::vector<int> data(1, 0);
  const auto trouble = run_together(sum_of_blocks, 1 << 20, 1024, data);
  ASSERT_FALSE(trouble);
  EXPECT_EQ(trouble.error().kind, ErrorKind::unavailable);
}

TEST_P(Blocks, WaitForMemoryThatTheirOwnThreadsWrite) {
  EXPECT_FALSE(run(
      [](void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t, std::int64_t) {
        KerfBlock* b = block();
        volatile int* data = argument<int>(args);
        if (b->linear == 0) data[0] = 0;
        b->barrier(b, 41, kerf_vote_none, 0);
        while (b->linear % 2 == 0 && data[0] < 32) b->yield(b, 42);
        if (b->linear % 2 == 1) data[0] = data[0] + 1;
      },
      64));
  EXPECT_EQ(out[0], 32);
}

INSTANTIATE_TEST_SUITE_P(InBothOrders, Blocks, ::testing::Bool(),
                         [](const auto& instance) { return instance.param ? "descending" : "ascending"; });

}  // namespace
}  // namespace kerf
