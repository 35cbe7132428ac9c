#include "synthesize/builtin/by_places.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "synthesize/builtin/builtin.h"
#include "synthesize/builtin/forms.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::ElementsAre;

// Two convolutions with norms of the batch's statistics, what was before them added, and a pooling of all places.
const char* const residual =
    "input x f32 4 16 12 12\nparameter w f32 16 16 3 3\nparameter v f32 16 16 3 3\nparameter g f32 16\n"
    "parameter b f32 16\n"
    "c = aten.conv2d.default x w none [1,1] [1,1] -> f32 4 16 12 12\n"
    "n = aten.batch_norm.default c g b none none true 0.1 1e-05 true -> f32 4 16 12 12\n"
    "r = aten.relu.default n -> f32 4 16 12 12\n"
    "d = aten.conv2d.default r v none [1,1] [1,1] -> f32 4 16 12 12\n"
    "m = aten.batch_norm.default d g b none none true 0.1 1e-05 true -> f32 4 16 12 12\n"
    "a = aten.add.Tensor m r -> f32 4 16 12 12\n"
    "s = aten.relu.default a -> f32 4 16 12 12\n"
    "p = aten.adaptive_avg_pool2d.default s [1,1] -> f32 4 16 1 1\n"
    "output p\n";

std::vector<std::string> kernels(const GeneralGraph& graph, const Partition& partition) {
  std::vector<std::string> found;
  for (const NodeSet& group : partition.groups) {
    std::string names;
    for (const std::size_t n : group)
      if (!is_trivial(graph.nodes[n])) names += (names.empty() ? "" : " ") + graph.nodes[n].base();
    found.push_back(names);
  }
  return found;
}

TEST(ByPlaces, NothingIsTurnedBetweenConvolutions) {
  const Understood problem = parse(residual).problem;
  const auto formed = graph_in(problem, GraphForm::channels_last, Language::triton);
  ASSERT_TRUE(formed);
  const GeneralGraph& graph = formed->graph;
  const Partition made = partition(graph, Fusing::full, Products::library, Language::triton);
  EXPECT_THAT(kernels(graph, made), ElementsAre("permute_copy", "clone batch_norm relu permute_copy",
                                                "clone batch_norm add relu permute_copy", "adaptive_avg_pool2d"));
}

TEST(ByPlaces, OutputsAndWhatViewsAreMadeOfStay) {
  const Understood problem = parse(
                                 "input x f32 4 16 12 12\nparameter w f32 16 16 3 3\nparameter g f32 16\n"
                                 "c = aten.conv2d.default x w none [1,1] [1,1] -> f32 4 16 12 12\n"
                                 "n = aten.batch_norm.default c g g none none true 0.1 1e-05 true -> f32 4 16 12 12\n"
                                 "r = aten.relu.default n -> f32 4 16 12 12\noutput r\n")
                                 .problem;
  const auto formed = graph_in(problem, GraphForm::channels_last, Language::triton);
  ASSERT_TRUE(formed);
  const Partition made = partition(formed->graph, Fusing::full, Products::library, Language::triton);
  EXPECT_THAT(kernels(formed->graph, made), ElementsAre("permute_copy", "clone batch_norm relu"));
}

TEST(ByPlaces, AConvolutionOfSingleChannelsGoesThroughItsWindowsOnce) {
  const Understood problem =
      parse(
          "input x f32 4 32 48 48\nparameter w f32 96 32 1 1\nparameter v f32 96 1 5 5\nparameter u f32 32 96 1 1\n"
          "parameter g f32 96\n"
          "c = aten.conv2d.default x w -> f32 4 96 48 48\n"
          "n = aten.batch_norm.default c g g none none true 0.1 1e-05 true -> f32 4 96 48 48\n"
          "r = aten.relu.default n -> f32 4 96 48 48\n"
          "d = aten.conv2d.default r v none [1,1] [2,2] [1,1] 96 -> f32 4 96 48 48\n"
          "m = aten.batch_norm.default d g g none none true 0.1 1e-05 true -> f32 4 96 48 48\n"
          "s = aten.relu.default m -> f32 4 96 48 48\n"
          "e = aten.conv2d.default s u -> f32 4 32 48 48\n"
          "t = aten.relu.default e -> f32 4 32 48 48\noutput t\n")
          .problem;
  const auto formed = graph_in(problem, GraphForm::channels_last, Language::triton);
  ASSERT_TRUE(formed);
  const Partition made = partition(formed->graph, Fusing::full, Products::library, Language::triton);
  EXPECT_THAT(kernels(formed->graph, made),
              ElementsAre("permute_copy", "clone batch_norm relu permute_copy", "conv2d permute_copy", "permute_copy",
                          "batch_norm relu permute_copy", "clone relu"))
      << "its weight is laid out, and what it comes to is stored before it is summed";
}

// A network of many convolutions, each with a norm of the batch's statistics, and what was two before added.
Understood deep(int blocks) {
  std::string text = "input x f32 8 64 28 28\nparameter g f32 64\n";
  for (int n = 0; n < 2 * blocks; ++n) text += fmt::format("parameter w{} f32 64 64 3 3\n", n);
  std::string last = "x";
  for (int n = 0; n < 2 * blocks; ++n) {
    const std::string shape = " -> f32 8 64 28 28\n";
    const std::string from = n % 2 == 0 ? last : fmt::format("r{}", n - 1);
    text += fmt::format("c{0} = aten.conv2d.default {1} w{0} none [1,1] [1,1]{2}", n, from, shape);
    text += fmt::format("n{0} = aten.batch_norm.default c{0} g g none none true 0.1 1e-05 true{1}", n, shape);
    if (n % 2 == 1) text += fmt::format("a{0} = aten.add.Tensor n{0} {1}{2}", n, last, shape);
    text += fmt::format("r{0} = aten.relu.default {1}{0}{2}", n, n % 2 == 1 ? "a" : "n", shape);
    if (n % 2 == 1) last = fmt::format("r{}", n);
  }
  return parse(text + fmt::format("p = aten.adaptive_avg_pool2d.default {} [1,1] -> f32 8 64 1 1\noutput p\n", last))
      .problem;
}

TEST(ByPlaces, ASearchOfADeepNetworkOnAGpuBeginsInChannelsLast) {
  SynthesisRequest request;
  request.problem = std::make_shared<Understood>(deep(10));
  request.language = Language::triton;
  request.target = {{"gpu", {{"sms", 132}, {"l2_bytes", 50 << 20}}}};
  std::optional<Proposal> first;
  make_builtin_synthesizer()->propose(request, [&](Result<std::optional<Proposal>> reply) { first = *reply; });
  ASSERT_TRUE(first);
  EXPECT_THAT(first->rationale, testing::HasSubstr("from the channels_last graph"));
  const std::string& text = first->candidate.text;
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("aten.clone"))) << "no result is turned round";
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("permute_copy"))) << "nor is an image";
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("batch_norm.default")));
}

}  // namespace
}  // namespace kerf
