// What the built-in synthesizer writes, judged with the real compiler and PyTorch: its first candidate for a dozen
// kinds of graph, and the moves that matter most from there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "synthesize/builtin/builtin.h"
#include "this_cpu.h"

namespace kerf {
namespace {

struct Graph {
  const char* name;
  const char* forward;  // of x, and y where there are two inputs
  std::vector<const char*> inputs;
  const char* layers = "pass";          // in __init__
  const char* sketch = "";              // what the first candidate must contain
  std::vector<std::string> moves = {};  // that are made from it, each judged
};

const Graph graphs[] = {
    {"pointwise",
     "torch.nn.functional.gelu(x) * torch.sigmoid(y) + torch.nn.functional.mish(x)",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns)"},
     "pass",
     "each16<",
     {"unroll", "streaming_stores"}},
    {"activations",
     "torch.tanh(x) + torch.nn.functional.softplus(y) * torch.nn.functional.elu(x) - torch.erf(y) * torch.exp(-x * x)",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns)"}},
    {"softmax",
     "torch.softmax(x / 0.7, dim=1)",
     {"torch.randn(rows, columns)"},
     "pass",
     "store16(kept",
     {"passes", "prefetch", "accumulators", "threads"}},
    {"log_softmax", "torch.log_softmax(x, dim=1)", {"torch.randn(rows, columns)"}, "pass", "prefetch(", {"passes"}},
    {"long_softmax",
     "torch.softmax(x, dim=1)",
     {"torch.randn(2, rows * columns)"},
     "pass",
     "exponentials<",
     {"passes", "tile"}},
    {"softmax_of_columns", "torch.softmax(x, dim=1)", {"torch.randn(rows // 8, 8, columns)"}},
    {"layer_norm",
     "self.norm(x)",
     {"torch.randn(rows, columns) * 3 + 100"},
     "self.norm = nn.LayerNorm(columns)",
     "moments<",
     {"passes"}},
    {"long_layer_norm",
     "self.norm(x)",
     {"torch.randn(2, rows, columns) - 50"},
     "self.norm = nn.LayerNorm((rows, columns))",
     "moments<",
     {"passes", "tile"}},
    {"rms_norm",
     "x / torch.sqrt(torch.mean(x * x, dim=1, keepdim=True) + 1e-5)",
     {"torch.randn(rows // 8, 8, 7, columns)"},
     "pass",
     "",
     {"tile"}},
    {"batch_norm",
     "self.norm(x)",
     {"torch.randn(8, 12, 5, columns // 8)"},
     "self.norm = nn.BatchNorm2d(12)",
     "moments<"},
    {"group_norm",
     "self.norm(x)",
     {"torch.randn(8, 12, 7, columns // 8)"},
     "self.norm = nn.GroupNorm(4, 12)",
     "moments<"},
    {"columns", "torch.amax(x, dim=0) + torch.sum(x * x, dim=0)", {"torch.randn(rows, columns)"}},
    {"positions", "torch.argmax(x, dim=1)", {"torch.randn(rows, columns)"}, "pass", "positions<", {"accumulators"}},
    {"positions_of_columns", "torch.argmin(x, dim=1)", {"torch.randn(rows // 8, 9, columns)"}, "pass", "", {"tile"}},
    {"max_pool",
     "torch.nn.functional.max_pool2d(x, 3, stride=2, padding=1) * 0.5",
     {"torch.randn(3, 5, rows, columns // 8)"},
     "pass",
     "within(",
     {"streaming_stores"}},
    {"max_pool_of_steps",
     "torch.nn.functional.max_pool1d(x, 8, stride=1, padding=4, dilation=3)",
     {"torch.randn(rows, 3, columns)"}},
    {"max_pools",
     "torch.nn.functional.max_pool3d(torch.nn.functional.max_pool3d(torch.relu(x), 2), 2)",
     {"torch.randn(2, 3, 16, 20, rows)"},
     "pass",
     "gather("},
    {"transposed_convolution",
     "torch.nn.functional.hardswish(self.conv(x) + self.bias)",
     {"torch.randn(2, 8, 9, columns // 8)"},
     "self.conv = nn.ConvTranspose2d(8, 40, 3, stride=2); self.bias = nn.Parameter(torch.randn(40, 1, 1))",
     "turn(",
     {"threads", "streaming_stores"}},
    {"convolutions_one_after_the_other",
     "self.narrow(torch.relu(self.conv(x)))",
     {"torch.randn(2, 16, 3 * rows, 50)"},
     "self.conv = nn.Conv2d(16, 32, 3); self.narrow = nn.Conv2d(32, 20, 1)",
     "turn(x_turned"},
    {"convolution_alone",
     "self.conv(x)",
     {"torch.randn(2, 8, 3 * rows, 50)"},
     "self.conv = nn.Conv2d(8, 17, (3, 4))",
     "turn("},
    {"convolution_and_group_norm",
     "self.norm(torch.relu(self.conv(x)))",
     {"torch.randn(2, 4, 6, 9, columns // 8)"},
     "self.conv = nn.Conv3d(4, 18, 3); self.norm = nn.GroupNorm(6, 18)",
     "turn("},
    {"softmax_of_channels",
     "torch.softmax(self.conv(x), dim=1)",
     {"torch.randn(2, 8, 9, columns // 8)"},
     "self.conv = nn.ConvTranspose2d(8, 24, 4, stride=2)",
     "channels_last"},
    {"convolution_and_pool",
     "torch.nn.functional.avg_pool2d(torch.tanh(self.conv(x)), 2)",
     {"torch.randn(2, 8, 9, columns // 8)"},
     "self.conv = nn.ConvTranspose2d(8, 24, 4, stride=2)",
     "channels_last"},
    {"average_of_a_convolution",
     "torch.sigmoid(torch.nn.functional.avg_pool2d(self.conv(x), 4))",
     {"torch.randn(2, 8, 3 * rows, 50)"},
     "self.conv = nn.Conv2d(8, 17, 3)",
     "avg_pool2d_weight_kernel"},
    {"transition",
     "torch.nn.functional.avg_pool2d(self.conv(torch.relu(x)), 2)",
     {"torch.randn(2, 24, 3 * rows, 50)"},
     "self.conv = nn.Conv2d(24, 16, 1)",
     "avg_pool2d_input"},
    {"follows_a_transposed_tensor",
     "torch.bmm(torch.relu(x.transpose(1, 2) * 0.25) - 0.1, y) + torch.softmax(x.transpose(1, 2) - 1, 1).sum()",
     {"torch.randn(3, rows, 50)", "torch.randn(3, rows, 7)"},
     "pass",
     "sub_stored"},
    {"attention",
     "torch.softmax(x @ y.transpose(1, 2) / 4, dim=-1) @ y",
     {"torch.randn(6, 8 * rows, 16)", "torch.randn(6, 8 * rows, 16)"},
     "pass",
     "scaled_dot_product_attention"},
    {"causal_attention",
     "torch.softmax((x @ y.mT * 0.25).masked_fill(torch.ones(x.shape[1], y.shape[1]).tril() == 0, -torch.inf), -1) @ y",
     {"torch.randn(6, 8 * rows, 16)", "torch.randn(6, 7 * rows + 3, 16)"},
     "pass",
     "is_causal = true"},
    {"masked_attention",
     "torch.softmax((x @ y.mT / 4 + self.near).masked_fill(self.keep == 0, -torch.inf), -1) @ y",
     {"torch.randn(2, 3, 70, 16)", "torch.randn(2, 3, 90, 16)"},
     "self.near = nn.Parameter(torch.randn(3, 70, 90)); "
     "self.register_buffer('keep', (torch.arange(70)[:, None] % 7 + 1 > torch.arange(90) % 9).long())",
     "scaled_dot_product_attention"},
    {"attention_of_channels",
     "torch.relu(torch.softmax(torch.einsum('bct,bcs->bts', x, y).masked_fill(self.pad, -1e9), 2) @ y.mT).sum(1)",
     {"torch.randn(5, 16, 2 * rows)", "torch.randn(5, 16, 2 * rows + 1)"},
     "self.register_buffer('pad', torch.arange(2 * rows + 1) < torch.tensor([0, 9, 50, 2 * rows + 1, 1])[:, None, "
     "None])",
     "scaled_dot_product_attention"},
    {"lstm",
     "self.head(self.lstm(x, (y, y * 0.5))[0][:, -1])",
     {"torch.randn(3, 12, 24)", "torch.randn(2, 3, 37)"},
     "self.lstm = nn.LSTM(24, 37, 2, batch_first=True); self.head = nn.Linear(37, 5)",
     "lstm_layer"},
    {"gru_both_ways",
     "torch.tanh(self.gru(x)[0]) + self.gru(x, y)[1].sum()",
     {"torch.randn(12, 7, 24)", "torch.randn(2, 7, 48)"},
     "self.gru = nn.GRU(24, 48, bidirectional=True)",
     "gru_layer"},
    {"gru_of_sequences_that_are_a_view",
     "torch.tanh(self.gru(x)[0]), self.gru(y)[0]",
     {"torch.randn(3, 12, 24)", "torch.randn(4, 9, 24)"},
     "self.gru = nn.GRU(24, 20, 2, batch_first=True)",
     "gru_layer"},
    {"average_of_overlapping_windows",
     "torch.nn.functional.avg_pool2d(x, 9, stride=4, padding=2)",
     {"torch.randn(2, 5, 3 * rows, columns // 8)"},
     "pass",
     "avg_pool2d_rows"},
    {"linear_of_few_rows",
     "torch.sum(torch.sigmoid(self.linear(x)) * torch.tanh(self.linear(x)), dim=1, keepdim=True) + self.linear(x)",
     {"torch.randn(24, 600)"},
     "self.linear = nn.Linear(600, 500)",
     "aten.mm.default"},
    {"depthwise",
     "torch.relu(self.conv(x)) + self.narrow(x)",
     {"torch.randn(2, 5, 3 * rows, 150)"},
     "self.conv = nn.Conv2d(5, 5, 3, padding=1, groups=5); self.narrow = nn.Conv2d(5, 5, 1, groups=5, bias=False)",
     "each16<",
     {"threads"}},
    {"depthwise_in_steps",
     "self.conv(x)",
     {"torch.randn(2, 5, rows, 150)"},
     "self.conv = nn.Conv2d(5, 5, (3, 4), stride=2, padding=2, dilation=(1, 2), groups=5)"},
    {"depthwise_of_large_windows",
     "self.conv(x)",
     {"torch.randn(2, 3, rows, 11, 20)"},
     "self.conv = nn.Conv3d(3, 3, (3, 5, 5), padding=(1, 2, 2), groups=3)"},
    {"transposed_depthwise",
     "self.conv(x)",
     {"torch.randn(2, 3, rows, 60)"},
     "self.conv = nn.ConvTranspose2d(3, 3, 5, padding=2, dilation=2, groups=3)"},
    {"one_channel",
     "self.conv(torch.relu(x))",
     {"torch.randn(2, 4, 3 * rows)"},
     "self.conv = nn.Conv1d(4, 1, 3, padding=1, bias=False)"},
    {"triangles",
     "torch.tril(x, -1) + torch.triu(y, 3)",
     {"torch.randn(3, rows, columns)", "torch.randn(3, rows, columns)"}},
    {"matrix_times_vector", "torch.sigmoid(torch.mv(x, y))", {"torch.randn(rows, columns)", "torch.randn(columns)"}},
    {"average_pool", "torch.nn.functional.avg_pool3d(x, 3, stride=2, padding=1)", {"torch.randn(2, 3, 11, 20, rows)"}},
    {"average_pool_cut_off",
     "torch.nn.functional.avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)",
     {"torch.randn(2, 3, rows, 150)"}},
    {"average_of_large_windows",
     "torch.sigmoid(torch.nn.functional.avg_pool2d(x, 11))",
     {"torch.randn(2, 3, rows, columns)"}},
    {"pooled_sum",
     "torch.sum(torch.sigmoid(torch.nn.functional.avg_pool2d(torch.tanh(x - 0.5), 4)), dim=[1, 2, 3])",
     {"torch.randn(rows, 3, 32, 60)"}},
    {"adaptive_pool",
     "torch.nn.functional.adaptive_avg_pool2d(x, 4) + torch.nn.functional.adaptive_max_pool2d(x, 1)",
     {"torch.randn(6, 8, rows, 40)"}},
    {"total",
     "torch.mean((x - y) ** 2)",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns)"},
     "pass",
     "_pass1",
     {"tile"}},
    {"huber",
     "torch.nn.functional.smooth_l1_loss(x, y)",
     {"torch.randn(rows, columns) * 3", "torch.randn(rows, columns)"}},
    {"shrinkage",
     "(nn.functional.hardshrink(x, 0.3) + self.slopes(nn.functional.softshrink(y, 0.2)) * "
     "nn.functional.threshold(y, -0.5, -1.0)).masked_fill(x > y, 2.0) + torch.addcdiv(x, y, x.abs() + 1, value=0.5)",
     {"torch.randn(4, 24, columns)", "torch.randn(4, 24, columns)"},
     "self.slopes = nn.PReLU(24)",
     "each16<"},
    {"cross_entropy",
     "nn.functional.binary_cross_entropy(x, y) + nn.functional.binary_cross_entropy_with_logits(x * 9, y)",
     {"torch.rand(rows, columns)", "torch.rand(rows, columns)"},
     "pass",
     "_pass1"},
    {"divergence",
     "nn.functional.kl_div(x, y, reduction='sum') + nn.functional.soft_margin_loss(x, y)",
     {"torch.randn(rows, columns)", "torch.rand(rows, columns)"},
     "pass",
     "_pass1"},
    {"cumulative_sum",
     "torch.cumsum(x * (y > 0), dim=1) - x",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns)"},
     "pass",
     "scan16<Plus, false>",
     {"threads", "streaming_stores"}},
    {"reverse_cumulative_sum",
     "torch.cumsum(x.flip(1), dim=1).flip(1)",
     {"torch.rand(rows, columns)"},
     "pass",
     "scan16<Plus, true>"},
    {"cumulative_sum_of_a_flip",
     "torch.cumsum(x.flip(-1), dim=-1)",
     {"torch.rand(rows, columns)"},
     "pass",
     "backwards("},
    {"flip", "x.flip(0, 2) * 2 + x", {"torch.rand(3, rows, columns)"}, "pass", "backwards("},
    {"exclusive_sum",
     "torch.cat([torch.zeros_like(x[:, :1]), torch.cumsum(torch.cos(x), 1)[:, :-1]], 1) * 2",
     {"torch.randn(rows, columns)"},
     "pass",
     "scan16<Plus, false>"},
    {"exclusive_sum_of_columns",
     "torch.cat((torch.zeros_like(x.select(0, 0).unsqueeze(0)), torch.cumsum(x.narrow(0, 0, x.size(0) - 1), 0)), 0)",
     {"torch.randn(rows, columns)"},
     "pass",
     "step16<Plus>"},
    {"long_cumulative_sum",
     "torch.cumsum(x, dim=1)",
     {"torch.randn(2, rows * columns)"},
     "pass",
     "take_in<Plus>",
     {"tile", "threads"}},
    {"long_reverse_cumulative_sum",
     "torch.cumsum(torch.cos(x).flip(0), dim=0).flip(0)",
     {"torch.randn(rows * columns)"},
     "pass",
     "take_in<Plus>"},
    {"cumulative_product",
     "torch.cumprod(x, dim=-1)",
     {"torch.rand(rows, columns) + 0.5"},
     "pass",
     "scan16<Times, false>"},
    {"cumulative_product_of_columns",
     "torch.cumprod(x, dim=1) * y",
     {"torch.rand(4, rows, columns) + 0.5", "torch.rand(4, rows, columns)"},
     "pass",
     "step16<Times>",
     {"tile", "unroll"}},
    {"reverse_cumulative_sum_of_columns",
     "torch.cumsum(x.flip(0), dim=0).flip(0)",
     {"torch.randn(rows, columns)"},
     "pass",
     "step16<Plus>"},
    {"cumulative_maximum", "torch.cummax(x, dim=1)[0] - x", {"torch.randn(rows, columns)"}, "pass", "scan16<Greatest"},
    {"cumulative_sum_twice",
     "torch.cumsum(torch.cumsum(x, dim=1), dim=1)",
     {"torch.rand(rows, columns)"},
     "pass",
     "scan16<Plus, false>(cumsum"},
    {"side_by_side",
     "torch.cat([torch.relu(x), y, torch.tanh(x[:, 1:3])], dim=1) * 0.5",
     {"torch.randn(3, 5, rows, columns // 8)", "torch.randn(3, 4, rows, columns // 8)"},
     "pass",
     "cat",
     {"threads"}},
    {"side_by_side_in_rows",
     "torch.softmax(torch.cat([x, y.expand(x.size(0), -1)], dim=-1), dim=-1)",
     {"torch.randn(rows, columns)", "torch.randn(1, 77)"},
     "pass",
     "within(",
     {"passes"}},
    {"halves",
     "nn.functional.silu(x.chunk(2, -1)[0]) * x.chunk(2, -1)[1] + nn.functional.glu(x, -1)",
     {"torch.randn(rows, 2 * columns)"},
     "pass",
     "each16<"},
    {"rotary",
     "x * torch.cos(torch.cat([self.angles(x), self.angles(x)], -1)) + "
     "torch.cat([-x[..., 26:], x[..., :26]], -1) * torch.sin(torch.cat([self.angles(x), self.angles(x)], -1))",
     {"torch.randn(3, 4, rows, 52)"},
     "self.angles = lambda x: torch.outer(torch.arange(x.size(2)).float(), 0.5 ** torch.arange(0, 26, "
     "device=x.device))",
     "each16<"},
    {"moved",
     "torch.flip(torch.roll(nn.functional.pad(x, (1, 2, 3, 0), value=0.5), (5, -2), (3, 2)), [2, 3]).abs() + "
     "torch.stack([x, -x], 1).amax((1, 2)).sum()",
     {"torch.randn(2, 3, rows, columns)"}},
    {"padded_product",
     "nn.functional.pad(torch.exp(x), (3, 1)) * y",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns + 4)"},
     "pass",
     "within("},
    {"grown_images",
     "nn.functional.interpolate(torch.relu(x), scale_factor=2) + y",
     {"torch.randn(2, 3, rows, 50)", "torch.randn(2, 3, 2 * rows, 100)"}},
    {"grown_images_between",
     "nn.functional.interpolate(x * 2, scale_factor=(2, 3), mode='bilinear') - 1",
     {"torch.randn(2, 3, rows, 50)"}},
    {"channels_that_become_places",
     "torch.relu(nn.functional.pixel_shuffle(x * 2, 2)) + nn.functional.pixel_unshuffle(y, 3).abs().sum()",
     {"torch.randn(2, 12, rows, 50)", "torch.randn(2, 3, 30, 60)"}},
    {"shuffled_channels", "nn.functional.channel_shuffle(x, 4) * 2", {"torch.randn(2, 12, rows, 50)"}},
    {"windows_of_swin",
     "torch.roll(x, (-2, -3), (1, 2)).view(2, 12, 8, 5, 6, 40).permute(0, 1, 3, 2, 4, 5).reshape(-1, 48, 40) * 2",
     {"torch.randn(2, rows, 30, 40)"}},
    {"causal",
     "torch.softmax(x.masked_fill(torch.tril(torch.ones(x.size(-1), x.size(-1))) == 0, float('-inf')), -1)",
     {"torch.randn(3, 4, rows, rows)"},
     "pass",
     "exp16"},
    {"band",
     "torch.where((torch.arange(x.size(1))[None] - torch.arange(x.size(0))[:, None]).abs() <= 9, x, "
     "torch.full_like(x, 0.25)).tanh()",
     {"torch.randn(rows, columns)"}},
    {"lengths",
     "torch.softmax(x.masked_fill(torch.arange(x.size(1))[None] >= y[:, None], float('-inf')), -1)",
     {"torch.randn(rows, columns)", "torch.randint(1, columns, (rows,))"}},
    {"looked_up",
     "self.norm(self.table(x) * 8 + self.places.weight[:x.size(1)])",
     {"torch.randint(0, 300, (rows, 40))"},
     "self.table = nn.Embedding(300, 72); self.places = nn.Embedding(64, 72); self.norm = nn.LayerNorm(72)",
     "_picked"},
    {"classes",
     "nn.functional.cross_entropy(x, y)",
     {"torch.randn(rows, columns) * 9 + 400", "torch.randint(0, columns, (rows,))"},
     "pass",
     "exp16"},
    {"classes_smoothed",
     "nn.functional.cross_entropy(x, y, label_smoothing=0.1, reduction='sum')",
     {"torch.randn(rows, columns)", "torch.randint(0, columns, (rows,))"}},
    {"classes_of_images",
     "nn.functional.cross_entropy(x, y, ignore_index=3) + nn.functional.nll_loss(torch.log_softmax(x, 1), y)",
     {"torch.randn(3, 11, rows, 50)", "torch.randint(0, 11, (3, rows, 50))"}},
    {"one_hot",
     "-(torch.log_softmax(x, -1) * nn.functional.one_hot(y, 50).float()).sum(-1)",
     {"torch.randn(rows, 50)", "torch.randint(0, 50, (rows,))"}},
    {"distances",
     "nn.functional.cosine_similarity(x, y) + nn.functional.pairwise_distance(x, y) + "
     "nn.functional.triplet_margin_loss(x, y, y.flip(0), margin=0.5)",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns)"}},
    {"ranked",
     "nn.functional.margin_ranking_loss(x, y, torch.sign(x * y), margin=0.2) + "
     "nn.functional.hinge_embedding_loss(x, torch.sign(y)) + nn.functional.poisson_nll_loss(x, y)",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns)"}},
    {"rare_functions",
     "torch.lerp(x, y, 0.7) + torch.logaddexp(x, y) + torch.sinh(x) * torch.cosh(y) + torch.log2(x.abs() + 1) + "
     "torch.xlogy(x.abs(), y.abs()) + torch.trunc(x * 3) + torch.exp2(y)",
     {"torch.randn(rows, columns)", "torch.randn(rows, columns)"}},
    {"rms_norm_of_the_library",
     "self.norm(x) + torch.var(x) + torch.linalg.norm(x, dim=1, keepdim=True)",
     {"torch.randn(rows, columns)"},
     "self.norm = nn.RMSNorm(columns)"},
    {"folded_norm",
     "self.narrow(self.norm(self.conv(x)))",
     {"torch.randn(4, 8, 2 * rows, 50) + 3"},
     "self.conv = nn.Conv2d(8, 12, 3); self.narrow = nn.Conv2d(12, 5, 1); self.norm = nn.BatchNorm2d(12); "
     "self.norm.running_mean.uniform_(-2, 2); self.norm.running_var.uniform_(0.1, 3); "
     "nn.init.normal_(self.norm.weight); nn.init.normal_(self.norm.bias); self.eval()",
     "norm_weight"},
    {"epilogue",
     "torch.relu(self.conv(x)) * 0.5 + x",
     {"torch.randn(2, 8, rows, 40)"},
     "self.conv = nn.Conv2d(8, 8, 3, padding=1)",
     "aten.conv",
     {"library"}},
    {"mean_of_linear",
     "torch.mean(self.linear(x) - self.shift, dim=1, keepdim=True) + x",
     {"torch.randn(rows, columns)"},
     "self.linear = nn.Linear(columns, 250); self.shift = nn.Parameter(torch.randn(250))",
     "mean_weight",
     {"library"}},
};

