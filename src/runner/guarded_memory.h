// Memory of tensors as a candidate sees it: at a fresh random address, untouchable pages before and behind, the
// sentinel in every byte that is not input.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/random.h"
#include "base/result.h"

namespace kerf {

class GuardedMemory {
 public:
  GuardedMemory() = default;
  GuardedMemory(GuardedMemory&& other) noexcept;
  GuardedMemory& operator=(GuardedMemory&& other) noexcept;
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory();

  // `bytes` of a file at `offset` (of any alignment), populated. Errors: system.
  [[nodiscard]] static Result<GuardedMemory> shared(int fd, std::size_t offset, std::size_t bytes, bool writable,
                                                    Random& random);
  // Fresh zeros; with `at_end` the last byte lies as close to the guard behind as 64-byte alignment allows, else the
  // first byte follows the guard before.
  [[nodiscard]] static Result<GuardedMemory> scratch(std::size_t bytes, bool at_end, Random& random);

  [[nodiscard]] std::byte* data() const { return pages_ + skip_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  // The pages in use, the tensor and what is left of them on either side.
  [[nodiscard]] std::span<std::byte> pages() const { return {pages_, pages_bytes_}; }
  // All of it, guards included.
  [[nodiscard]] std::span<const std::byte> reserved() const;

  // Fills the pages with the sentinel: byte i of a page is byte i % 8 of `sentinel`, the lowest first.
  void fill(std::uint64_t sentinel) const;
  // Whether the margins (pages without the tensor) still hold what fill() left.
  [[nodiscard]] bool margins_untouched(std::uint64_t sentinel) const;

 private:
  [[nodiscard]] static Result<GuardedMemory> reserve(std::size_t pages_bytes, Random& random);

  std::byte* pages_ = nullptr;  // behind the first guard
  std::size_t pages_bytes_ = 0;
  std::size_t skip_ = 0;
  std::size_t size_ = 0;
};

}  // namespace kerf
