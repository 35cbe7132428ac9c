#include "runner/guarded_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "base/shared_memory.h"
#include "runner/executor.h"

namespace kerf {
namespace {

constexpr std::uint64_t sentinel = 0x44f1c4b2c60146a3;

TEST(GuardedMemory, ScratchIsFreshFilledAndAligned) {
  Random random(1);
  for (const std::size_t bytes : {0ul, 1ul, 63ul, 64ul, 4096ul, 5000ul}) {
    for (const bool at_end : {false, true}) {
      const auto memory = GuardedMemory::scratch(bytes, at_end, random);
      ASSERT_TRUE(memory) << memory.error().message;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory->data()) % 64, 0u);
      memory->fill(sentinel);
      EXPECT_TRUE(memory->margins_untouched(sentinel));
      std::memset(memory->data(), 0, bytes);
      EXPECT_TRUE(memory->margins_untouched(sentinel)) << "the tensor itself is no margin";
      const std::size_t behind =
          static_cast<std::size_t>(memory->pages().data() + memory->pages().size() - memory->data()) - bytes;
      if (at_end && bytes > 0) {
        EXPECT_LT(behind, 64u);
      }
    }
  }
}

TEST(GuardedMemory, SingleByteBesideTheTensorIsSeen) {
  Random random(2);
  const auto front = GuardedMemory::scratch(100, false, random);
  ASSERT_TRUE(front);
  front->fill(sentinel);
  front->data()[100] = ~front->data()[100];
  EXPECT_FALSE(front->margins_untouched(sentinel));
  const auto back = GuardedMemory::scratch(100, true, random);
  ASSERT_TRUE(back);
  back->fill(sentinel);
  back->data()[-1] = ~back->data()[-1];
  EXPECT_FALSE(back->margins_untouched(sentinel));
}

TEST(GuardedMemory, TwoAreNeverAtTheSameAddress) {
  Random random(3);
  const auto a = GuardedMemory::scratch(64, false, random);
  const auto b = GuardedMemory::scratch(64, false, random);
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->data(), b->data());
}

TEST(GuardedMemoryDeathTest, PagesBesideATensorCannotBeTouched) {
  Random random(4);
  const auto memory = GuardedMemory::scratch(4096, false, random);
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->reserved().size(), 3 * memory->pages().size());
  volatile auto* behind = reinterpret_cast<volatile char*>(memory->data() + 4096);
  EXPECT_DEATH(static_cast<void>(*behind), "");
  volatile auto* before = reinterpret_cast<volatile char*>(memory->data() - 1);
  EXPECT_DEATH(static_cast<void>(*before), "");
}

TEST(GuardedMemory, SharedTensorShowsTheFileAtItsOffset) {
  auto file = SharedMemory::create("test", 3 * 4096);
  ASSERT_TRUE(file);
  file->bytes()[4096 + 128] = std::byte{42};
  Random random(5);
  const auto memory = GuardedMemory::shared(file->fd().get(), 4096 + 128, 1000, true, random);
  ASSERT_TRUE(memory) << memory.error().message;
  EXPECT_EQ(memory->data()[0], std::byte{42});
  memory->data()[1] = std::byte{43};
  EXPECT_EQ(file->bytes()[4096 + 129], std::byte{43});
}

TEST(ChunkOf, EveryThreadComesBackForMoreAndSmallGridsGoTaskByTask) {
  EXPECT_EQ(chunk_of(1, 2), 1);
  EXPECT_EQ(chunk_of(15, 2), 1);
  EXPECT_EQ(chunk_of(1600, 2), 100);
  EXPECT_EQ(chunk_of(1600, 0), 200);
}

}  // namespace
}  // namespace kerf
