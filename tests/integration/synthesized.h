// Candidates of the built-in synthesizer for a GPU that need not be there: graphs, and how what is written for them is
// judged.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulated_gpu.h"
#include "synthesize/builtin/builtin.h"

namespace kerf {

struct JudgedGraph {
  const char* name;
  const char* forward;  // of x, and y where there are two inputs
  std::vector<const char*> inputs;
  const char* layers = "pass";          // in __init__
  const char* schedule = "{}";          // what of the first candidate's schedule is changed …
  std::vector<const char*> moves = {};  // … and the moves that are made from there in CUDA (dots: Triton), each judged
  const char* text = "";                // the first candidate is the first that has it
};

inline constexpr const char* cut_up =
    R"({"sketch": "split", "lanes": 1024, "block": [128], "resident": 8, "hold": false,
                               "keep": false, "joint": false, "unroll": 2})";
inline constexpr const char* between_blocks =
    R"({"sketch": "split", "lanes": 1024, "block": [128], "resident": 8, "hold": false,
                               "keep": false, "joint": true, "unroll": 2})";
inline constexpr const char* looped = R"({"hold": false, "keep": false, "joint": false, "unroll": 2})";

inline constexpr const char* scans_cut_up =
    R"({"sketch": "split", "lanes": 1, "block": [64], "resident": 8, "unroll": 2})";

inline constexpr const char* small_tiles =
    R"({"tile": [16, 32, 16], "block": [64], "swizzle": 2, "pieces": 1, "stages": 2})";
inline constexpr const char* in_pieces =
    R"({"tile": [16, 32, 16], "block": [64], "swizzle": 1, "pieces": 3, "stages": 2})";
inline constexpr const char* in_parts =
    R"({"tile": [16, 32, 16], "block": [64], "pieces": 2, "stages": 2, "factors": "three_parts_before"})";

inline constexpr const char* small_scores = R"({"tile": [16, 32, 0], "block": [128]})";

// Moments of columns in one pass, in Triton alone.
inline const JudgedGraph moments_of_columns = {
    "moments_of_columns",
    "x.std(1, correction=0) + x.mean(1)",
    {"torch.randn(3, 150, rows) + 5"},
    "pass",
    R"({"sketch": "columns", "hold": false, "joint": false, "lanes": 8, "unroll": 2, "stages": 2})"};

