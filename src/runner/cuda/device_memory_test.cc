#include "runner/cuda/device_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/cuda/fake_driver.h"

namespace kerf {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t pattern = 0x0123456789abcdef;

TEST(DeviceBuffer, KnowsWhetherSomebodyWroteBesideIt) {
  FakeDriver fake;
  const CudaDriver driver = fake.table();
  const Filler filler = *Filler::make(driver);
  {
    const auto buffer = DeviceBuffer::allocate(driver, 100);
    ASSERT_TRUE(buffer) << buffer.error().message;
    EXPECT_EQ(buffer->whole() % 8, 0U);
    ASSERT_TRUE(filler.fill(buffer->base(), buffer->whole(), pattern));
    EXPECT_TRUE(*buffer->margins_untouched(pattern));
    auto* const bytes = reinterpret_cast<unsigned char*>(buffer->data());
    bytes[0] = bytes[99] = 0;
    EXPECT_TRUE(*buffer->margins_untouched(pattern)) << "its own bytes are no margin";
    for (const std::ptrdiff_t beside : {std::ptrdiff_t{-1}, std::ptrdiff_t{100}}) {
      const unsigned char was = bytes[beside];
      bytes[beside] ^= 1;
      EXPECT_FALSE(*buffer->margins_untouched(pattern)) << beside;
      bytes[beside] = was;
    }
    EXPECT_FALSE(*buffer->margins_untouched(pattern + 1));
    EXPECT_EQ(fake.memories, 1U);
  }
  EXPECT_EQ(fake.memories, 0U);
}

TEST(DeviceBuffer, ThatDoesNotFitIsTheCandidatesFault) {
  FakeDriver fake;
  const CudaDriver driver = fake.table();
  fake.room = 100'000;
  const auto buffer = DeviceBuffer::allocate(driver, 100'000);
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().kind, ErrorKind::candidate);
  EXPECT_THAT(buffer.error().facts, testing::Contains(testing::Pair("rule", "memory")));
}

TEST(OpenedMemories, KeepWhatTheLastRunHadAndNothingElse) {
  FakeDriver fake;
  const CudaDriver driver = fake.table();
  std::vector<std::uint64_t> a(1), b(1), c(1);
  fake.shared = {{"a", &a}, {"b", &b}, {"c", &c}};
  const auto handle = [](const char* hex) { return hex + std::string(126, '0'); };
  const std::string of_a = handle("61"), of_b = handle("62"), of_c = handle("63");
  OpenedMemories memories(driver);
  EXPECT_EQ(*memories.open(of_a), reinterpret_cast<CuPointer>(a.data()));
  EXPECT_EQ(*memories.open(of_b), reinterpret_cast<CuPointer>(b.data()));
  EXPECT_EQ(*memories.open(of_a), reinterpret_cast<CuPointer>(a.data()));
  EXPECT_THAT(fake.log, ElementsAre("open a", "open b"));
  ASSERT_TRUE(memories.open(of_c));
  EXPECT_THAT(fake.log, ElementsAre("open a", "open b", "close b", "open c")) << "the one that was used longest ago";
  fake.log.clear();
  memories.close();
  EXPECT_THAT(fake.log, testing::UnorderedElementsAre("close a", "close c"));
  EXPECT_FALSE(memories.open(handle("64"))) << "nobody offers it";
  EXPECT_FALSE(memories.open("61"));
}

}  // namespace
}  // namespace kerf
