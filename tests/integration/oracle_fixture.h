// What tests of the real oracle share.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "evaluate/oracle_client.h"
#include "problem/suite.h"

namespace kerf::testing_oracle {

inline OracleOptions test_options() {
  return {
      .threads = 2, .package = KERF_SOURCE "/oracle", .admit_limit = std::chrono::milliseconds(90'000), .log_fd = 2};
}

// Of tests/cases/problems.
inline Problem problem_named(const std::string& name) {
  auto problem = load_problem(fmt::format("{}/problems/{}.py", KERF_CASES, name));
  EXPECT_TRUE(problem.has_value()) << problem.error().message;
  return problem.value_or(Problem{});
}

inline Arena outputs_of(const Workload& workload) {
  std::vector<std::pair<std::string, TensorSpec>> tensors;
  for (std::size_t i = 0; i < workload.outputs.size(); ++i)
    tensors.emplace_back(workload.output_name(i), workload.outputs[i]);
  auto arena = make_arena("outputs", tensors, Placement::front);
  EXPECT_TRUE(arena.has_value());
  return std::move(arena).value_or(Arena{});
}

}  // namespace kerf::testing_oracle
