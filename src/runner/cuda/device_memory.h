// Memory of the device: what a runner allocates itself, and what it opens of the oracle's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "runner/cuda/driver.h"

namespace kerf {

// An allocation with margins in front and behind, which a kernel has no business with.
class DeviceBuffer {
 public:
  static constexpr std::size_t margin = 4096;
  DeviceBuffer() = default;
  DeviceBuffer(DeviceBuffer&& other) noexcept;
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept;
  ~DeviceBuffer();
  // Kind candidate, rule memory, if the device has not that much.
  [[nodiscard]] static Result<DeviceBuffer> allocate(const CudaDriver& driver, std::size_t bytes);
  [[nodiscard]] CuPointer data() const { return base_ == 0 ? 0 : base_ + margin; }
  [[nodiscard]] std::size_t size() const { return bytes_; }
  [[nodiscard]] CuPointer base() const { return base_; }
  [[nodiscard]] std::size_t whole() const { return whole_; }  // with its margins; a multiple of 8
  // Whether the margins hold the pattern that the whole was filled with.
  [[nodiscard]] Result<bool> margins_untouched(std::uint64_t pattern) const;

 private:
  const CudaDriver* driver_ = nullptr;
  CuPointer base_ = 0;
  std::size_t bytes_ = 0, whole_ = 0;
};

// The oracle's memory, opened by its handle. What a run used stays open for the next one, because opening gigabytes
// takes some 30 ms; nothing else does, so that no kernel meets the outputs of another run. Its owner has it closed
// before it frees it.
class OpenedMemories {
 public:
  explicit OpenedMemories(const CudaDriver& driver) : driver_(driver) {}
  OpenedMemories(const OpenedMemories&) = delete;
  OpenedMemories& operator=(const OpenedMemories&) = delete;
  ~OpenedMemories() { close(); }
  [[nodiscard]] Result<CuPointer> open(const std::string& handle);
  void close();

 private:
  static constexpr std::size_t kept = 2;  // the trial and the outputs of the last run
  const CudaDriver& driver_;
  std::vector<std::pair<std::string, CuPointer>> opened_;  // the last used at the end
};

// Two small kernels of our own.
class Filler {
 public:
  [[nodiscard]] static Result<Filler> make(const CudaDriver& driver);
  // Writes a pattern of 64 bits over memory whose address and size are multiples of 8, on the default stream.
  [[nodiscard]] Result<> fill(CuPointer at, std::size_t bytes, std::uint64_t pattern) const;
  // Keeps one SM busy for a while, and all that is handed over meanwhile waiting.
  [[nodiscard]] Result<> wait(std::uint64_t nanoseconds, CuStream stream) const;

 private:
  [[nodiscard]] Result<> launch(CuFunction function, unsigned blocks, unsigned threads, void** args,
                                CuStream stream) const;

  const CudaDriver* driver_ = nullptr;
  CuFunction fill_ = nullptr, wait_ = nullptr;
};

}  // namespace kerf
