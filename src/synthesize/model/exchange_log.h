// Where every exchange with a model is kept before anything is made of it, so that a reply that arrived is never lost
// and never paid for twice.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "synthesize/model/model.h"

namespace kerf {

struct Exchange {
  Purpose purpose;
  std::string model;           // as --synthesizer spells it
  std::string request_digest;  // ModelRequest::digest
  nlohmann::json request;      // to_json(ModelRequest)
  ModelReply reply;
};

// On the loop's thread. A session implements it over its store, a fake in memory.
struct ExchangeLog {
  ExchangeLog() = default;
  ExchangeLog(const ExchangeLog&) = delete;
  ExchangeLog& operator=(const ExchangeLog&) = delete;
  virtual ~ExchangeLog() = default;
  virtual Result<> keep(const Exchange& exchange) = 0;
  // The latest exchange of that purpose, if there was one.
  [[nodiscard]] virtual Result<std::optional<Exchange>> find(Purpose purpose) = 0;
};

// A log that is there before the one that keeps: models are made first, the session that they belong to after them.
class LateExchangeLog final : public ExchangeLog {
 public:
  ExchangeLog* behind = nullptr;  // nullptr: nothing is kept, nothing is found
  Result<> keep(const Exchange& exchange) override { return behind != nullptr ? behind->keep(exchange) : Result<>(); }
  [[nodiscard]] Result<std::optional<Exchange>> find(Purpose purpose) override {
    return behind != nullptr ? behind->find(purpose) : std::optional<Exchange>();
  }
};

}  // namespace kerf
