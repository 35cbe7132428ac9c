// Where the threads of a block wait for each other: what they then get, and what is said where they wait in vain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/emulation/block_fixture.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

struct Waits : Blocks {};

TEST_P(Waits, BarriersCountTheVotesOfThoseThatCome) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        if (b->linear >= 5) return;  // who has returned is not waited for, and has no vote
        const int yes = b->linear % 2 == 0 ? 9 : 0;
        const int some[] = {
            b->barrier(b, 1, kerf_vote_count, yes), b->barrier(b, 2, kerf_vote_and, yes),
            b->barrier(b, 3, kerf_vote_or, yes),    b->barrier(b, 4, kerf_vote_and, 1),
            b->barrier(b, 5, kerf_vote_or, 0),      b->barrier(b, 6, kerf_vote_none, 1),
        };
        for (int i = 0; i < 6; ++i) data[static_cast<int>(b->linear) * 6 + i] = some[i];
      },
      100));
  for (int thread = 0; thread < 5; ++thread)
    EXPECT_EQ(std::vector<int>(out.begin() + thread * 6, out.begin() + thread * 6 + 6),
              (std::vector<int>{3, 0, 1, 1, 0, 0}));
}

TEST_P(Waits, ABarrierThatOthersReachElsewhereIsTheLaterOnesFault) {
  const auto trouble = run([](KerfBlock* b, int*) { b->barrier(b, b->linear < 7 ? 11 : 12, kerf_vote_none, 0); }, 64);
  ASSERT_TRUE(trouble);
  EXPECT_STREQ(trouble->rule, "divergent");
  EXPECT_EQ(trouble->construct, "__syncthreads");
  EXPECT_EQ(trouble->line, 12);
  EXPECT_THAT(trouble->message, HasSubstr("the barrier of line 12 is not reached by all threads of the block"));
  EXPECT_THAT(trouble->message, HasSubstr("at line 11"));
}

TEST_P(Waits, LanesExchangeValues) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        unsigned long sum = b->linear;
        for (unsigned d = 16; d > 0; d /= 2) sum += b->warp(b, 2, kerf_warp_shuffle, ~0u, sum, b->linear % 32 ^ d);
        if (b->linear % 32 == 0) data[b->linear / 32] = static_cast<int>(sum);
      },
      64));
  EXPECT_EQ(out[0], 31 * 32 / 2);
  EXPECT_EQ(out[1], 32 * 32 + 31 * 32 / 2) << "each warp by itself";
}

TEST_P(Waits, ALaneThatDoesNotTakePartGivesNaNs) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        if (b->linear >= 8) return;
        data[b->linear] = static_cast<int>(b->warp(b, 2, kerf_warp_shuffle, 0xff, b->linear, b->linear + 4));
      },
      32));
  EXPECT_EQ(out[3], 7);
  EXPECT_EQ(out[4], -1);
}

TEST_P(Waits, LanesBallotAndMatch) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        const auto lane = static_cast<int>(b->linear);
        data[lane] = static_cast<int>(b->warp(b, 1, kerf_warp_ballot, 0xf, b->linear % 2 == 1 ? 4 : 0, 0));
        data[8 + lane] = static_cast<int>(b->warp(b, 2, kerf_warp_match, 0xf, b->linear / 3, 0));
      },
      4));
  for (int lane = 0; lane < 4; ++lane) EXPECT_EQ(out[static_cast<std::size_t>(lane)], 0b1010);
  EXPECT_EQ(out[8], 0b0111);
  EXPECT_EQ(out[11], 0b1000);
}

TEST_P(Waits, LanesReduceThirtyTwoBits) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        static constexpr KerfWarpOperation operations[] = {kerf_warp_add,        kerf_warp_and,       kerf_warp_or,
                                                           kerf_warp_xor,        kerf_warp_min,       kerf_warp_max,
                                                           kerf_warp_signed_min, kerf_warp_signed_max};
        static constexpr unsigned values[] = {0xfffffffe, 7, 5};  // -2 for the signed ones
        for (int i = 0; i < 8; ++i) {
          const unsigned long got = b->warp(b, 1 + i, operations[i], 0x7, values[b->linear], 0);
          if (b->linear == 1) data[i] = static_cast<int>(got);
        }
      },
      3));
  const std::vector<int> expected = {10, 4, -1, -4, 5, -2, -2, 7};
  EXPECT_EQ(std::vector<int>(out.begin(), out.begin() + 8), expected);
}

