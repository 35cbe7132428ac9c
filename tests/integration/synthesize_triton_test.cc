// What the built-in synthesizer writes in Triton: compiled ahead of time, and judged in Triton's interpreter with
// PyTorch. A part of what is judged in CUDA: compiling takes a second and more.
#include <map>

#include "judged_graphs.h"
#include "synthesized.h"
#include "target/nvidia/triton.h"

namespace kerf {
namespace {

// The moves that are made from a graph's first candidate.
const std::map<std::string, std::vector<const char*>> judged = {
    {"windows_along_long_rows", {}},
    {"max_pool", {"across_rows"}},
    {"cumulative_sum", {}},
    {"reverse_cumulative_sum", {"turn"}},
    {"exclusive_sum", {"rows_of_a_tile"}},
    {"cumulative_product_of_columns", {"columns_of_a_tile"}},
    {"reverse_cumulative_sum_of_columns", {}},
    {"cumulative_sum_cut_up", {"split_rows"}},
    {"reverse_cumulative_sum_cut_up", {"turn"}},
    {"cumulative_maximum", {}},
    {"cumulative_positions", {}},
    {"cumulative_product_of_short_rows", {}},
    {"average_pool", {}},
    {"grown_images", {}},
    {"grown_images_between", {}},
    {"channels_that_become_places", {}},
    {"depthwise", {}},
    {"borders_of_what_is_there", {}},
    {"gathered_along_rows", {}},
    {"elements_by_indices", {}},
    {"scattered", {}},
    {"top_elements", {}},
    {"pool_with_positions", {}},
    {"remainders", {}},
    {"repeated_elements", {}},
    {"counts", {}},
    {"masks", {}},
    {"triangles", {}},
    {"transposed_depthwise", {}},
    {"depthwise_of_large_windows", {}},
    {"pooled_sum", {"registers"}},
    {"average_of_large_windows", {"columns_of_a_tile"}},
    {"pointwise", {"persistent"}},
    {"spread", {}},
    {"bias", {"across_rows"}},
    {"transposed", {}},
    {"follows_a_transposed_tensor", {}},
    {"dense_layers", {}},
    {"convolution_by_places", {"persistent"}},
    {"convolutions_by_places", {}},
    {"pool_of_places", {}},
    {"softmax_of_places", {}},
    {"softmax", {"rows_of_a_tile"}},
    {"softmax_in_passes", {"passes"}},
    {"softmax_cut_up", {"warps"}},
    {"log_softmax_of_columns", {"columns_of_a_tile"}},
    {"layer_norm", {"registers"}},
    {"layer_norm_cut_up", {"warps"}},
    {"rms_norm", {"registers"}},
    {"frobenius_norm", {"warps"}},
    {"cross_entropy", {}},
    {"classes_with_weights", {}},
    {"short_rows_in_order", {}},
    {"parts_replaced", {}},
    {"looked_up", {}},
    {"powers_of_a_number", {}},
    {"positions", {}},
    {"positions_of_columns", {}},
    {"products", {}},
    {"shrinkage", {}},
    {"logits", {}}};

std::vector<JudgedGraph> chosen() {
  std::vector<JudgedGraph> found;
  for (const JudgedGraph& graph : graphs)
    if (judged.contains(graph.name)) found.push_back(graph);
  return found;
}

class SynthesizeTriton : public Synthesized {
 protected:
  static void SetUpTestSuite() {
    world = new EmulatedGpu(Language::triton, [](const Target& target) { return make_triton_backend(target); });
  }
};

TEST_P(SynthesizeTriton, WritesCandidatesThatAreRight) {
  write_and_judge(GetParam(), Language::triton, judged.at(GetParam().name), "@triton.jit", 1);
}

// In Triton alone.
const JudgedGraph moments_of_columns = {
    "moments_of_columns",
    "x.std(1, correction=0) + x.mean(1)",
    {"torch.randn(2, 53, rows) + 5"},
    "pass",
    R"({"sketch": "columns", "hold": false, "joint": false, "lanes": 8, "unroll": 2, "stages": 2})"};

TEST_F(SynthesizeTriton, TakesMomentsOfColumnsInOnePass) {
  write_and_judge(moments_of_columns, Language::triton, {"passes"}, "COLUMNS", 1);
}

INSTANTIATE_TEST_SUITE_P(Graphs, SynthesizeTriton, testing::ValuesIn(chosen()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kerf
