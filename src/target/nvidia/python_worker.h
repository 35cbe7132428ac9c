// A Python process in the jail that imports Triton and talks over descriptor 3: it compiles or interprets candidates.
#pragma once

#include <memory>
#include <string>

#include "base/channel.h"
#include "base/process.h"
#include "base/result.h"

namespace kerf {

struct PythonWorkerOptions {
  const char* script = "";   // shipped with kerf
  const char* purpose = "";  // "compiles …", for messages
  int cpu_seconds = 60;
  bool interpret = false;  // functions under @triton.jit run in Triton's interpreter
};

struct PythonWorker {
  Process process;
  Channel channel;
  bool ready = false;
};

[[nodiscard]] Result<std::unique_ptr<PythonWorker>> start_python_worker(const PythonWorkerOptions& options);
// Waits for its first message. The version of Triton that it says it has; `unavailable: …` where it does not start.
[[nodiscard]] Result<std::string> await_ready(const PythonWorkerOptions& options, PythonWorker& worker);

}  // namespace kerf