// On tensor cores, in Triton alone.
inline const std::vector<JudgedGraph> dots = {
    {"norms_between_convolutions",
     "torch.relu(self.norm(self.conv(x)) + self.other(self.beside(x))).mean((2, 3))",
     {"torch.randn(2, 16, 3 * rows, 30)"},
     "self.conv = nn.Conv2d(16, 24, 3, padding=1, bias=False); self.norm = nn.BatchNorm2d(24); "
     "self.beside = nn.Conv2d(16, 24, 1, bias=False); self.other = nn.BatchNorm2d(24)",
     "{}",
     {"split_rows"},
     "_join1"},
    {"single_channels_between_convolutions",
     "self.narrow(self.norm(self.deep(nn.functional.relu6(self.norm(self.wide(x))))))",
     {"torch.randn(2, 16, 3 * rows, 22)"},
     "self.wide = nn.Conv2d(16, 24, 1, bias=False); self.norm = nn.BatchNorm2d(24); "
     "self.deep = nn.Conv2d(24, 24, 3, stride=2, padding=1, groups=24, bias=False); self.narrow = nn.Conv2d(24, 16, 1)",
     "{}",
     {},
     "_weight_input"},
    {"softmax_of_many_rows",
     "torch.softmax(x, dim=1) * y",
     {"torch.randn(2, 150 * rows, 24)", "torch.randn(24)"},
     "pass",
     "{}",
     {"columns_of_a_tile", "passes"},
     "_join1"},
    {"linear",
     "torch.tanh(self.layer(torch.relu(x))) * 0.5 + y",
     {"torch.randn(3, rows, 50)", "torch.randn(3, rows, 37)"},
     "self.layer = nn.Linear(50, 37)",
     small_tiles,
     {"tile", "split_sum", "library", "factors", "turn"}},
    {"product_of_transposed",
     "torch.matmul(x.T, y.T)",
     {"torch.randn(70, 3 * rows)", "torch.randn(41, 70)"},
     "pass",
     in_parts,
     {"swizzle", "turn"}},
    {"batches",
     "torch.matmul(x, y.transpose(1, 2)) / 3 + self.b",
     {"torch.randn(3, 2 * rows, 20)", "torch.randn(3, 18, 20)"},
     "self.b = nn.Parameter(torch.randn(18))",
     in_parts,
     {"stages"}},
    {"triangle",
     "torch.tril(torch.matmul(x, y), 2)",
     {"torch.randn(50, 40)", "torch.randn(40, 50)"},
     "pass",
     small_tiles},
    {"triangle_in_pieces",
     "torch.triu(torch.matmul(x, y))",
     {"torch.randn(50, 40)", "torch.randn(40, 50)"},
     "pass",
     in_pieces},
    {"matrix_with_itself", "torch.mm(x, x.T)", {"torch.randn(3 * rows, 20)"}, "pass", R"({"factors": "three_parts"})"},
    {"einsum",
     "torch.einsum('bijl,lk->bijk', x, y)",
     {"torch.randn(2, 3, rows, 20)", "torch.randn(20, 33)"},
     "pass",
     small_tiles},
    {"convolution",
     "torch.relu(self.conv(x) * 2)",
     {"torch.randn(2, 5, rows, 21)"},
     "self.conv = nn.Conv2d(5, 9, (3, 4), stride=(2, 1), padding=1, dilation=(1, 2))",
     small_tiles,
     {"factors", "split_sum"}},
    {"transposed_convolution",
     "self.conv(x)",
     {"torch.randn(2, 5, rows, 21)"},
     "self.conv = nn.ConvTranspose2d(5, 9, (3, 4), padding=1, dilation=(1, 2))",
     small_tiles},
    {"convolution_of_places",
     "torch.relu(self.conv(torch.tanh(x)) * 2)",
     {"torch.randn(2, 20, rows, 13)"},
     "self.conv = nn.Conv2d(20, 9, 3, stride=(2, 1), padding=1)",
     "{}",
     {},
     "_weight_input"},
    {"transposed_convolution_of_places",
     "self.conv(x)",
     {"torch.randn(2, 17, rows, 13)"},
     "self.conv = nn.ConvTranspose2d(17, 9, (3, 4), padding=1)",
     "{}",
     {},
     "_weight_input"},
    {"convolution_in_groups",
     "self.conv(torch.relu(x)) + y",
     {"torch.randn(2, 6, 5, rows, 7)", "torch.randn(2, 8, 5, rows, 7)"},
     "self.conv = nn.Conv3d(6, 8, 3, padding=1, groups=2)",
     in_pieces},
    {"attention",
     "nn.functional.scaled_dot_product_attention(x, y, y.flip(-1) + 1)",
     {"torch.randn(2, 3, 2 * rows, 40)", "torch.randn(2, 3, 83, 40)"},
     "pass",
     small_scores,
     {"tile", "factors"},
     "highest"},
    {"causal_attention",
     "torch.softmax((x @ y.transpose(1, 2) / 5).masked_fill(torch.ones(x.shape[1], 45).triu(1) > 0, float('-inf')), "
     "-1) @ y",
     {"torch.randn(3, 3 * rows, 24)", "torch.randn(3, 45, 24)"},
     "pass",
     small_scores,
     {},
     "last = "},
    {"masked_attention",
     "nn.functional.scaled_dot_product_attention(x, x * 2, x - 1, attn_mask=y > 0.7)",
     {"torch.randn(2, 3, 70, 16)", "torch.rand(2, 1, 1, 70)"},
     "pass",
     small_scores,
     {},
     "highest"},
    {"biased_attention",
     "torch.relu(torch.softmax(x @ x.transpose(1, 2) * 0.2 + self.b, -1) @ y).transpose(1, 2).contiguous()",
     {"torch.randn(3, 37, 20)", "torch.randn(3, 37, 20)"},
     "self.b = nn.Parameter(torch.randn(3, 37, 37))",
     small_scores,
     {"factors"},
     "highest"},
    {"relu_attention",
     "torch.relu((x @ x.transpose(1, 2)).masked_fill(self.b == 0, float('-inf'))) @ y",
     {"torch.randn(3, 37, 20)", "torch.randn(3, 37, 33)"},
     "self.register_buffer('b', torch.ones(37, 37).tril())",
     small_scores,
     {"skip"},
     "tl.minimum(last"},
};

