// Copies that take place when they are waited for, and no sooner.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "runner/emulation/block_fixture.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

struct Copies : Blocks {};

constexpr int untouched = -1;  // shared memory is filled with ones
constexpr unsigned everything = ~0u;

alignas(128) constexpr std::array<int, 8> from = {1, 2, 3, 4, 5, 6, 7, 8};

int* shared_of(KerfBlock* b) { return reinterpret_cast<int*>(b->shared); }

TEST_P(Copies, TakePlaceWhenTheyAreWaitedForAndFillUpWithZeros) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        int* to = shared_of(b);
        b->copy(b, 6, to, from.data(), 16, 8);
        b->copy(b, 7, to + 4, from.data(), 16, 99);
        b->commit(b);
        data[0] = to[0];
        b->wait(b, 0);
        for (int i = 0; i < 8; ++i) data[1 + i] = to[i];
      },
      1));
  EXPECT_EQ(out[0], untouched);
  EXPECT_EQ(std::vector<int>(out.begin() + 1, out.begin() + 9), (std::vector<int>{1, 2, 0, 0, 1, 2, 3, 4}))
      << "no more than its bytes, whatever is said to be filled";
}

TEST_P(Copies, AreWaitedForByGroup) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        int* to = shared_of(b);
        for (int group = 0; group < 3; ++group) {
          b->copy(b, 1, to + group * 4, from.data(), 4, 4);
          b->commit(b);
        }
        b->copy(b, 1, to + 12, from.data(), 4, 4);  // not committed
        const auto look = [&](int at) {
          for (int i = 0; i < 4; ++i) data[at + i] = to[i * 4];
        };
        b->wait(b, 3);
        look(0);
        b->wait(b, 1);
        look(4);
        b->wait(b, 0);
        look(8);
        b->wait(b, everything);
        look(12);
      },
      1));
  const auto seen = [this](int at) { return std::vector<int>(out.begin() + at, out.begin() + at + 4); };
  EXPECT_EQ(seen(0), (std::vector<int>{-1, -1, -1, -1}));
  EXPECT_EQ(seen(4), (std::vector<int>{1, 1, -1, -1}));
  EXPECT_EQ(seen(8), (std::vector<int>{1, 1, 1, -1}));
  EXPECT_EQ(seen(12), (std::vector<int>{1, 1, 1, 1})) << "what was not committed, too";
}

TEST_P(Copies, AreWaitedForByTheThreadThatBeganThem) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        int* to = shared_of(b);
        b->copy(b, 1, to + b->linear, from.data() + b->linear, 4, 4);
        b->commit(b);
        if (b->linear == 0) b->wait(b, 0);
        b->barrier(b, 2, kerf_vote_none, 0);
        if (b->linear == 0) data[0] = to[0], data[1] = to[1];
      },
      2));
  EXPECT_EQ(out[0], 1);
  EXPECT_EQ(out[1], untouched);
}

TEST_P(Copies, ThatNobodyWaitsForNeverComeNorInTheNextBlock) {
  const Body begin = [](KerfBlock* b, int* data) {
    data[0] = shared_of(b)[0];
    b->copy(b, 1, b->shared, from.data(), 4, 4);
    b->commit(b);
  };
  EXPECT_FALSE(run(begin, 1));
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        b->wait(b, 0);
        data[0] = shared_of(b)[0];
      },
      1));
  EXPECT_EQ(out[0], untouched);
}

TEST_P(Copies, OfAddressesThatAreNoMultipleAreRefused) {
  const auto trouble = run([](KerfBlock* b, int*) { b->copy(b, 6, b->shared + 4, from.data(), 16, 16); }, 1);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->line, 6);
  EXPECT_EQ(trouble->construct, "asm");
  EXPECT_THAT(trouble->message, HasSubstr("cp.async of 16 bytes from or to an address that is no multiple of 16"));
  EXPECT_TRUE(run([](KerfBlock* b, int*) { b->copy(b, 6, b->shared, from.data() + 1, 8, 8); }, 1));
  EXPECT_FALSE(run([](KerfBlock* b, int*) { b->copy(b, 6, b->shared + 4, from.data() + 1, 4, 4); }, 1));
}

