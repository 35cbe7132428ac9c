#include "runner/line_watch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

namespace kerf {
namespace {

constexpr std::size_t floats_a_line = 16;

// A tensor of whole lines: what std::vector allocates is aligned to 16 bytes only.
class Tensor {
 public:
  explicit Tensor(std::size_t floats) : memory_(floats + floats_a_line) {
    const auto beyond = reinterpret_cast<std::uintptr_t>(memory_.data()) % 64 / sizeof(float);
    skip_ = beyond == 0 ? 0 : floats_a_line - beyond;
    size_ = floats;
  }
  float& operator[](std::size_t i) { return memory_[skip_ + i]; }
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(memory_).subspan(skip_, size_));
  }

 private:
  std::vector<float> memory_;
  std::size_t skip_ = 0, size_ = 0;
};

constexpr std::size_t enough = 1 << 20;

TEST(LineWatch, RowsOfWholeLinesAreNobodyElses) {
  Tensor out(8 * 64);
  Random random(1);
  LineWatch watch({out.bytes()}, enough, 2, random);
  for (std::size_t row = 0; row < 8; ++row) {
    for (std::size_t i = 0; i < 64; ++i) out[row * 64 + i] = 1;
    watch.note_chunk();
  }
  const LineWrites found = watch.found();
  EXPECT_EQ(found.lines, 32);
  EXPECT_EQ(found.writes, 32);
  EXPECT_EQ(found.shared_writes, 0);
  EXPECT_EQ(found.argument, -1);
}

TEST(LineWatch, RowsThatEndWithinALineShareIt) {
  Tensor out(8 * 72);  // four and a half lines each
  Random random(1);
  LineWatch watch({out.bytes()}, enough, 2, random);
  for (std::size_t row = 0; row < 8; ++row) {
    for (std::size_t i = 0; i < 72; ++i) out[row * 72 + i] = 1;
    watch.note_chunk();
  }
  const LineWrites found = watch.found();
  EXPECT_EQ(found.lines, 36);
  EXPECT_EQ(found.shared_lines, 4) << "rows 0 and 1, 2 and 3, …";
  EXPECT_EQ(found.writes, 40);
  EXPECT_EQ(found.shared_writes, 8);
  EXPECT_EQ(found.argument, 0);
}

TEST(LineWatch, ColumnsShareEveryLine) {
  Tensor out(16 * 16);
  Random random(1);
  LineWatch watch({out.bytes()}, enough, 2, random);
  for (std::size_t column = 0; column < 16; ++column) {
    for (std::size_t row = 0; row < 16; ++row) out[row * 16 + column] = 1;
    watch.note_chunk();
  }
  const LineWrites found = watch.found();
  EXPECT_EQ(found.lines, 16);
  EXPECT_EQ(found.shared_lines, 16);
  EXPECT_EQ(found.writes, 256);
  EXPECT_EQ(found.shared_writes, 256) << "each write, the first and the last one, too";
}

TEST(LineWatch, ChunksThatRunLongAfterEachOtherShareNothing) {
  Tensor out(4 * 16);
  Random random(1);
  LineWatch watch({out.bytes()}, enough, 4, random);
  for (std::size_t chunk = 0; chunk < 8; ++chunk) {  // 0 and 4, 1 and 5, …
    out[chunk % 4 * 16 + chunk / 4] = 1;
    watch.note_chunk();
  }
  EXPECT_EQ(watch.found().writes, 8);
  EXPECT_EQ(watch.found().shared_writes, 0);
}

TEST(LineWatch, TheRegionWithTheMostSharedWritesIsNamed) {
  Tensor rows(8 * 64), sums(8);
  Random random(1);
  LineWatch watch({rows.bytes(), sums.bytes()}, enough, 2, random);
  for (std::size_t row = 0; row < 8; ++row) {
    for (std::size_t i = 0; i < 64; ++i) rows[row * 64 + i] = 1;
    sums[row] = 1;
    watch.note_chunk();
  }
  EXPECT_EQ(watch.found().argument, 1);
  EXPECT_EQ(watch.found().lines, 33);
  EXPECT_EQ(watch.found().shared_lines, 1);
}

TEST(LineWatch, OfMuchMemoryPagesAreLookedAtAndWhatIsSmallWhole) {
  Tensor large(1 << 20), small(32);
  Random random(7);
  constexpr std::size_t room = 64 << 10;
  LineWatch watch({large.bytes(), small.bytes()}, room, 2, random);
  for (std::size_t chunk = 0; chunk < 16; ++chunk) {
    for (std::size_t i = 0; i < (1 << 16); ++i) large[(chunk << 16) + i] = 1;
    small[chunk] = 1;
    watch.note_chunk();
  }
  const LineWrites found = watch.found();
  EXPECT_EQ(found.writable, (4 << 20) + 128);
  EXPECT_LE(found.looked_at, static_cast<std::int64_t>(room));
  EXPECT_GE(found.looked_at, static_cast<std::int64_t>(room) - 2 * 4096);
  EXPECT_EQ(found.shared_lines, 1) << "of the small one";
  EXPECT_EQ(found.lines, (found.looked_at - 128) / 64 + 1) << "every line of the large one that was looked at";
}

}  // namespace
}  // namespace kerf
