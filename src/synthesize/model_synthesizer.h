// A language model as a synthesizer: composes the prompt (prompt/), has the model answer, reads a candidate out of the
// reply (reply/) and tells the model what was wrong with a reply that holds none. docs/prompts.md.
#pragma once

#include <memory>

#include "synthesize/model/model.h"
#include "synthesize/prompt/composer.h"
#include "synthesize/synthesizer.h"

namespace kerf {

struct ModelSynthesizerOptions {
  ModelSettings settings;
  PromptOptions prompt;
  int corrections = 2;  // further turns of a conversation whose replies hold nothing that can be evaluated
  int repairs = 3;      // further turns after candidates that failed their evaluation: Synthesizer::repairs
};

// Of proposals: the conversation as it was sent is `prompt`; the recipe holds what a repair needs to go on with it.
// nullopt after `corrections` replies without a new candidate, or where no further call may be made. Errors: the
// model's own, but `user` (a request that the provider does not take) comes as `system`: it costs this expansion, not
// the session.
[[nodiscard]] std::unique_ptr<Synthesizer> make_model_synthesizer(std::unique_ptr<Model> model, PromptTexts texts,
                                                                  ModelSynthesizerOptions options = {});

}  // namespace kerf
