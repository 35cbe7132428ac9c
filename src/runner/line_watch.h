// Which cache lines do the chunks of a launch write, and which of them do several write at the same time?
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "candidate/run_protocol.h"

namespace kerf {

// Compares memory with what it was. Chunks run one after the other, so that what changed is what the last one wrote.
class LineWatch {
 public:
  static constexpr std::size_t line_bytes = 64;

  // Of more than `room` bytes it looks at pages drawn by `random`, evenly spread; small regions are looked at whole.
  // Chunks fewer than `side_by_side` apart count as running at the same time. Regions do not overlap.
  LineWatch(const std::vector<std::span<const std::byte>>& regions, std::size_t room, int side_by_side, Random& random);
  // After each chunk, in the order in which they are handed out.
  void note_chunk();
  // LineWrites::argument is the region with the most shared writes.
  [[nodiscard]] LineWrites found() const;

 private:
  struct Piece {  // of one region
    std::span<const std::byte> memory;
    std::size_t region = 0;
    std::size_t before = 0;  // where its bytes stand in before_
    std::size_t line = 0;    // its first in lines_
  };
  struct Line {
    std::int64_t last = -1;  // chunk that wrote it
    bool shared = false;     // ever
    bool counted = false;    // the last write was counted as shared
  };
  void look_at(std::span<const std::byte> memory, std::size_t region);
  void note(Line& line, std::size_t region);

  std::vector<Piece> pieces_;
  std::vector<std::byte> before_;
  std::vector<Line> lines_;
  std::vector<std::int64_t> shared_writes_;  // by region
  std::int64_t side_by_side_;
  std::int64_t chunk_ = 0;
  LineWrites found_;
};

}  // namespace kerf
