// What the calls to models came to, over a session.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "synthesize/model/model.h"
#include "synthesize/synthesizer.h"

namespace kerf {

inline void add(Usage& usage, const ModelReply& reply) {
  usage.tokens_in += reply.usage.tokens_in;
  usage.tokens_out += reply.usage.tokens_out;
  usage.cached_in += reply.usage.cached_in;
  usage.usd += reply.usage.usd.value_or(0);
  usage.usd_known = usage.usd_known && reply.usage.usd.has_value();
  usage.seconds += reply.seconds;
}

inline Usage usage_of(const ModelReply& reply) {
  Usage usage;
  add(usage, reply);
  return usage;
}

struct Spend {
  std::int64_t calls = 0;
  std::int64_t tokens_in = 0, tokens_out = 0;  // as ModelUsage counts them
  std::int64_t cached_in = 0;                  // of tokens_in
  double known_usd = 0;                        // of the calls whose price is known
  std::int64_t unpriced = 0;                   // calls whose price is unknown
  double saved_usd = 0;                        // by providers' caches, where that is known
  double seconds = 0;                          // waited for, calls side by side added up
  std::int64_t largest_tokens = 0;             // of a single call
  double largest_usd = 0;

  [[nodiscard]] std::int64_t tokens() const { return tokens_in + tokens_out; }
  // nullopt: the price of some call is unknown.
  [[nodiscard]] std::optional<double> usd() const { return unpriced == 0 ? std::optional(known_usd) : std::nullopt; }
  void add(const ModelReply& reply) {
    ++calls;
    tokens_in += reply.usage.tokens_in;
    tokens_out += reply.usage.tokens_out;
    cached_in += reply.usage.cached_in;
    if (reply.usage.usd)
      known_usd += *reply.usage.usd;
    else
      ++unpriced;
    saved_usd += reply.usage.saved_usd.value_or(0);
    seconds += reply.seconds;
    largest_tokens = std::max(largest_tokens, reply.usage.tokens_in + reply.usage.tokens_out);
    largest_usd = std::max(largest_usd, reply.usage.usd.value_or(0));
  }
};

}  // namespace kerf
