// A GPU that need not be there: candidates of one language are compiled for it and judged on the CPU, with PyTorch.
#pragma once

#include <fmt/format.h>

#include "target/nvidia/cuda.h"
#include "untimed.h"

namespace kerf {

class EmulatedGpu : public Untimed {
 public:
  EmulatedGpu(Language language, MakeBackend make) : Untimed("nvidia", language, make) {}
};

inline std::string words(const Result<Evaluation>& e) {
  if (!e) return e.error().message;
  return fmt::format("{} {} at {}: {}", to_string(e->verdict), e->rule.value_or("-"),
                     e->at ? fmt::format("{}:{}", e->at->line, e->at->column) : "nowhere", e->message.value_or(""));
}

}  // namespace kerf
