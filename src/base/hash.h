// Content digests. SHA-256 names things that are kept (candidates, images, problems); xxhash is for tables in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kerf {

// 64 hexadecimal digits.
[[nodiscard]] std::string sha256(std::string_view bytes);

// Feeds several fields so that ("ab","c") and ("a","bc") differ: each is preceded by its length.
class Digest {
 public:
  Digest& add(std::string_view field);
  Digest& add(std::int64_t number);
  [[nodiscard]] std::string hex() const;  // sha256 of all that was added

 private:
  std::string buffer_;
};

[[nodiscard]] std::uint64_t fast_hash(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace kerf