TEST_P(Waits, HalvesOfAWarpDoNotWaitForEachOther) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        const bool low = b->linear < 16;
        const unsigned mask = low ? 0xffff : 0xffff0000;
        const unsigned long got = b->warp(b, low ? 1 : 2, kerf_warp_add, mask, 1, 0);
        b->warp(b, 3, kerf_warp_sync, ~0u, 0, 0);
        if (b->linear % 16 == 0) data[b->linear / 16] = static_cast<int>(got);
      },
      32));
  EXPECT_EQ(out[0], 16);
  EXPECT_EQ(out[1], 16);
}

TEST_P(Waits, ALaneThatItsMaskDoesNotNameIsRefused) {
  const auto trouble = run([](KerfBlock* b, int*) { b->warp(b, 9, kerf_warp_match, 0x1, 0, 0); }, 2);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->line, 9);
  EXPECT_EQ(trouble->construct, "__match");
  EXPECT_THAT(trouble->message, HasSubstr("lane 1 of a warp calls __match with the mask 0x00000001"));
}

TEST_P(Waits, AShuffleWhoseLanesAreElsewhereSaysWhere) {
  const auto trouble = run(
      [](KerfBlock* b, int*) {
        if (b->linear < 16) b->warp(b, 4, kerf_warp_shuffle, ~0u, 1, 0);
        b->barrier(b, 5, kerf_vote_none, 0);
      },
      64);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->line, 4);
  EXPECT_EQ(trouble->construct, "__shfl");
  EXPECT_THAT(trouble->message, HasSubstr("lane 16 waits at line 5"));
}

TEST_P(Waits, AShuffleWithTwoMasksSaysWhoCameWithWhich) {
  const auto trouble = run(
      [](KerfBlock* b, int*) {
        if (b->linear == 2) b->barrier(b, 8, kerf_vote_none, 0);
        b->warp(b, 4, kerf_warp_shuffle, b->linear == 0 ? 0x3u : 0x6u, 1, 0);
      },
      3);
  ASSERT_TRUE(trouble);
  EXPECT_THAT(trouble->message, HasSubstr("with the mask 0x00000003 is not reached by all lanes that it names: lane 1 "
                                          "came with the mask 0x00000006"));
}

TEST_P(Waits, ALaneThatHasReturnedIsNotWaitedFor) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        if (b->linear == 1) return;
        data[b->linear] = static_cast<int>(b->warp(b, 4, kerf_warp_ballot, 0x7, 1, 0));
      },
      3));
  EXPECT_EQ(out[0], 0b101);
  EXPECT_EQ(out[2], 0b101);
}

TEST_P(Waits, ABarrierThatNobodyElseWillReachIsNamed) {
  const auto trouble = run(
      [](KerfBlock* b, int*) {
        if (b->linear == 0) b->barrier(b, 8, kerf_vote_none, 0);
        while (b->linear == 1) b->warp(b, 9, kerf_warp_sync, 0x3, 0, 0);
      },
      2);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->line, 9) << "a warp's operation comes first";
  EXPECT_THAT(trouble->message, HasSubstr("__syncwarp of line 9"));
  EXPECT_THAT(trouble->message, HasSubstr("lane 0 waits at line 8"));
}

TEST_P(Waits, ForMemoryThatTheirOwnThreadsWrite) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        volatile int* counter = data;
        if (b->linear == 0) counter[0] = 0;
        b->barrier(b, 41, kerf_vote_none, 0);
        while (b->linear % 2 == 0 && counter[0] < 32) b->yield(b, 42);
        if (b->linear % 2 == 1) counter[0] = counter[0] + 1;
      },
      64));
  EXPECT_EQ(out[0], 32);
}

INSTANTIATE_TEST_SUITE_P(InBothOrders, Waits, ::testing::Bool(), order_name);

}  // namespace
}  // namespace kerf
