// What an emitter makes of a region: kernels, and the launches and scratch that a plan needs for them. Texts that go
// into the plan still hold placeholders for tensors (see lowering.h); whoever writes the plan replaces them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "synthesize/builtin/ir.h"

namespace kerf {

struct EmittedLaunch {
  std::string kernel;
  std::vector<std::string> grid;  // plan expressions
  std::vector<std::string> args;
  std::vector<std::string> block = {};  // cuda: threads of a block
  // triton: values of constexpr parameters, and the expression for num_warps
  std::vector<std::pair<std::string, std::string>> constants = {};
  std::string warps = {};
};

struct EmittedScratch {
  std::string name;
  std::string dtype;
  std::vector<std::string> shape;
  bool zero = false;  // every run must find zeros
};

struct Emitted {
  std::string source;                // kernels, without helpers
  std::vector<std::string> helpers;  // names of helper texts that the source needs, in order of definition
  std::vector<EmittedLaunch> launches;
  std::vector<EmittedScratch> scratch;
  std::pair<std::string, std::vector<std::int64_t>> tune;  // the axis, and its values
  std::vector<Requirement> requirements = {};              // what the source bakes in
};

}  // namespace kerf
