// Launches that another process executes: Triton's interpreter (workers/triton_interpreter.py, where the conversation
// is described). It gets the bytes of the tensors and gives back those that may be written; it never sees their memory.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "base/channel.h"
#include "candidate/bind.h"

namespace kerf {

struct InterpretedTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::span<std::byte> memory;
  bool writable = false;
};

// `tensors`: those among the launch's arguments, in the order in which they first come. What is the candidate's fault
// has kind candidate, verdict, rule and place.
[[nodiscard]] Result<> interpret(const Channel& interpreter, const BoundLaunch& launch, const TunePoint& tune,
                                 bool descending, const std::vector<InterpretedTensor>& tensors, Location at);

}  // namespace kerf
