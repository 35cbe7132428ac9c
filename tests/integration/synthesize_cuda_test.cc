// What the built-in synthesizer writes in CUDA: compiled by NVRTC, whose cubins must not spill, and judged in the
// emulation with PyTorch. Its first candidate for each kind of operator, and the schedules that only other sizes
// choose.
#include "target/nvidia/cuda.h"

#include "judged_graphs.h"
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

class RecurrentInCuda : public SynthesizeCuda {};

// The emulation does not hold as many blocks as a GPU: that a group of them takes several sequences needs fewer groups.
TEST_P(RecurrentInCuda, TakesMoreSequencesThanThereAreGroupsOfBlocks) {
  const auto problem = world->admit(
      {.id = "test/sequences", .name = "sequences", .source = source_of(GetParam()), .path = "test.py"}, 0);
  ASSERT_TRUE(problem);
  SynthesisRequest request;
  request.problem = problem;
  request.target = world->facts;
  request.language = Language::cuda;
  make_builtin_synthesizer()->propose(request, [&](Result<std::optional<Proposal>> reply) {
    ASSERT_TRUE(reply && *reply);
    Proposal proposal = **reply;
    const std::string all = "64 // (", few = "12 // (";
    const auto at = proposal.candidate.text.find(all);
    ASSERT_NE(at, std::string::npos) << proposal.candidate.text;
    proposal.candidate.text.replace(at, all.size(), few);
    judge(proposal, problem);
  });
}

INSTANTIATE_TEST_SUITE_P(Sequences, RecurrentInCuda,
                         testing::Values(JudgedGraph{
                             "recurrent",
                             "self.gru(x)[0] * 2",
                             {"torch.randn(11, 3, 10)"},
                             "self.gru = nn.GRU(10, 36, batch_first=True, bidirectional=True)"}),
                         [](const auto& each) { return std::string(each.param.name); });
INSTANTIATE_TEST_SUITE_P(Graphs, SynthesizeCuda, testing::ValuesIn(graphs),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kerf
