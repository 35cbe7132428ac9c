// A provider over HTTP: a dialect's requests sent, its replies read, what failed tried again.
#pragma once

#include <memory>
#include <string>

#include "synthesize/model/dialect.h"
#include "synthesize/model/make_model.h"

namespace kerf {

struct HttpModelSetup {
  std::string name;      // as --synthesizer spells it
  std::string model;     // as the provider spells it
  std::string base_url;  // without a slash at its end
  AskedServer asked;
  std::optional<Secret> key;
  std::optional<Price> price;
  std::unique_ptr<Dialect> dialect;
};
[[nodiscard]] std::unique_ptr<Model> make_http_model(HttpModelSetup setup, ModelParts parts,
                                                     const ModelOptions& options);

// How long to wait before try number `tried` + 1: doubled each time and drawn from its upper half, at least what the
// server asks for. nullopt: more than `patience`.
[[nodiscard]] std::optional<std::chrono::milliseconds> wait_before_retry(const RetryPolicy& policy, int tried,
                                                                         std::optional<std::chrono::milliseconds> asked,
                                                                         Random& random);

// What was charged for tries that came to nothing, as far as it is known: written into the facts of the error and read
// from there by who keeps the books (RecordingModel).
void note_charges(Error& error, const ModelUsage& usage);
[[nodiscard]] ModelUsage charges_of(const Error& error);

}  // namespace kerf
