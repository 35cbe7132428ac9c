// The providers' batch interfaces: requests as lines of a file, answers as lines of another, hours later, at a
// discount. https://platform.claude.com/docs/en/build-with-claude/batch-processing,
// https://platform.openai.com/docs/guides/batch. Pure: no network, no disk.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/model/dialect.h"

namespace kerf {

struct BatchAnswer {
  std::string id;  // of the request, as its line named it
  std::expected<std::unique_ptr<ReplyReader>, CallTrouble> reader;
};

struct BatchState {
  bool ended = false;
  std::vector<std::string> results;  // paths below the base URL, to be read one after the other
  std::optional<Error> failed;       // as a whole
};

struct BatchPost {
  std::string path;  // below the base URL
  std::string content_type;
  std::string body;
};

struct BatchDialect {
  BatchDialect() = default;
  BatchDialect(const BatchDialect&) = delete;
  BatchDialect& operator=(const BatchDialect&) = delete;
  virtual ~BatchDialect() = default;
  // A line of the file of requests; `body` is the dialect's own, without streaming.
  [[nodiscard]] virtual nlohmann::json line(const std::string& id, nlohmann::json body) const = 0;
  // nullopt for what is no line of answers.
  [[nodiscard]] virtual std::optional<BatchAnswer> answer(const nlohmann::json& line) const = 0;
  // What must be uploaded before the batch can be made, if anything; its answer's "id" is `file` below.
  [[nodiscard]] virtual std::optional<BatchPost> upload(const std::string& lines) const = 0;
  [[nodiscard]] virtual BatchPost creation(const std::string& lines, const std::string& file) const = 0;
  [[nodiscard]] virtual std::string state_path(const std::string& batch) const = 0;
  [[nodiscard]] virtual BatchState state(const nlohmann::json& body) const = 0;
};
[[nodiscard]] std::unique_ptr<BatchDialect> make_anthropic_batch_dialect();
[[nodiscard]] std::unique_ptr<BatchDialect> make_openai_batch_dialect();

// The same request of the same expansion has the same name, in every process: 64 characters at most.
[[nodiscard]] std::string batch_id(const ModelRequest& request);

}  // namespace kerf
