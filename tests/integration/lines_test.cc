// Lines of instructions, as the real compilers write them down and CUPTI reads them. No GPU is needed for that.
#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <span>

#include "base/paths.h"
#include "candidate/prototype.h"
#include "target/nvidia/cubin.h"
#include "target/nvidia/cuda.h"
#include "target/nvidia/libraries.h"
#include "target/nvidia/line_table.h"
#include "target/nvidia/nvrtc.h"
#include "target/nvidia/triton.h"
#include "target/nvidia/triton_worker.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t instruction = 16;  // bytes

// CUPTI's own answer: the innermost place, which of inlined code is where it was written.
class CuptiLines {
 public:
  CuptiLines() {
    const auto library = find_cupti();
    void* loaded = library ? ::dlopen(library->c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
    if (loaded != nullptr) ask_ = reinterpret_cast<int (*)(Ask*)>(::dlsym(loaded, "cuptiGetSassToSourceCorrelation"));
  }
  [[nodiscard]] bool there() const { return ask_ != nullptr; }
  [[nodiscard]] std::optional<std::pair<std::string, int>> operator()(const std::string& cubin,
                                                                      const std::string& function,
                                                                      std::uint64_t offset) const {
    Ask ask{.size = sizeof(Ask),
            .cubin = cubin.data(),
            .function = function.c_str(),
            .cubin_size = cubin.size(),
            .line = 0,
            .offset = offset,
            .file = nullptr,
            .folder = nullptr};
    if (ask_(&ask) != 0 || ask.file == nullptr) return std::nullopt;
    std::pair found(std::string(ask.file), static_cast<int>(ask.line));
    std::free(ask.file);
    std::free(ask.folder);
    return found;
  }

 private:
  struct Ask {  // CUpti_GetSassToSourceCorrelationParams
    std::size_t size;
    const void* cubin;
    const char* function;
    std::size_t cubin_size;
    std::uint32_t line;
    std::uint64_t offset;
    char* file;
    char* folder;
  };
  int (*ask_)(Ask*) = nullptr;
};

struct Agreement {
  int instructions = 0, with_line = 0, asked = 0, agreed = 0;
  std::set<int> lines;

  // Of a kernel, ours against CUPTI's where it is there.
  void add(const std::string& cubin, const CubinKernel& kernel, const char* file) {
    static const CuptiLines cupti;
    const auto table = read_line_table(cubin);
    ASSERT_TRUE(table) << table.error().message;
    for (std::uint64_t at = 0; at < static_cast<std::uint64_t>(kernel.code_bytes); at += instruction) {
      ++instructions;
      if (const auto line = table->line_of(kernel.name, at, file)) {
        ++with_line;
        lines.insert(*line);
      }
      if (!cupti.there()) continue;
      const auto theirs = cupti(cubin, kernel.name, at);
      if (!theirs || theirs->second == 0) continue;
      ++asked;
      const std::string name = theirs->first.substr(theirs->first.rfind('/') + 1);
      agreed += table->line_of(kernel.name, at, name) == theirs->second ? 1 : 0;
    }
  }
};

TEST(Lines, OfPlantedKernelsAreKnownAndLeaveTheirCodeAsItIs) {
  const auto library = find_nvrtc();
  if (!library) GTEST_SKIP() << library.error().message;
  const auto nvrtc = Nvrtc::start(*library);
  ASSERT_TRUE(nvrtc) << nvrtc.error().message;
  const auto prelude = cuda_prelude();
  ASSERT_TRUE(prelude);
  Agreement all;
  int cubins = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(KERF_SOURCE) / "tests/cases/planted")) {
    if (entry.path().extension() != ".cu") continue;
    const std::string text = *read_file(entry.path());
    const auto source = read_source({.text = text, .language = Language::cuda, .name = "candidate.cu"});
    ASSERT_TRUE(source) << source.error().message;
    const auto points = tune_points(*source);
    ASSERT_TRUE(points && !points->empty());
    NvrtcRequest request{.text = fmt::format("#line 1 \"prelude\"\n{}\n#line 1 \"tune\"\n{}\n#line 1 \"candidate\"\n{}",
                                             *prelude, constants(points->front()), text),
                         .options = {"--gpu-architecture=sm_90a", cuda_standard},
                         .names = kernels_of(*source)};
    const auto plain = (*nvrtc)->compile(request);
    request.options.emplace_back("--generate-line-info");
    const auto with = (*nvrtc)->compile(request);
    ASSERT_TRUE(plain && with && plain->compiled && with->compiled) << entry.path();
    EXPECT_NE(plain->cubin, with->cubin);
    EXPECT_EQ(*code_of_cubin(plain->cubin, plain->symbols), *code_of_cubin(with->cubin, with->symbols)) << entry.path();
    const auto cubin = read_cubin(with->cubin);
    ASSERT_TRUE(cubin);
    ++cubins;
    const auto end = static_cast<int>(std::ranges::count(text, '\n')) + 1;
    Agreement of_one;
    for (const CubinKernel& kernel : cubin->kernels) {
      of_one.add(with->cubin, kernel, "candidate");
      all.add(with->cubin, kernel, "candidate");
    }
    EXPECT_GT(of_one.with_line, of_one.instructions / 2) << entry.path();
    EXPECT_TRUE(of_one.lines.empty() || (*of_one.lines.begin() >= 1 && *of_one.lines.rbegin() <= end)) << entry.path();
  }
  EXPECT_GE(cubins, 50);
  EXPECT_EQ(all.agreed, all.asked);
  fmt::print("{} cubins: {} of {} instructions have a line of the candidate; {} of {} places are CUPTI's\n", cubins,
             all.with_line, all.instructions, all.agreed, all.asked);
}

constexpr const char* row_sum = R"py(import triton
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

TEST(Lines, OfTritonAreThoseOfTheCandidate) {
  const auto workers = TritonWorkers::start();
  if (!workers) GTEST_SKIP() << workers.error().message;
  const auto loaded = (*workers)->load(row_sum);
  ASSERT_TRUE(loaded) << loaded.error().message;
  const TritonJob job{.kernel = "row_sum",
                      .signature = {{"x", "*fp32"}, {"out", "*fp32"}, {"n", "i64"}, {"B", "constexpr"}},
                      .constants = {{"B", Value{std::int64_t{1024}}}}};
  const auto compiled = (*loaded)->compile(std::span(&job, 1), 90);
  ASSERT_TRUE(compiled) << compiled.error().message;
  const std::string& bytes = compiled->at(0).cubin;
  const auto cubin = read_cubin(bytes);
  ASSERT_TRUE(cubin) << cubin.error().message;
  Agreement all;
  for (const CubinKernel& kernel : cubin->kernels) all.add(bytes, kernel, triton_candidate_file);
  EXPECT_GT(all.with_line, all.instructions / 2);
  EXPECT_TRUE(all.lines.contains(10)) << "the load";
  EXPECT_TRUE(all.lines.contains(11)) << "the sum, whose code is Triton's own library's";
  EXPECT_LE(*all.lines.rbegin(), 11);
  EXPECT_EQ(all.agreed, all.asked);
  fmt::print("Triton: {} of {} instructions have a line of the candidate; {} of {} places are CUPTI's\n", all.with_line,
             all.instructions, all.agreed, all.asked);
}

}  // namespace
}  // namespace kerf
