// The ELF file that a cubin is, and its sections. The bytes are untrusted.
#pragma once

#include <elf.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kerf::elf {

[[nodiscard]] std::unexpected<Error> malformed(const char* what);

// A piece of the file, if it lies in it.
[[nodiscard]] std::optional<std::string_view> piece(std::string_view bytes, std::uint64_t offset, std::uint64_t size);

template <class T>
[[nodiscard]] std::optional<T> value_at(std::string_view bytes, std::uint64_t offset) {
  const auto found = piece(bytes, offset, sizeof(T));
  if (!found) return std::nullopt;
  T value;
  std::memcpy(&value, found->data(), sizeof value);
  return value;
}

// Up to the next zero.
[[nodiscard]] std::string_view text_at(std::string_view strings, std::uint64_t offset);

struct Section {
  std::string_view name;
  Elf64_Shdr header{};
  std::string_view bytes;  // empty for NOBITS
};

// Kind system: no ELF file, or one of another machine than NVIDIA's.
[[nodiscard]] Result<Elf64_Ehdr> header_of(std::string_view bytes);
// Views into `bytes`.
[[nodiscard]] Result<std::vector<Section>> sections_of(std::string_view bytes, const Elf64_Ehdr& header);

}  // namespace kerf::elf
