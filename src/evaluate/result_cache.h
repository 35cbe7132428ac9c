// What was found out once and holds for ever: verdicts by the digest of everything they depend on. Times are no such
// thing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"

namespace kerf {

// Used on the loop's thread only. Values are texts (JSON) that only the writer of a key reads.
struct ResultCache {
  ResultCache() = default;
  ResultCache(const ResultCache&) = delete;
  ResultCache& operator=(const ResultCache&) = delete;
  virtual ~ResultCache() = default;
  [[nodiscard]] virtual std::optional<std::string> get(std::string_view key) = 0;
  // A cache may drop what it likes: failing to keep something is not an error.
  virtual void put(std::string_view key, std::string_view value) = 0;
};

class MemoryResultCache final : public ResultCache {
 public:
  [[nodiscard]] std::optional<std::string> get(std::string_view key) override {
    const auto found = values_.find(std::string(key));
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }
  void put(std::string_view key, std::string_view value) override { values_[std::string(key)] = std::string(value); }
  [[nodiscard]] std::size_t size() const { return values_.size(); }

 private:
  std::unordered_map<std::string, std::string> values_;
};

}  // namespace kerf
