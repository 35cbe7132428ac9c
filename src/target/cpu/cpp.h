// The cpp language on this machine's CPU: g++ or clang++ in the jail, images cached by everything they depend on.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "target/language.h"
#include "target/toolchain.h"

namespace kerf {

struct CppOptions {
  std::optional<Compiler> compiler = std::nullopt;             // the machine's best otherwise
  std::optional<std::filesystem::path> images = std::nullopt;  // cache_directory()/images otherwise
  std::chrono::milliseconds limit{30'000};                     // of one compilation
  std::size_t memory = std::size_t{3} << 30;                   // address space of each of the compiler's processes
};

// `unavailable: …` if there is no compiler, no prelude or no jail.
[[nodiscard]] Result<std::unique_ptr<LanguageBackend>> make_cpp_backend(const CppOptions& options = {});

// What stands before every candidate: vector types and functions. `unavailable: …` if kerf's files are not complete.
[[nodiscard]] Result<std::string> cpp_prelude();

// The fixed flags, tested on their own: -O3 -march=native; a multiplication and an addition may be contracted, errno
// and floating-point traps do not exist; sums keep their order and NaN and infinities count (no -ffast-math), because
// results are judged.
[[nodiscard]] std::vector<std::string> cpp_flags(Compiler::Family family);

// The axes that the code names (not the plan alone): points that agree on them are one text, and compiled once.
[[nodiscard]] TunePoint named_in(const Source& source, const TunePoint& point);

// What is compiled: prelude, tune constants that the code names, the candidate as it is, the trailer; #line directives
// name the parts.
[[nodiscard]] std::string cpp_text(const std::string& prelude, const Source& source, const TunePoint& point);

}  // namespace kerf
