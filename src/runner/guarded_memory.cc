#include "runner/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace kerf {

namespace {

std::size_t page_bytes() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

std::byte sentinel_byte(std::uint64_t sentinel, std::size_t i) {
  return static_cast<std::byte>(sentinel >> (8 * (i % 8)));
}

}  // namespace

GuardedMemory::GuardedMemory(GuardedMemory&& other) noexcept
    : pages_(std::exchange(other.pages_, nullptr)),
      pages_bytes_(std::exchange(other.pages_bytes_, 0)),
      skip_(std::exchange(other.skip_, 0)),
      size_(std::exchange(other.size_, 0)) {}

GuardedMemory& GuardedMemory::operator=(GuardedMemory&& other) noexcept {
  std::swap(pages_, other.pages_);
  std::swap(pages_bytes_, other.pages_bytes_);
  std::swap(skip_, other.skip_);
  std::swap(size_, other.size_);
  return *this;
}

GuardedMemory::~GuardedMemory() {
  if (pages_ != nullptr) ::munmap(pages_ - page_bytes(), pages_bytes_ + 2 * page_bytes());
}

std::span<const std::byte> GuardedMemory::reserved() const {
  if (pages_ == nullptr) return {};
  return {pages_ - page_bytes(), pages_bytes_ + 2 * page_bytes()};
}

Result<GuardedMemory> GuardedMemory::reserve(std::size_t pages_bytes, Random& random) {
  const std::size_t whole = pages_bytes + 2 * page_bytes();
  // The lower half of a 47-bit address space, away from where the kernel itself puts things.
  constexpr std::uint64_t low = std::uint64_t{1} << 40, high = std::uint64_t{1} << 46;
  for (int attempt = 0; attempt < 64; ++attempt) {
    const std::uint64_t at = (low + random.below(high - low)) / page_bytes() * page_bytes();
    void* got = ::mmap(reinterpret_cast<void*>(at), whole, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED && errno == EEXIST) continue;
    if (got == MAP_FAILED)
      return system_error("no memory for a tensor of " + std::to_string(pages_bytes) + " bytes", errno);
    GuardedMemory memory;
    memory.pages_ = static_cast<std::byte*>(got) + page_bytes();
    memory.pages_bytes_ = pages_bytes;
    return memory;
  }
  return fail(ErrorKind::system, "no free address for a tensor of " + std::to_string(pages_bytes) + " bytes");
}

Result<GuardedMemory> GuardedMemory::shared(int fd, std::size_t offset, std::size_t bytes, bool writable,
                                            Random& random) {
  const std::size_t first = offset / page_bytes() * page_bytes();
  const std::size_t used = rounded_up(std::max<std::size_t>(offset + bytes, first + 1), page_bytes()) - first;
  GuardedMemory memory = TRY(reserve(used, random));
  memory.skip_ = offset - first;
  memory.size_ = bytes;
  const int protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  if (::mmap(memory.pages_, used, protection, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, static_cast<off_t>(first)) ==
      MAP_FAILED)
    return system_error("cannot map a tensor", errno);
  return memory;
}

Result<GuardedMemory> GuardedMemory::scratch(std::size_t bytes, bool at_end, Random& random) {
  constexpr std::size_t alignment = 64;
  const std::size_t used = rounded_up(std::max<std::size_t>(bytes, 1), page_bytes());
  GuardedMemory memory = TRY(reserve(used, random));
  memory.size_ = bytes;
  if (at_end) memory.skip_ = used - std::min(used, rounded_up(bytes, alignment));
  if (::mmap(memory.pages_, used, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1,
             0) == MAP_FAILED)
    return system_error("no memory for a scratch tensor of " + std::to_string(bytes) + " bytes", errno);
  return memory;
}

void GuardedMemory::fill(std::uint64_t sentinel) const {
  for (std::size_t i = 0; i + sizeof sentinel <= pages_bytes_; i += sizeof sentinel)
    std::memcpy(pages_ + i, &sentinel, sizeof sentinel);
}

bool GuardedMemory::margins_untouched(std::uint64_t sentinel) const {
  for (std::size_t i = 0; i < skip_; ++i)
    if (pages_[i] != sentinel_byte(sentinel, i)) return false;
  for (std::size_t i = skip_ + size_; i < pages_bytes_; ++i)
    if (pages_[i] != sentinel_byte(sentinel, i)) return false;
  return true;
}

}  // namespace kerf