TEST_P(Copies, InBulkComeWhenSomebodyLooksAtTheirBarrier) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        int* to = shared_of(b);
        const int *first = to + 32, *second = to + 64;  // where barriers are
        if (b->linear == 0) {
          b->bulk_copy(b, 1, to, from.data(), 32, first);
          b->bulk_copy(b, 1, to + 8, from.data() + 4, 16, second);
        }
        b->barrier(b, 2, kerf_vote_none, 0);
        if (b->linear != 1) return;
        data[0] = to[0];
        data[1] = static_cast<int>(b->bulk_bytes(b, first));
        data[2] = to[7];
        data[3] = to[8];
        data[4] = static_cast<int>(b->bulk_bytes(b, first));
        data[5] = static_cast<int>(b->bulk_bytes(b, second));
        data[6] = to[8];
      },
      2));
  EXPECT_EQ(std::vector<int>(out.begin(), out.begin() + 7), (std::vector<int>{untouched, 32, 8, untouched, 0, 16, 5}));
}

TEST_P(Copies, InBulkAreOfWholeUnits) {
  const auto trouble = run([](KerfBlock* b, int*) { b->bulk_copy(b, 3, b->shared, from.data(), 20, b->shared); }, 1);
  ASSERT_TRUE(trouble);
  EXPECT_EQ(trouble->line, 3);
  EXPECT_THAT(trouble->message, HasSubstr("cp.async.bulk of 20 bytes: size and addresses are multiples of 16"));
  EXPECT_TRUE(run([](KerfBlock* b, int*) { b->bulk_copy(b, 3, b->shared + 8, from.data(), 16, b->shared); }, 1));
}

// Four columns, three rows of ints; boxes of two rows.
struct TensorCopies : Copies {
  alignas(128) static inline std::array<int, 12> tensor;
  static inline KerfTensorMap map;
  TensorCopies() {
    std::iota(tensor.begin(), tensor.end(), 0);
    map = {.magic = KerfTensorMap::right_magic,
           .data = reinterpret_cast<unsigned char*>(tensor.data()),
           .extent = {4, 3},
           .stride = {4, 16},
           .box = {4, 2},
           .rank = 2,
           .element_bytes = 4,
           .swizzle = 0};
  }
  static constexpr KerfTensorPlace place(int row, unsigned rank = 2) { return {.at = {0, row}, .rank = rank}; }
};

TEST_P(TensorCopies, LoadsComeWithTheirBarrierAndCountTheWholeBox) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        int* to = shared_of(b);
        b->tensor_load(b, 1, to, &map, place(2), to + 64);
        data[0] = to[0];
        data[1] = static_cast<int>(b->bulk_bytes(b, to + 64));
        data[2] = to[3];
        data[3] = to[4];
      },
      1));
  EXPECT_EQ(out[0], untouched);
  EXPECT_EQ(out[1], 32) << "what lies outside of the tensor counts, too";
  EXPECT_EQ(out[2], 11);
  EXPECT_EQ(out[3], 0);
}

TEST_P(TensorCopies, StoresTakePlaceWhenTheirGroupIsWaitedFor) {
  EXPECT_FALSE(run(
      [](KerfBlock* b, int* data) {
        int* box = shared_of(b);
        for (int i = 0; i < 8; ++i) box[i] = 100 + i;
        b->tensor_store(b, 1, &map, place(0), box);
        b->bulk_wait(b, 0);
        data[0] = tensor[0];  // not committed
        b->bulk_commit(b);
        b->bulk_wait(b, 1);
        data[1] = tensor[0];
        b->bulk_wait(b, 0);
        data[2] = tensor[0];
        data[3] = tensor[7];
        data[4] = tensor[8];
      },
      1));
  EXPECT_EQ(std::vector<int>(out.begin(), out.begin() + 5), (std::vector<int>{0, 0, 100, 107, 8}));
}

TEST_P(TensorCopies, NeedAMapOfTheirRankAndAnAlignedAddress) {
  const auto refused = [this](Body body) {
    const auto trouble = run(body, 1);
    EXPECT_TRUE(trouble && trouble->line == 5 && trouble->construct == "asm");
    return trouble ? trouble->message : std::string();
  };
  EXPECT_THAT(refused([](KerfBlock* b, int*) { b->tensor_load(b, 5, b->shared, &map, place(0, 3), b->shared); }),
              HasSubstr("cp.async.bulk.tensor.3d of a tensor map of 2 dimensions"));
  EXPECT_THAT(refused([](KerfBlock* b, int*) { b->tensor_store(b, 5, &map, place(0), b->shared + 16); }),
              HasSubstr("no multiple of 128"));
  map.magic = 0;
  EXPECT_THAT(refused([](KerfBlock* b, int*) { b->tensor_load(b, 5, b->shared, &map, place(0), b->shared); }),
              HasSubstr("no tensor map of the plan"));
}

INSTANTIATE_TEST_SUITE_P(InBothOrders, Copies, ::testing::Bool(), order_name);
INSTANTIATE_TEST_SUITE_P(InBothOrders, TensorCopies, ::testing::Bool(), order_name);

}  // namespace
}  // namespace kerf
