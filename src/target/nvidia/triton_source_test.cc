#include "target/nvidia/triton_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LoadedFake final : public LoadedTriton {
 public:
  [[nodiscard]] const std::map<std::string, TritonKernel>& kernels() const override { return kernels_; }
  Result<std::vector<TritonOutput>> compile(std::span<const TritonJob>, int) override {
    return fail(ErrorKind::internal, "the compiler is asked, not the process");
  }
  Result<std::vector<TritonOutput>> compile_ir(const std::vector<std::string>&, int, int) override {
    return fail(ErrorKind::internal, "nobody asks for it");
  }

 private:
  std::map<std::string, TritonKernel> kernels_ = {{"add", {.line = 3, .parameters = {}}}};
};

// A cubin says text, kernel, warps and architecture.
class CompilerFake final : public TritonCompiler {
 public:
  Result<std::unique_ptr<LoadedTriton>> load(const std::string& text) override {
    loaded.push_back(text);
    return std::make_unique<LoadedFake>();
  }
  Result<std::vector<TritonOutput>> compile(const std::string& text, LoadedTriton&, std::span<const TritonJob> jobs,
                                            int architecture) override {
    std::vector<TritonOutput> outputs;
    for (const TritonJob& job : jobs) {
      const std::string what =
          text + " " + job.kernel + " " + std::to_string(job.num_warps) + " " + std::to_string(architecture);
      compiled.push_back(what);
      if (job.kernel == failing) return fail(ErrorKind::candidate, "it does not compile");
      outputs.push_back({.cubin = what, .ptx = {}, .symbol = job.kernel, .ttgir = "module {}", .scratch = {}});
    }
    return outputs;
  }
  [[nodiscard]] const std::string& version() const override { return version_; }

  std::vector<std::string> loaded, compiled;
  std::string failing;

 private:
  std::string version_ = "Triton";
};

TritonJob job(const std::string& kernel, int warps) {
  return {.kernel = kernel, .signature = {}, .constants = {}, .divisible_16 = {}, .num_warps = warps, .num_stages = {}};
}

std::vector<std::string> cubins(const Result<std::vector<TritonOutput>>& outputs) {
  std::vector<std::string> found;
  for (const TritonOutput& each : *outputs) found.push_back(each.cubin);
  return found;
}

TEST(TritonSource, CompilesAKernelOfSeveralPointsOnce) {
  CompilerFake compiler;
  TritonSource source(compiler, "a");
  const std::vector<TritonJob> first = {job("add", 4), job("mul", 4)}, second = {job("mul", 8), job("add", 4)};
  EXPECT_THAT(cubins(source.compile(first, 90)), ElementsAre("a add 4 90", "a mul 4 90"));
  EXPECT_THAT(cubins(source.compile(second, 90)), ElementsAre("a mul 8 90", "a add 4 90"));
  EXPECT_THAT(compiler.compiled, ElementsAre("a add 4 90", "a mul 4 90", "a mul 8 90"));
}

TEST(TritonSource, CompilesWhatIsThereTwiceInOneCallOnce) {
  CompilerFake compiler;
  TritonSource source(compiler, "a");
  const std::vector<TritonJob> jobs = {job("add", 4), job("add", 4)};
  EXPECT_THAT(cubins(source.compile(jobs, 90)), ElementsAre("a add 4 90", "a add 4 90"));
  EXPECT_THAT(compiler.compiled, ElementsAre("a add 4 90"));
}

TEST(TritonSource, KeepsArchitecturesApart) {
  CompilerFake compiler;
  TritonSource source(compiler, "a");
  const std::vector<TritonJob> jobs = {job("add", 4)};
  EXPECT_THAT(cubins(source.compile(jobs, 80)), ElementsAre("a add 4 80"));
  EXPECT_THAT(cubins(source.compile(jobs, 90)), ElementsAre("a add 4 90"));
}

// A process compiles once: it serves the call that asked for the kernels first.
TEST(TritonSource, LoadsTheTextOnlyWhereSomethingIsMissing) {
  CompilerFake compiler;
  TritonSource source(compiler, "a");
  ASSERT_TRUE(source.kernels());
  EXPECT_EQ(source.kernels()->at("add").line, 3);
  const std::vector<TritonJob> add = {job("add", 4)}, mul = {job("mul", 4)};
  ASSERT_TRUE(source.compile(add, 90));
  ASSERT_TRUE(source.compile(add, 90));
  EXPECT_THAT(compiler.loaded, ElementsAre("a"));
  ASSERT_TRUE(source.compile(mul, 90));
  EXPECT_THAT(compiler.loaded, ElementsAre("a", "a"));
}

TEST(TritonSource, TriesAgainWhatFailed) {
  CompilerFake compiler;
  compiler.failing = "add";
  TritonSource source(compiler, "a");
  const std::vector<TritonJob> jobs = {job("add", 4)};
  ASSERT_FALSE(source.compile(jobs, 90));
  EXPECT_EQ(source.compile(jobs, 90).error().message, "it does not compile");
  compiler.failing.clear();
  EXPECT_THAT(cubins(source.compile(jobs, 90)), ElementsAre("a add 4 90"));
}

TEST(TritonSource, ForgetsTheTtgir) {
  CompilerFake compiler;
  TritonSource source(compiler, "a");
  const std::vector<TritonJob> jobs = {job("add", 4)};
  EXPECT_THAT(source.compile(jobs, 90)->at(0).ttgir, IsEmpty());
}

TEST(TritonSources, AreOneForATextAndNoneForTwo) {
  CompilerFake compiler;
  TritonSources sources(compiler);
  const auto a = sources.of("a");
  EXPECT_EQ(sources.of("a"), a);
  EXPECT_NE(sources.of("b"), a);
}

TEST(TritonSources, ForgetTheTextThatWasNotAskedForTheLongest) {
  CompilerFake compiler;
  TritonSources sources(compiler);
  const auto a = sources.of("a"), b = sources.of("b");
  for (const char* other : {"c", "d", "e", "f", "g", "h"}) (void)sources.of(other);
  EXPECT_EQ(sources.of("a"), a);
  (void)sources.of("i");
  EXPECT_EQ(sources.of("a"), a);
  EXPECT_NE(sources.of("b"), b);
}

}  // namespace
}  // namespace kerf
