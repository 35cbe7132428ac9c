// A language of a target: a source becomes something that a runner can load. Compiling happens in the jail.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "candidate/plan.h"
#include "problem/problem.h"

namespace kerf {

// What the compiler said of a line of the candidate (vectorised or not, and why).
struct CompilerRemark {
  int line = 0;
  int column = 0;
  bool missed = false;  // an optimisation that was not done
  std::string pass;     // "vectorize", "unroll", …
  std::string text;
};

// A compiled candidate at one tune point.
struct Image {
  std::string path;    // shared object in the cache, named by digest
  std::string digest;  // of source, tune point, flags, compiler and harness version
  // Of what runs alone: instructions, constants, what they refer to. Comments, layout, paths, debug information and
  // whatever else leaves the code as it is leave this as it is. Empty: not known.
  std::string code = {};
  std::vector<CompilerRemark> remarks;
  nlohmann::json inspected;  // undefined symbols, code bytes, instruction mix by kernel
  bool cached = false;
  double seconds = 0;
};

struct LanguageBackend {
  LanguageBackend() = default;
  LanguageBackend(const LanguageBackend&) = delete;
  LanguageBackend& operator=(const LanguageBackend&) = delete;
  virtual ~LanguageBackend() = default;
  // `workloads` are those that the image will run on, the primary one first: a language that specialises its kernels
  // ahead of time compiles for each that `supports` admits, and has them in the digest; the others leave them alone.
  // Errors: kind candidate with facts "verdict" (compile_error, rejected), "rule", and the place; `unavailable` if
  // there is no compiler. Blocks; safe to call from several threads.
  [[nodiscard]] virtual Result<Image> compile(const Source& source, const TunePoint& point,
                                              std::span<const Workload> workloads) = 0;
  // What source and plan have to agree upon on this workload beyond the plan's own rules, before compiling (`image`
  // null) and after. Errors as of compile(). The answer is what is known without running it, for the record; null:
  // nothing.
  [[nodiscard]] virtual Result<nlohmann::json> check(const Source&, const Workload&, const TunePoint&,
                                                     const Image* /*image*/) {
    return nlohmann::json();
  }
  [[nodiscard]] virtual std::string version() const = 0;  // "g++ 12.2.0"
};

}  // namespace kerf
