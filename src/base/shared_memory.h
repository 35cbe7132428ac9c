// A memfd and our mapping of it: the one way in which tensors travel between processes.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/process.h"
#include "base/result.h"

namespace kerf {

class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  // `bytes` of zeros, mapped here read-write; size sealed against shrinking and growing.
  [[nodiscard]] static Result<SharedMemory> create(const std::string& name, std::size_t bytes);
  // Maps a descriptor that someone else made.
  [[nodiscard]] static Result<SharedMemory> map(Fd fd, bool writable);

  [[nodiscard]] std::span<std::byte> bytes() { return {data_, size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const Fd& fd() const { return fd_; }
  // A read-only descriptor of the same memory: its holder can never map it writable.
  [[nodiscard]] Result<Fd> read_only() const;

 private:
  Fd fd_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace kerf
