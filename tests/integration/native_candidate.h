// Candidates in C++ for tests that need the runner and not the toolchain.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "base/hash.h"
#include "base/process.h"
#include "candidate/plan.h"
#include "candidate/prototype.h"
#include "target/language.h"

namespace kerf {

struct Compiled {
  Source source;
  Image image;
};

// A source compiled as kerf compiles it, without the prelude and without the jail around the compiler.
[[nodiscard]] inline Compiled compile_native(const std::string& text, const std::filesystem::path& directory) {
  auto source = read_source({.text = text, .language = Language::cpp, .name = "test.cpp"});
  EXPECT_TRUE(source) << source.error().message;
  const std::string code = "using int64_t = long;\n" + constants({}) + text + trailer(*source);
  const std::string digest = sha256(code);
  const auto path = directory / (digest.substr(0, 16) + ".so");
  const auto finished = run({.argv = {"/usr/bin/g++", "-std=c++20", "-O2", "-march=native", "-fPIC", "-shared", "-w",
                                      "-x", "c++", "-", "-o", path.string()},
                             .environment = clean_environment(),
                             .input = code},
                            std::chrono::milliseconds(60'000));
  EXPECT_TRUE(finished && finished->ok()) << (finished ? finished->errors : finished.error().message);
  return {*source, {.path = path.string(), .digest = digest}};
}

}  // namespace kerf
