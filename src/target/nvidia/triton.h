// The languages triton and gluon: compiled ahead of time, a cubin for every specialisation that the workloads need.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "target/language.h"
#include "target/target.h"

namespace kerf {

// What candidates are called in what the compiler says of lines (workers/triton_worker.py).
inline constexpr const char* triton_candidate_file = "candidate.py";

struct TritonOptions {
  std::optional<std::filesystem::path> images = std::nullopt;  // cache_directory()/images otherwise
};

// Image::path is the manifest (candidate/triton_manifest.h), the cubins lie beside it; Image::inspected has one object
// an entry under "entries": {"key", "kernel", "registers", "shared_bytes", "local_bytes", "parameters", "instructions"}
// (evidence: static). One backend serves both languages. `unavailable: …` without Triton or jail.
[[nodiscard]] Result<std::unique_ptr<LanguageBackend>> make_triton_backend(Target target,
                                                                           const TritonOptions& options = {});

// How often each kind of instruction stands in a kernel's PTX, by the part of its name that says what it does:
// "ld.global" -> 8, "fma" -> 64, "wgmma" -> 4. Labels, directives and moves are left out.
[[nodiscard]] std::map<std::string, int> instruction_mix(std::string_view ptx);

}  // namespace kerf
