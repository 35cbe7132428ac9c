// C++ to a shared object, by g++ or clang++ in the jail: what the cpp language and the emulation of others share.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "target/cpu/inspect.h"
#include "target/cpu/messages.h"
#include "target/toolchain.h"

namespace kerf {

struct NativeBuild {
  const Compiler& compiler;
  std::vector<std::string> flags;
  const std::string& text;
  std::chrono::milliseconds limit;
  std::size_t memory;                         // address space of each of the compiler's processes
  const std::optional<std::string>& objdump;  // instructions are not looked at without it
};

struct NativeObject {
  std::string bytes;
  std::vector<CompilerMessage> messages;  // of the compiler
  std::string notes;                      // of g++'s optimisers
  std::vector<FunctionCode> code;         // empty without objdump
};

// Errors: kind candidate with the facts "verdict" and "rule", the place in the candidate; `unavailable: …` without a
// jail. What comes is untrusted bytes: see check_object.
[[nodiscard]] Result<NativeObject> build_native(const NativeBuild& request);

}  // namespace kerf