inline const std::vector<JudgedGraph> graphs = {
    {"cumulative_sum",
     "torch.cumsum(x * (y > 0), dim=1) - x",
     {"torch.randn(3 * rows, 700)", "torch.randn(3 * rows, 700)"},
     "pass",
     R"({"unroll": 2})",
     {"row_lanes", "vector_loads", "loads_in_flight"}},
    {"reverse_cumulative_sum",
     "torch.cumsum(x.flip(1), dim=1).flip(1)",
     {"torch.rand(3 * rows, 301)"},
     "pass",
     R"({"unroll": 2})",
     {"loads_in_flight"}},
    {"exclusive_sum",
     "torch.cat([torch.zeros_like(x[:, :1]), torch.cumsum(torch.sigmoid(x), 1)[:, :-1]], 1) * 2",
     {"torch.randn(3 * rows, 301)"}},
    {"cumulative_sum_of_a_flip", "torch.cumsum(x.flip(-1), dim=-1) + y", {"torch.rand(5, 300)", "torch.rand(300)"}},
    {"cumulative_product_of_columns",
     "torch.cumprod(x, dim=1) * y",
     {"torch.rand(3, 21, 60) + 0.5", "torch.rand(60)"},
     "pass",
     "{}",
     {"vector_loads", "loads_in_flight"}},
    {"reverse_cumulative_sum_of_columns", "torch.cumsum(x.flip(0), dim=0).flip(0)", {"torch.randn(3 * rows, 70)"}},
    {"cumulative_sum_cut_up", "torch.cumsum(x, dim=1)", {"torch.randn(2, 4000)"}, "pass", scans_cut_up, {"split_rows"}},
    {"reverse_cumulative_sum_cut_up",
     "torch.cumsum(x.flip(1), dim=1).flip(1)",
     {"torch.randn(2, 4000)"},
     "pass",
     scans_cut_up},
    {"cumulative_product_in_blocks",
     "torch.cumprod(x, dim=1) - torch.cumsum(y, dim=1)",
     {"torch.rand(rows, 1500) + 0.5", "torch.rand(rows, 1500)"},
     "pass",
     R"({"lanes": 1024, "block": [64], "unroll": 2})",
     {"block_size"}},
    {"cumulative_maximum", "torch.cummax(x, dim=0)[0]", {"torch.randn(1000)"}},
    {"cumulative_product_of_short_rows", "torch.cumprod(x, dim=1)", {"torch.rand(50 * rows, 7) + 0.5"}},
    {"lstm",
     "self.head(self.lstm(x, (y, y * 0.5))[0][:, -1])",
     {"torch.randn(3, 5, 12)", "torch.randn(2, 3, 37)"},
     "self.lstm = nn.LSTM(12, 37, 2, batch_first=True); self.head = nn.Linear(37, 5)",
     "{}",
     {},
     "lstm_layer<37"},
    {"gru_both_ways",
     "torch.tanh(self.gru(x)[0]) + self.gru(x, y)[1].sum()",
     {"torch.randn(6, 7, 9)", "torch.randn(2, 7, 20)"},
     "self.gru = nn.GRU(9, 20, bidirectional=True)",
     "{}",
     {},
     "gru_layer<20"},
    {"gru_of_sequences_that_are_a_view",
     "torch.tanh(self.gru(x)[0]), self.gru(y)[0]",
     {"torch.randn(3, 5, 12)", "torch.randn(4, 6, 12)"},
     "self.gru = nn.GRU(12, 20, 2, batch_first=True)",
     "{}",
     {},
     "gru_layer<20"},
    {"shrinkage",
     "(nn.functional.hardshrink(x, 0.3) + self.slopes(nn.functional.softshrink(y, 0.2)) * "
     "nn.functional.threshold(y, -0.5, -1.0)).masked_fill(x > y, 2.0) + torch.addcdiv(x, y, x.abs() + 1, value=0.5)",
     {"torch.randn(4, 24, 64)", "torch.randn(4, 24, 64)"},
     "self.slopes = nn.PReLU(24)"},
    {"logits",
     "nn.functional.binary_cross_entropy_with_logits(x * 9, y) + nn.functional.kl_div(x, y, reduction='sum')",
     {"torch.randn(32, 256)", "torch.rand(32, 256)"}},
    {"windows_along_long_rows",
     "torch.relu(torch.nn.functional.max_pool1d(x, 8, 1, 4, 3)) - x[:, :, 13:]",
     {"torch.randn(2, 2, 5000 + rows)"}},
    {"max_pool",
     "torch.nn.functional.max_pool2d(x, 3, stride=2, padding=1) * 0.5",
     {"torch.randn(3, 5, rows, 41)"},
     "pass",
     "{}",
     {"across_rows", "persistent"}},
    {"grown_images",
     "nn.functional.interpolate(torch.relu(x), scale_factor=2) + y",
     {"torch.randn(2, 3, rows, 21)", "torch.randn(2, 3, 2 * rows, 42)"}},
    {"grown_images_between",
     "nn.functional.interpolate(x * 2, scale_factor=(2, 3), mode='bilinear') - 1",
     {"torch.randn(2, 3, rows, 21)"}},
    {"channels_that_become_places",
     "torch.relu(nn.functional.pixel_shuffle(x * 2, 2)) + nn.functional.pixel_unshuffle(y, 3).abs().sum()",
     {"torch.randn(2, 12, rows, 21)", "torch.randn(2, 3, 6, 9)"}},
    {"average_pool",
     "torch.nn.functional.avg_pool2d(torch.tanh(x), 3, stride=3, padding=1, ceil_mode=True, count_include_pad=False)",
     {"torch.randn(3, 5, rows, 41)"}},
    {"average_one_dimension_after_the_other",
     "torch.sigmoid(torch.nn.functional.avg_pool2d(x, 7, padding=2))",
     {"torch.randn(2, 3, rows, 150)"},
     "pass",
     "{}",
     {}},
    {"average_of_large_windows",
     "torch.sigmoid(torch.nn.functional.avg_pool2d(x, (3, 40), (2, 3), (1, 20)))",
     {"torch.randn(2, 3, rows, 150)"},
     "pass",
     "{}",
     {"column_lanes"}},
    {"pooled_sum",
     "torch.sum(torch.sigmoid(torch.nn.functional.avg_pool2d(x, 2)), dim=[1, 2, 3])",
     {"torch.randn(rows, 3, 12, 20)"},
     "pass",
     "{}",
     {"registers"}},
    {"depthwise",
     "torch.relu(self.conv(x))",
     {"torch.randn(2, 5, rows, 41)"},
     "self.conv = nn.Conv2d(5, 5, (3, 4), stride=(2, 1), padding=1, dilation=(1, 2), groups=5)",
     "{}",
     {"across_rows"}},
    {"depthwise_of_large_windows",
     "self.conv(x)",
     {"torch.randn(2, 3, rows, 60)"},
     "self.conv = nn.Conv2d(3, 3, 7, padding=3, groups=3)"},
    {"transposed_depthwise",
     "self.conv(x)",
     {"torch.randn(2, 3, rows, 60)"},
     "self.conv = nn.ConvTranspose2d(3, 3, 5, padding=2, groups=3)"},
    {"one_channel",
     "self.conv(torch.relu(x))",
     {"torch.randn(2, 4, 3 * rows)"},
     "self.conv = nn.Conv1d(4, 1, 3, padding=1, bias=False)"},
    {"pointwise",
     "torch.nn.functional.gelu(x) * torch.sigmoid(y) + torch.nn.functional.mish(x)",
     {"torch.randn(rows, 101)", "torch.randn(rows, 101)"},
     "pass",
     "{}",
     {"vector_loads", "persistent", "loads_in_flight"}},
    {"spread",
     "torch.tanh(x * self.a) + torch.nn.functional.softplus(x) * self.b + torch.sigmoid(x)",
     {"torch.randn(rows, 7, 5, 12)"},
     "self.a = nn.Parameter(torch.randn(7, 1, 1)); self.b = nn.Parameter(torch.randn(12))",
     "{}",
     {"across_rows"}},
    {"bias",
     "torch.relu(x + self.b) * 0.5",
     {"torch.randn(6, 700)"},
     "self.b = nn.Parameter(torch.randn(700))",
     "{}",
     {"across_rows"}},
    {"transposed",
     "(x.transpose(1, 2) * 2 + torch.erf(y)).contiguous()",
     {"torch.randn(rows, 33, 20)", "torch.randn(rows, 20, 33)"}},
    {"follows_a_transposed_tensor",
     "torch.bmm(torch.relu(x.transpose(1, 2) * 0.25) - 0.1, y)",
     {"torch.randn(3, rows, 20)", "torch.randn(3, rows, 7)"}},
    {"convolution_by_places",
     "torch.tanh(self.conv(torch.relu(x)) - 0.5) + y",
     {"torch.randn(2, 16, rows, 21)", "torch.randn(2, 40, 2 * rows + 1, 43)"},
     "self.conv = nn.ConvTranspose2d(16, 40, 3, stride=2)",
     "{}",
     {"persistent"},
     "_places"},
    {"convolutions_by_places",
     "self.narrow(torch.relu(self.conv(x)))",
     {"torch.randn(2, 3, rows, 50)"},
     "self.conv = nn.Conv2d(3, 32, 3); self.narrow = nn.Conv2d(32, 20, 1)",
     "{}",
     {},
     "_places"},
    {"pool_of_places",
     "torch.nn.functional.max_pool2d(torch.relu(self.conv(x)), 3, stride=2, padding=1) * 0.5",
     {"torch.randn(2, 8, rows, 19)"},
     "self.conv = nn.Conv2d(8, 36, 3)",
     "{}",
     {"persistent"},
     "_places"},
    {"softmax_of_places",
     "torch.softmax(self.conv(x), dim=1) * 2",
     {"torch.randn(2, 8, 5, rows, 7)"},
     "self.conv = nn.Conv3d(8, 24, 3, padding=1)",
     "{}",
     {},
     "_places"},
    {"softmax", "torch.softmax(x / 0.7, dim=1)", {"torch.randn(rows, 300)"}, "pass", "{}", {"row_lanes", "registers"}},
    {"softmax_in_passes", "torch.softmax(x, dim=1)", {"torch.randn(rows, 600)"}, "pass", looped, {"passes"}},
    {"softmax_cut_up", "torch.softmax(x, dim=1)", {"torch.randn(4, rows * 512)"}, "pass", between_blocks, {"overlap"}},
    {"log_softmax_of_columns",
     "torch.log_softmax(x, dim=1)",
     {"torch.randn(4, 50, rows)"},
     "pass",
     "{}",
     {"column_lanes"}},
    {"layer_norm",
     "self.norm(x)",
     {"torch.randn(rows, 6, 10, 20) * 3 + 100"},
     "self.norm = nn.LayerNorm((6, 10, 20))",
     "{}",
     {"registers"}},
    {"powers_of_a_number",
     "x * 100.0 ** (0.5 - torch.arange(y.size(-1)).float() / 16) + y",
     {"torch.randn(rows, 1, 5)", "torch.randn(1, 1)"}},
    {"looked_up",
     "nn.functional.embedding(x, self.table) * 4 + self.place",
     {"torch.randint(0, 50, (4, rows))"},
     "self.table, self.place = nn.Parameter(torch.randn(50, 24)), nn.Parameter(torch.randn(rows, 24))"},
    {"patches",
     "self.norm(torch.cat([self.cls.expand(x.size(0), -1, -1), x], 1) + self.place)",
     {"torch.randn(3, rows, 32)"},
     "self.cls, self.place = nn.Parameter(torch.randn(1, 1, 32)), nn.Parameter(torch.randn(rows + 1, 32)); "
     "self.norm = nn.LayerNorm(32)"},
    {"layer_norm_cut_up",
     "self.norm(x)",
     {"torch.randn(3, rows, 512) - 50"},
     "self.norm = nn.LayerNorm((rows, 512))",
     between_blocks,
     {"overlap", "split_rows"}},
    {"group_norm", "self.norm(x)", {"torch.randn(3, 16, 9, rows)"}, "self.norm = nn.GroupNorm(4, 16)"},
    {"group_norm_overlapped",
     "self.norm(x)",
     {"torch.randn(3, 16, 64, rows)"},
     "self.norm = nn.GroupNorm(4, 16)",
     between_blocks,
     {"overlap"}},
    {"batch_norm", "self.norm(x)", {"torch.randn(5, 6, 9, rows) * 3 + 1"}, "self.norm = nn.BatchNorm2d(6)"},
    {"instance_norm", "self.norm(x)", {"torch.randn(3, 6, 15, rows)"}, "self.norm = nn.InstanceNorm2d(6)"},
    {"rms_norm",
     "x / torch.sqrt(torch.mean(x ** 2, dim=1, keepdim=True) + 1e-5)",
     {"torch.randn(3, 24, 6, rows)"},
     "pass",
     "{}",
     {"registers", "column_lanes", "vector_loads"}},
    {"l1_norm", "x / torch.mean(torch.abs(x), dim=1, keepdim=True)", {"torch.randn(rows, 700)"}},
    {"frobenius_norm", "x / torch.norm(x, p='fro')", {"torch.randn(rows, 30, 50)"}, "pass", cut_up, {"block_size"}},
    {"mean_squared_error",
     "torch.mean((x - y) ** 2)",
     {"torch.randn(rows, 501)", "torch.randn(rows, 501)"},
     "pass",
     cut_up,
     {"split_rows"}},
    {"cross_entropy",
     "torch.nn.functional.cross_entropy(x, y)",
     {"torch.randn(4 * rows, 37)", "torch.randint(0, 37, (4 * rows,))"}},
    {"hinge",
     "torch.mean(torch.clamp(1 - x * y, min=0))",
     {"torch.randn(40, 40)", "torch.randint(0, 2, (40,)).float() * 2 - 1"}},
    {"divergence",
     "torch.nn.functional.kl_div(torch.log(x), y, reduction='batchmean')",
     {"torch.rand(rows, 90).softmax(-1)", "torch.rand(rows, 90).softmax(-1)"}},
    {"huber", "torch.nn.functional.smooth_l1_loss(x, y)", {"torch.randn(rows, 333) * 3", "torch.randn(rows, 333)"}},
    {"sums_of_columns",
     "torch.sum(x * x, dim=1) + torch.amax(x, dim=1)",
     {"torch.randn(3, 150, rows)"},
     "pass",
     looped,
     {"loads_in_flight"}},
    {"positions", "torch.argmin(x, dim=2)", {"torch.randn(3, rows, 333)"}},
    {"positions_of_columns", "torch.argmax(x, dim=1)", {"torch.randn(3, 40, 37)"}, "pass", looped, {"column_lanes"}},
    {"triangles", "torch.tril(x, -1) + torch.triu(y, 3)", {"torch.randn(3, rows, 50)", "torch.randn(3, rows, 50)"}},
    {"products", "torch.prod(x, dim=1)", {"torch.rand(3, 20, rows) + 0.5"}},
};

