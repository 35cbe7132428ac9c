// A Model from its name, as --synthesizer spells it. docs/models.md.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http.h"
#include "base/loop.h"
#include "base/random.h"
#include "synthesize/model/keys.h"
#include "synthesize/model/model.h"
#include "synthesize/model/prices.h"

namespace kerf {

// How often and how patiently a call is tried again.
struct RetryPolicy {
  int tries = 10;                               // of one call, the first included
  std::chrono::milliseconds first_wait{1'000};  // doubled with each try; half of it is drawn at random
  std::chrono::milliseconds longest_wait{60'000};
  std::chrono::milliseconds patience{10 * 60 * 1'000};  // a Retry-After beyond it is an error at once
};

struct ModelOptions {
  // Another server than the provider's own; for openai/… with its /v1. Any of them works without a key.
  std::string base_url;
  RetryPolicy retries;
  HttpLimits http;
  std::chrono::milliseconds command_limit{30 * 60 * 1'000};  // of one run of command:PROGRAM
  // Where batches wait for their answers, across processes: one folder a session. Empty: none may be used.
  std::filesystem::path batch_folder;
  std::chrono::milliseconds batch_gather{5'000};  // how long requests are collected before a batch leaves
  std::chrono::milliseconds batch_poll{60'000};   // between looks at batches that take their time
};

// What a model works with; all outlive it.
struct ModelParts {
  Loop& loop;
  Http& http;
  const Keys& keys;
  const Prices& prices;
  const Clock& clock;
  Random random;  // for jitter
};

// anthropic/MODEL, openai/MODEL, command:PROGRAM ARGUMENTS…, batch:anthropic/MODEL, batch:openai/MODEL,
// batch-files:anthropic/MODEL, batch-files:openai/MODEL. Errors: `user` for a name that is none, with the list of what
// there is; `unavailable` with what to set when there is no key, no program.
[[nodiscard]] Result<std::unique_ptr<Model>> make_model(std::string_view spec, ModelParts parts,
                                                        const ModelOptions& options = {});

// Whether make_model is who knows this name, right or wrong: "anthropic/x" and "command:" yes, "builtin" and
// "replay:x" no.
[[nodiscard]] bool is_model_name(std::string_view spec);

// For lists and messages.
struct ProviderInfo {
  std::string form;      // "anthropic/MODEL"
  std::string what;      // one line
  std::string provider;  // owner of the key; empty: needs none
  std::string base_url;  // of the provider's own server; empty: none
};
[[nodiscard]] std::span<const ProviderInfo> model_providers();

}  // namespace kerf
