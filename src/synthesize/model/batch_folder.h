// The folder of batch_model.h: which requests were written, by whatever process, and which answers have come.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace kerf {

class BatchFolder {
 public:
  explicit BatchFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Makes it, or reads what earlier processes have asked.
  [[nodiscard]] Result<> open();
  // The batch in which a request was asked: "requests-0001".
  [[nodiscard]] std::optional<std::string> batch_of(const std::string& id) const;
  // Whose upload was begun, and nobody knows how it ended.
  [[nodiscard]] std::optional<std::string> unsettled() const;
  // Writes a batch, lines by the ids of their requests.
  [[nodiscard]] Result<> add(const std::map<std::string, std::string>& lines);

  [[nodiscard]] std::filesystem::path file(const std::string& batch, const char* extension) const;
  [[nodiscard]] bool exists(const std::string& batch, const char* extension) const;

  // The lines of files of answers that are new or have changed since they were read, or since read_again().
  [[nodiscard]] std::vector<nlohmann::json> new_answers();
  void read_again() { read_.clear(); }
  [[nodiscard]] Result<> keep_answers(const std::string& batch, const std::string& text) const;

 private:
  [[nodiscard]] std::vector<std::string> batches() const;

  std::filesystem::path folder_;
  std::map<std::string, std::string> asked_;    // id -> batch
  std::map<std::string, std::uintmax_t> read_;  // sizes when they were read
  int last_ = 0;
};

}  // namespace kerf
