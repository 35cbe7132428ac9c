// An exchange log in memory, for tests.
#pragma once

#include <utility>
#include <vector>

#include "synthesize/model/exchange_log.h"

namespace kerf {

struct FakeExchangeLog final : ExchangeLog {
  std::vector<Exchange> exchanges;
  bool full = false;  // keeps nothing, as a full disk would
  Result<> keep(const Exchange& exchange) override {
    if (full) return fail(ErrorKind::system, "no space left");
    exchanges.push_back(exchange);
    return {};
  }
  [[nodiscard]] Result<std::optional<Exchange>> find(Purpose purpose) override {
    std::optional<Exchange> latest;
    for (const Exchange& e : exchanges) {
      if (std::pair(e.purpose.expansion, e.purpose.attempt) == std::pair(purpose.expansion, purpose.attempt))
        latest = e;
    }
    return latest;
  }
};

}  // namespace kerf
