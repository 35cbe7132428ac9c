// Who writes a session's candidates, made from what --synthesizer says.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/wiring.h"
#include "synthesize/model/make_model.h"
#include "synthesize/model/recording.h"
#include "synthesize/synthesizer.h"

namespace kerf {

// Whether prompts are written for this name and replies kept as exchanges: a model's name, and `ask`, where whoever
// runs kerf ask and kerf tell is the model. Right or wrong, as is_model_name.
[[nodiscard]] bool takes_prompts(std::string_view name);

// Makes the synthesizers of one session.
struct SynthesizerFactory {
  const SessionOptions& options;
  const SessionSources& sources;
  ModelParts parts;
  std::filesystem::path batches;
  LateExchangeLog& exchanges;
  Note note;
  std::vector<Model*>& asked;  // every model that is really asked is added

  [[nodiscard]] Result<std::unique_ptr<Model>> model(const std::string& name) const;
  [[nodiscard]] Result<std::unique_ptr<Synthesizer>> synthesizer(const std::string& name) const;
};

}  // namespace kerf
