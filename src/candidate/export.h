// Handing a candidate over: what a person or a build takes with them, with no kerf on the other side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "candidate/plan.h"
#include "problem/problem.h"

namespace kerf {

enum class ExportFormat : std::uint8_t {
  source,   // the candidate's text
  cpp,      // one C++ file: the kernels and a C function that launches them at the workload's shapes
  pytorch,  // one Python file with a class ModelNew
};
[[nodiscard]] std::optional<ExportFormat> export_format_from(std::string_view name);  // "source", "cpp", "pytorch"

struct ExportRequest {
  const Source* source = nullptr;
  TunePoint tune;                      // the point that was picked; empty where the plan has no axes
  const Problem* problem = nullptr;    // pytorch: its text goes into the file
  const Workload* workload = nullptr;  // the primary one
  std::string prelude;                 // text that stands before the candidate when it is compiled
  std::vector<std::string> flags = {"-std=c++20", "-O3", "-march=native"};  // that it was measured with
  std::string headline;  // one line of where it comes from: "node 3f9c/12: 2.4x eager"; may be empty
};

// The text of the file. `unavailable` where a format cannot carry the plan: cpp takes candidates in cpp without library
// calls, pytorch those in cpp, cuda, triton and gluon; the message says which other format can.
[[nodiscard]] Result<std::string> export_candidate(ExportFormat format, const ExportRequest& request);

}  // namespace kerf
