#include "candidate/triton_manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using Kind = BoundArgument::Kind;

BoundLaunch launch_of(std::vector<BoundArgument> args) {
  return {.kernel = "k", .grid = {4}, .args = std::move(args), .block = {}, .programs = BoundPrograms{}};
}
BoundArgument integer(std::int64_t value, Kind kind = Kind::i64) { return {.kind = kind, .integer = value}; }

std::string key_of(const BoundLaunch& launch, const std::vector<BoundTensor>& tensors = {}) {
  const auto arguments = triton_arguments(launch, tensors);
  return arguments ? triton_key(launch, *arguments) : arguments.error().message;
}

TEST(TritonManifest, IntegersAreSpecialisedAsTheJitDoes) {
  EXPECT_EQ(key_of(launch_of({integer(1)})), "k(1) num_warps=4");
  EXPECT_EQ(key_of(launch_of({integer(1, Kind::i32)})), "k(1) num_warps=4");
  EXPECT_EQ(key_of(launch_of({integer(0)})), "k(i32:16) num_warps=4");
  EXPECT_EQ(key_of(launch_of({integer(17), integer(-32)})), "k(i32, i32:16) num_warps=4");
  EXPECT_EQ(key_of(launch_of({integer(2147483647), integer(2147483648), integer(-2147483649)})),
            "k(i32, i64:16, i64) num_warps=4");
}

TEST(TritonManifest, OtherNumbersAreNot) {
  EXPECT_EQ(key_of(launch_of({{.kind = Kind::f32, .number = 1},
                              {.kind = Kind::f64, .number = 16},
                              {.kind = Kind::boolean, .integer = 1}})),
            "k(fp32, fp64, u1) num_warps=4");
}

TEST(TritonManifest, PointersAreAlignedUnlessACallReturnedThem) {
  const TensorSpec floats{.dtype = Dtype::f32, .shape = {4}, .stride = {1}};
  const TensorSpec halves{.dtype = Dtype::f16, .shape = {4}, .stride = {1}};
  const std::vector<BoundTensor> tensors = {{.kind = BoundTensor::Kind::given, .name = "x", .spec = floats},
                                            {.kind = BoundTensor::Kind::result, .name = "view", .spec = halves},
                                            {.kind = BoundTensor::Kind::result, .name = "later"}};
  EXPECT_EQ(key_of(launch_of({{.kind = Kind::tensor, .tensor = 0}, {.kind = Kind::tensor, .tensor = 1}}), tensors),
            "k(*fp32:16, *fp16) num_warps=4");
  const auto unknown = triton_arguments(launch_of({{.kind = Kind::tensor, .tensor = 2}}), tensors);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("`later`"));
}

TEST(TritonManifest, AThreadIsNoArgument) {
  const auto arguments = triton_arguments(launch_of({{.kind = Kind::thread, .at = {7, 3}}}), {});
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error().at, (Location{7, 3}));
}

TEST(TritonManifest, OptionsAndConstantsTellLaunchesApart) {
  BoundLaunch launch = launch_of({integer(5)});
  launch.programs = BoundPrograms{.constexprs = {{"N", Value{std::int64_t{64}}}, {"ACT", Value{std::string("relu")}}},
                                  .num_warps = 8,
                                  .num_stages = 2};
  EXPECT_EQ(key_of(launch), "k(i32) N=64 ACT=\"relu\" num_warps=8 num_stages=2");
}

TEST(TritonManifest, ReadsWhatItWrites) {
  const TritonManifest manifest{.architecture = "sm_90",
                                .entries = {{.key = "k(*fp32:16, 1) num_warps=4",
                                             .kernel = "k",
                                             .cubin = "ab.0.cubin",
                                             .symbol = "k_0d1",
                                             .num_warps = 4,
                                             .shared_bytes = 32,
                                             .parameters = {{.argument = 0, .type = TritonArgument::Type::pointer},
                                                            {.argument = 2, .type = TritonArgument::Type::f64}},
                                             .scratch = {{.bytes = 128, .alignment = 16}, {}},
                                             .registers = 40,
                                             .local_bytes = 8}}};
  const auto again = read_triton_manifest(to_text(manifest));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->architecture, "sm_90");
  EXPECT_EQ(again->find("k"), nullptr);
  const TritonEntry* entry = again->find("k(*fp32:16, 1) num_warps=4");
  ASSERT_NE(entry, nullptr);
  EXPECT_EQ(to_text(*again), to_text(manifest));
  EXPECT_EQ(entry->parameters[1].argument, 2);
  EXPECT_EQ(entry->scratch[0].bytes, 128);
}

TEST(TritonManifest, RefusesFilesElsewhereAndOtherNonsense) {
  const std::string good = to_text({.architecture = "sm_90", .entries = {{.key = "k", .cubin = "a.cubin"}}});
  ASSERT_TRUE(read_triton_manifest(good));
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {"a.cubin", "../a.cubin"},
           {"a.cubin", "/a"},
           {"a.cubin", ""},
           {"\"num_warps\": 4", "\"num_warps\": -4"},
           {"\"parameters\": []", "\"parameters\": [{\"argument\": 0, \"type\": \"u128\"}]"},
           {"\"entries\"", "\"entry\""},
           {"{", "["}}) {
    std::string bad = good;
    ASSERT_NE(bad.find(from), std::string::npos) << from;
    bad.replace(bad.find(from), from.size(), to);
    EXPECT_FALSE(read_triton_manifest(bad)) << bad;
  }
}

}  // namespace
}  // namespace kerf
