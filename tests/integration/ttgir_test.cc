// Probes in what the real Triton made, compiled by the real Triton: no GPU is needed for that.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>

#include "base/paths.h"
#include "target/nvidia/triton_worker.h"
#include "target/nvidia/ttgir.h"

namespace kerf {
namespace {

using ::testing::HasSubstr;

constexpr const char* text = R"py(import triton
import triton.language as tl

@triton.jit
def row_sum(x, out, n, B: tl.constexpr):
    row = tl.program_id(0)
    sums = tl.zeros((B,), tl.float32)
    for at in range(0, n, B):
        columns = at + tl.arange(0, B)
        sums += tl.load(x + row * n + columns, mask=columns < n, other=0.0)
    tl.store(out + row, tl.sum(sums))
)py";

int count(const std::string& in, const std::string& what) {
  int found = 0;
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + 1)) ++found;
  return found;
}

struct GluonCase {
  const char* name;  // of tests/cases/ttgir
  TritonJob job;
  std::size_t ops;
};

class GluonIsProbed : public ::testing::TestWithParam<GluonCase> {};

TEST_P(GluonIsProbed, AndCompiledByTriton) {
  const auto workers = TritonWorkers::start();
  if (!workers) GTEST_SKIP() << workers.error().message;
  const auto source = read_file(fmt::format("{}/ttgir/{}.py", KERF_CASES, GetParam().name));
  ASSERT_TRUE(source) << source.error().message;
  const auto loaded = (*workers)->load(*source);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const auto compiled = (*loaded)->compile(std::span(&GetParam().job, 1), 90);
  ASSERT_TRUE(compiled) << compiled.error().message;
  const TritonOutput& plain = compiled->at(0);
  const auto ir = read_ttgir(plain.ttgir);
  ASSERT_TRUE(ir) << ir.error().message;
  const auto ops = ops_to_probe(*ir);
  EXPECT_EQ(ops.size(), GetParam().ops) << plain.ttgir;
  for (const std::size_t op : ops) {
    EXPECT_GT(ir->ops[op].line, 0) << ir->ops[op].name;
    EXPECT_THAT(ir->ops[op].file, ::testing::EndsWith("/candidate.py")) << ir->ops[op].name;
  }
  const auto probed = insert_probes(*ir, ops);
  ASSERT_TRUE(probed) << probed.error().message;
  const auto again = (*loaded)->compile_ir({probed->text}, plain.num_warps, 90);
  ASSERT_TRUE(again) << again.error().message << "\n" << probed->text;
  const TritonOutput& output = again->at(0);
  EXPECT_EQ(output.symbol, plain.symbol);
  EXPECT_EQ(output.num_warps, plain.num_warps) << "the warps of partitions are launched, too";
  EXPECT_FALSE(output.cubin.empty());
  EXPECT_GE(count(output.ptx, "%clock64"), 2 * static_cast<int>(ops.size()) + 2);
  // No wait, copy or product was lost or moved into another.
  for (const char* kind : {"wgmma.mma_async", "mbarrier.try_wait", "mbarrier.arrive", "cp.async.bulk.tensor",
                           "cp.async.ca.shared", "cp.async.wait_group"})
    EXPECT_EQ(count(output.ptx, kind), count(plain.ptx, kind)) << kind;
}

INSTANTIATE_TEST_SUITE_P(
    Ttgir, GluonIsProbed,
    ::testing::Values(
        GluonCase{.name = "gluon_ring",
                  .job = {.kernel = "row_sum",
                          .signature = {{"x", "*fp32"}, {"out", "*fp32"}, {"n", "i32"}, {"B", "constexpr"}},
                          .constants = {{"B", Value{std::int64_t{1024}}}}},
                  .ops = 12},
        GluonCase{.name = "gluon_product",
                  .job = {.kernel = "product",
                          .signature = {{"a", "*fp16"},
                                        {"b", "*fp16"},
                                        {"c", "*fp16"},
                                        {"M", "i32"},
                                        {"N", "i32"},
                                        {"K", "i32"},
                                        {"S", "constexpr"}},
                          .constants = {{"S", Value{std::int64_t{64}}}},
                          .divisible_16 = {"a", "b", "c", "M", "N", "K"}},
                  .ops = 7},
        GluonCase{.name = "gluon_parts",
                  .job = {.kernel = "row_sum",
                          .signature = {{"x", "*fp32"}, {"out", "*fp32"}, {"n", "i32"}, {"B", "constexpr"}},
                          .constants = {{"B", Value{std::int64_t{1024}}}}},
                  .ops = 11}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(Ttgir, ProbedAndCompiledByTriton) {
  const auto workers = TritonWorkers::start();
  if (!workers) GTEST_SKIP() << workers.error().message;
  const auto loaded = (*workers)->load(text);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const TritonJob job{.kernel = "row_sum",
                      .signature = {{"x", "*fp32"}, {"out", "*fp32"}, {"n", "i64"}, {"B", "constexpr"}},
                      .constants = {{"B", Value{std::int64_t{1024}}}}};
  const auto compiled = (*loaded)->compile(std::span(&job, 1), 90);
  ASSERT_TRUE(compiled) << compiled.error().message;
  ASSERT_EQ(compiled->size(), 1u);
  const auto ir = read_ttgir((*compiled)[0].ttgir);
  ASSERT_TRUE(ir) << ir.error().message;
  EXPECT_EQ(ir->function, "row_sum");
  const auto load = std::ranges::find(ir->ops, "tt.load", &TtgirOp::name);
  ASSERT_NE(load, ir->ops.end());
  EXPECT_EQ(load->line, 10);
  const auto ops = ops_to_probe(*ir);
  EXPECT_GE(ops.size(), 4u);
  const auto probed = insert_probes(*ir, ops, {.programs = 16, .rounds = 8});
  ASSERT_TRUE(probed) << probed.error().message;
  const auto again = (*loaded)->compile_ir({probed->text}, (*compiled)[0].num_warps, 90);
  ASSERT_TRUE(again) << again.error().message;
  ASSERT_EQ(again->size(), 1u);
  const TritonOutput& output = (*again)[0];
  EXPECT_EQ(output.symbol, "row_sum");
  EXPECT_FALSE(output.cubin.empty());
  // Two reads of the clock an operation, two of the whole program; none was moved out or merged.
  EXPECT_GE(count(output.ptx, "%clock64"), 2 * static_cast<int>(ops.size()) + 2);
  EXPECT_THAT(output.ptx, HasSubstr("%globaltimer"));
  EXPECT_THAT(output.ptx, HasSubstr("%smid"));
  EXPECT_EQ(count(output.ptx, ".param .u64") + count(output.ptx, ".param .b64"),
            count((*compiled)[0].ptx, ".param .u64") + count((*compiled)[0].ptx, ".param .b64") + 1);
}

}  // namespace
}  // namespace kerf
