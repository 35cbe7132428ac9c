// What the built-in synthesizer writes in CUDA: compiled by NVRTC, whose cubins must not spill, and judged in the
// emulation with PyTorch. Its first candidate for each kind of operator, and the schedules that only other sizes
// choose.
#include "target/nvidia/cuda.h"

#include "synthesized.h"

namespace kerf {
namespace {

class SynthesizeCuda : public Synthesized {
 protected:
  static void SetUpTestSuite() {
    world = new EmulatedGpu(Language::cuda, [](const Target& target) { return make_cuda_backend(target); });
  }
};

TEST_P(SynthesizeCuda, WritesCandidatesThatAreRight) {
  write_and_judge(GetParam(), Language::cuda, GetParam().moves, "__global__", 2);
}

INSTANTIATE_TEST_SUITE_P(Graphs, SynthesizeCuda, testing::ValuesIn(graphs),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kerf
