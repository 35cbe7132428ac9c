// What the built-in synthesizer writes in Triton for tensor cores: compiled ahead of time, and judged in Triton's
// interpreter with PyTorch.
#include "judged_dots.h"
#include "synthesized.h"
#include "target/nvidia/triton.h"

namespace kerf {
namespace {

class DotsInTriton : public Synthesized {
 protected:
  static void SetUpTestSuite() {
    world = new EmulatedGpu(Language::triton, [](const Target& target) { return make_triton_backend(target); });
  }
};

TEST_P(DotsInTriton, AreRight) {
  JudgedGraph graph = GetParam();
  if (*graph.text == '\0') graph.text = "tl.dot(";
  write_and_judge(graph, Language::triton, graph.moves, "@triton.jit", 1);
}

INSTANTIATE_TEST_SUITE_P(Products, DotsInTriton, testing::ValuesIn(dots),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kerf
