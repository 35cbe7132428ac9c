// The prompt for a request: parts in a fixed order, cut to a budget of tokens. The same request gives the same bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "synthesize/model/model.h"
#include "synthesize/prompt/part.h"
#include "synthesize/prompt/parts.h"
#include "synthesize/synthesizer.h"

namespace kerf {

// `unavailable` if the installation lacks them, `user` for a language that has none.
[[nodiscard]] Result<PromptTexts> load_prompt_texts(const std::string& language);

struct PromptOptions {
  std::int64_t tokens = 32'000;  // of system and first message together, as estimate_tokens counts
  // What is known beyond the problem and the tree: documents, skills. Behind kerf's own parts of their place, but
  // before the parent.
  std::vector<std::shared_ptr<const PromptPart>> knowledge = {};
};

// What did not fit.
struct Shortened {
  std::string part;
  std::string what;  // "left out", or what is missing: "8 of 12 ancestors"
};

struct Prompt {
  std::vector<Part> system;
  Message message;
  std::vector<Shortened> shortened;
  std::int64_t tokens = 0;                 // estimated
  [[nodiscard]] std::string text() const;  // all of it, as people read it
};

// A conversation as people read it.
[[nodiscard]] std::string prompt_text(const std::vector<Part>& system, const std::vector<Message>& messages);

// While it is beyond the budget, the least important part that can be shortened is, by one step. What cannot be
// shortened is sent even if that is too much.
[[nodiscard]] Prompt compose(const SynthesisRequest& request, const PromptTexts& texts, const PromptOptions& options);

}  // namespace kerf
