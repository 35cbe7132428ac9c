// Who writes a session's candidates, made from what --synthesizer says.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/wiring.h"
#include "synthesize/model/make_model.h"
#include "synthesize/model/recording.h"
#include "synthesize/synthesizer.h"

namespace kerf {

// Makes the synthesizers of one session.
struct Workshop {
  const SessionOptions& options;
  const SessionSources& sources;
  ModelParts parts;
  std::filesystem::path batches;
  LateExchangeLog& exchanges;
  Note note;
  std::vector<Model*>& asked;

  [[nodiscard]] Result<std::unique_ptr<Model>> model(const std::string& name) const;
  [[nodiscard]] Result<std::unique_ptr<Synthesizer>> synthesizer(const std::string& name) const;
};

}  // namespace kerf
