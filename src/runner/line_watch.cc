#include "runner/line_watch.h"

#include <algorithm>
#include <cstring>

namespace kerf {

namespace {

constexpr std::size_t page_bytes = 4096;

std::size_t up_to_line(const std::byte* at) {
  const std::size_t beyond = reinterpret_cast<std::uintptr_t>(at) % LineWatch::line_bytes;
  return beyond == 0 ? LineWatch::line_bytes : LineWatch::line_bytes - beyond;
}

}  // namespace

LineWatch::LineWatch(const std::vector<std::span<const std::byte>>& regions, std::size_t room, int side_by_side,
                     Random& random)
    : shared_writes_(regions.size()), side_by_side_(side_by_side) {
  // Small regions leave what they do not need to the others.
  std::vector<std::size_t> order(regions.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return regions[i].size(); });
  std::size_t left = room;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::span<const std::byte> region = regions[order[i]];
    found_.writable += static_cast<std::int64_t>(region.size());
    const std::size_t share = left / (order.size() - i);
    if (region.size() <= share) {
      look_at(region, order[i]);
      left -= region.size();
      continue;
    }
    const std::size_t pages = region.size() / page_bytes, wanted = std::min(pages, share / page_bytes);
    for (std::size_t page = 0; page < wanted; ++page) {
      const std::size_t low = page * pages / wanted, high = (page + 1) * pages / wanted;
      look_at(region.subspan((low + random.below(high - low)) * page_bytes, page_bytes), order[i]);
    }
    left -= wanted * page_bytes;
  }
}

void LineWatch::look_at(std::span<const std::byte> memory, std::size_t region) {
  if (memory.empty()) return;
  pieces_.push_back({.memory = memory, .region = region, .before = before_.size(), .line = lines_.size()});
  before_.insert(before_.end(), memory.begin(), memory.end());
  const std::size_t first = std::min(up_to_line(memory.data()), memory.size());
  lines_.resize(lines_.size() + 1 + (memory.size() - first + line_bytes - 1) / line_bytes);
  found_.looked_at += static_cast<std::int64_t>(memory.size());
}

void LineWatch::note(Line& line, std::size_t region) {
  ++found_.writes;
  found_.lines += line.last < 0 ? 1 : 0;
  const bool meets = line.last >= 0 && chunk_ - line.last < side_by_side_;
  if (meets) {
    const int both = line.counted ? 1 : 2;
    found_.shared_writes += both;
    shared_writes_[region] += both;
    found_.shared_lines += line.shared ? 0 : 1;
    line.shared = true;
  }
  line.counted = meets;
  line.last = chunk_;
}

void LineWatch::note_chunk() {
  for (const Piece& piece : pieces_) {
    const std::byte* const now = piece.memory.data();
    std::byte* const before = before_.data() + piece.before;
    const std::size_t size = piece.memory.size();
    if (std::memcmp(now, before, size) == 0) continue;
    std::size_t line = piece.line;
    for (std::size_t at = 0; at < size; ++line) {
      const std::size_t bytes = std::min(up_to_line(now + at), size - at);
      if (std::memcmp(now + at, before + at, bytes) != 0) {
        note(lines_[line], piece.region);
        std::memcpy(before + at, now + at, bytes);
      }
      at += bytes;
    }
  }
  ++chunk_;
}

LineWrites LineWatch::found() const {
  LineWrites found = found_;
  const auto most = std::ranges::max_element(shared_writes_);
  if (most != shared_writes_.end() && *most > 0) found.argument = static_cast<int>(most - shared_writes_.begin());
  return found;
}

}  // namespace kerf