inline std::string source_of(const JudgedGraph& graph) {
  const bool two = graph.inputs.size() == 2;
  return fmt::format(R"py(
import torch
import torch.nn as nn

rows = 12

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        {}

    def forward(self, x{}):
        return {}

def get_inputs():
    return [{}]

def get_init_inputs():
    return []
)py",
                     graph.layers, two ? ", y" : "", graph.forward, fmt::join(graph.inputs, ", "));
}

class Synthesized : public testing::TestWithParam<JudgedGraph> {
 protected:
  static void TearDownTestSuite() {
    delete world;
    world = nullptr;
  }
  void SetUp() override {
    if (!world->why.empty()) GTEST_SKIP() << world->why;
  }

  static void judge(const Proposal& proposal, const std::shared_ptr<const Understood>& problem) {
    const Result<Evaluation> result = world->evaluate(proposal.candidate, problem);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::measured)
        << proposal.move << ", " << proposal.rationale << ": " << result->message.value_or("") << "\n"
        << proposal.candidate.text;
    for (const Check& check : result->checks) {
      if (check.name != "inspect") continue;
      for (const auto& launch : check.detail["launches"])
        EXPECT_EQ(launch.value("local_bytes", 0), 0) << "spills: " << launch.dump() << "\n" << proposal.candidate.text;
    }
  }

  // The first candidate of the graph, and one for each of `moves`, are right. `mark`: stands in every source.
  // `variants`: hidden shapes.
  static void write_and_judge(const JudgedGraph& graph, Language language, const std::vector<const char*>& moves,
                              const char* mark, int variants) {
    const auto problem = world->admit(
        {.id = std::string("test/") + graph.name, .name = graph.name, .source = source_of(graph), .path = "test.py"},
        variants);
    ASSERT_TRUE(problem);
    const auto builtin = make_builtin_synthesizer();
    SynthesisRequest request;
    request.problem = problem;
    request.target = world->facts;
    request.language = language;
    std::vector<std::string> wanted(moves.begin(), moves.end());
    for (std::uint64_t seed = 0; seed < 300 && (seed == 0 || !wanted.empty()); ++seed) {
      request.seed = seed;
      request.memory = seed == 0 ? MemoryOperator::fresh : MemoryOperator::inherit;
      std::optional<Proposal> proposal;
      builtin->propose(request, [&](Result<std::optional<Proposal>> reply) {
        ASSERT_TRUE(reply) << reply.error().message;
        proposal = std::move(*reply);
      });
      if (!proposal) break;
      request.tried.push_back(proposal->candidate.id());
      if (seed == 0) {
        for (int other = 0; other < 8 && proposal->candidate.text.find(graph.text) == std::string::npos; ++other) {
          std::optional<Proposal> next;
          builtin->propose(request, [&](Result<std::optional<Proposal>> reply) {
            if (reply) next = std::move(*reply);
          });
          if (!next) break;
          proposal = std::move(next);
          request.tried.push_back(proposal->candidate.id());
        }
        EXPECT_THAT(proposal->candidate.text, testing::HasSubstr(graph.text));
        EXPECT_EQ(proposal->candidate.language, language);
        EXPECT_THAT(proposal->candidate.text, testing::HasSubstr(mark));
        Recalled parent{.node = 1, .candidate = proposal->candidate, .evaluation = {}, .recipe = proposal->recipe};
        for (auto& group : parent.recipe["groups"])
          group["schedule"].merge_patch(nlohmann::json::parse(graph.schedule));
        request.ancestors = {std::move(parent)};
      } else if (std::erase(wanted, proposal->move) == 0) {
        continue;
      }
      judge(*proposal, problem);
    }
    EXPECT_THAT(wanted, testing::IsEmpty()) << "moves that were not proposed";
  }

  static inline EmulatedGpu* world = nullptr;
};

}  // namespace kerf
