#include "synthesize/builtin/forms.h"

#include <gtest/gtest.h>

#include <sstream>

#include "synthesize/graph_text.h"

namespace kerf {
namespace {

TEST(Forms, WhatCallsGiveToKernelsInTritonLiesInOrder) {
  // A call's result lies across; in Triton it is copied to scratch, which does not.
  std::istringstream text(
      "input x f32 4 6 8\n"
      "y = aten.cumulative_trapezoid.x x -> f32 4 6 8 strides 48 1 6\n"
      "z = aten.relu.default y -> f32 4 6 8 strides 48 1 6\n"
      "output z\n");
  const Understood problem = parse(text).problem;
  const auto strides = [&](Language language, const char* name) {
    return graph_in(problem, GraphForm::exported, language)->graph.tensor({name, 0})->stride.at(0);
  };
  const std::vector<std::int64_t> across = {48, 1, 6}, in_order = {48, 8, 1};
  EXPECT_EQ(strides(Language::triton, "y"), in_order);
  EXPECT_EQ(strides(Language::cuda, "y"), across) << "kernels in CUDA read the result itself";
  EXPECT_EQ(strides(Language::cpp, "y"), across);
  EXPECT_EQ(strides(Language::triton, "z"), across) << "an output is what it must be";
}

}  // namespace
}  // namespace kerf
