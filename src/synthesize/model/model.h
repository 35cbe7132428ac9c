// A language model as a seam: a conversation in, text and what it cost out. docs/models.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace kerf {

enum class Speaker : std::uint8_t { user, assistant };

struct Part {
  std::string text;
  bool cache = false;  // the prompt up to the end of this part will be sent again: worth caching where a provider can
};

struct Message {
  Speaker role = Speaker::user;
  std::vector<Part> parts;
};

struct ModelSettings {
  std::int64_t max_tokens = 16'384;   // of the reply, reasoning included
  std::optional<double> temperature;  // unset: the provider's default
  std::string effort;                 // how much to reason, as the provider names it ("low" … "high", or a number of
                                      // tokens); empty: the provider's default
};

// Who sends it and for what: the same pair is never charged twice in a session.
struct Purpose {
  std::uint64_t expansion = 0;
  int attempt = 0;  // turn of the conversation, from 0
};

struct ModelRequest {
  Purpose purpose;
  std::vector<Part> system;
  std::vector<Message> messages;  // user and assistant in turns, a user's message last
  ModelSettings settings;

  // Hexadecimal SHA-256 of all but the purpose: what a recording is checked against.
  [[nodiscard]] std::string digest() const;
};

enum class Finish : std::uint8_t {
  complete,
  length,   // cut off at max_tokens
  refusal,  // the model or its provider's filter declined
  other,
  failed,  // in records alone: the call came to nothing, though it cost something; why is the text
};
[[nodiscard]] const char* to_string(Finish finish);

struct ModelUsage {
  std::int64_t tokens_in = 0;       // all of the prompt, cached or not
  std::int64_t tokens_out = 0;      // reasoning included
  std::int64_t cached_in = 0;       // of tokens_in: read from the provider's prompt cache
  std::int64_t written_in = 0;      // of tokens_in: written to it
  std::optional<double> usd;        // nullopt: the price is unknown
  std::optional<double> saved_usd;  // what the cache saved against sending all of it anew
};

struct ModelReply {
  std::string text;
  std::string reasoning;  // as far as the provider shows it; never parsed for candidates
  Finish finish = Finish::complete;
  ModelUsage usage;
  std::string model;   // as the provider names what answered
  double seconds = 0;  // from the first try to the last byte
  int retries = 0;
};

struct Model {
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  virtual ~Model() = default;
  using Ticket = std::uint64_t;
  // Comes on the loop's thread, possibly before complete() returns, once, and not at all after cancel(). Errors:
  // `unavailable` when nobody can be asked (no key, refused key, no such model, no server after all retries), `user`
  // for a request that the provider will never take.
  using OnReply = std::move_only_function<void(Result<ModelReply>)>;
  virtual Ticket complete(const ModelRequest& request, OnReply reply) = 0;
  virtual void cancel(Ticket ticket) = 0;
  // Whether it can be asked, as far as that shows without a token spent: `unavailable` where the server is not there,
  // refuses the key or has no such model. Else a line for people where something looks wrong, or nothing. Once, on the
  // loop's thread, possibly before check() returns; not at all once the model is gone.
  using OnChecked = std::move_only_function<void(Result<std::string>)>;
  virtual void check(OnChecked done) { done(std::string()); }
  [[nodiscard]] virtual std::string name() const = 0;  // as --synthesizer spells it: "anthropic/…"
};

}  // namespace kerf