std::string source_of(const Graph& graph) {
  const bool two = graph.inputs.size() == 2;
  return fmt::format(R"py(
import torch
import torch.nn as nn

rows = 96
columns = 1037

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

class Synthesize : public testing::TestWithParam<Graph> {
 protected:
  static void SetUpTestSuite() { world = std::make_unique<ThisCpu>(hardly_timed()); }
  static void TearDownTestSuite() { world.reset(); }
  void SetUp() override {
    if (!world->why.empty()) GTEST_SKIP() << world->why;
  }

  static void judge(const Proposal& proposal, const std::shared_ptr<const Understood>& problem) {
    const Result<Evaluation> result = world->evaluate(proposal.candidate, problem);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->verdict, Verdict::measured)
        << proposal.move << ", " << proposal.rationale << ": " << result->message.value_or("") << "\n"
        << proposal.candidate.text;
  }

  static inline std::unique_ptr<ThisCpu> world;
};

TEST_P(Synthesize, WritesCandidatesThatAreRight) {
  const Graph& graph = GetParam();
  const auto problem = world->admit(
      {.id = std::string("test/") + graph.name, .name = graph.name, .source = source_of(graph), .path = "test.py"});
  ASSERT_TRUE(problem);
  const auto builtin = make_builtin_synthesizer();
  SynthesisRequest request;
  request.problem = problem;
  std::vector<std::string> wanted = graph.moves;
  for (std::uint64_t seed = 0; seed < 200 && (seed == 0 || !wanted.empty()); ++seed) {
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
      EXPECT_THAT(proposal->candidate.text, testing::HasSubstr(graph.sketch));
      request.ancestors = {Recalled{.node = 1,
                                    .candidate = proposal->candidate,
                                    .evaluation = {},
                                    .recipe = proposal->recipe,
                                    .rationale = proposal->rationale}};
    } else if (std::erase(wanted, proposal->move) == 0) {
      continue;
    }
    judge(*proposal, problem);
  }
  EXPECT_THAT(wanted, testing::IsEmpty()) << "moves that were not proposed";
}

INSTANTIATE_TEST_SUITE_P(Graphs, Synthesize, testing::ValuesIn(graphs),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kerf
