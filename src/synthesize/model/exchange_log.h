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

// On the loop's thread. The store implements it for a session, a recording for a file.
struct ExchangeLog {
  ExchangeLog() = default;
  ExchangeLog(const ExchangeLog&) = delete;
  ExchangeLog& operator=(const ExchangeLog&) = delete;
  virtual ~ExchangeLog() = default;
  virtual Result<> keep(const Exchange& exchange) = 0;
  // The exchange of that purpose, if there was one.
  [[nodiscard]] virtual Result<std::optional<Exchange>> find(Purpose purpose) = 0;
};

}  // namespace kerf
