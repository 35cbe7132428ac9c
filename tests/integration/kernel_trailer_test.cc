// The trailer that a cpp candidate gets, with the compilers that are here: types as text, and tasks over a grid.
#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "candidate/prototype.h"

namespace kerf {
namespace {

constexpr const char* text = R"kernel(/* /// kerf
version = 1
[tune]
B = [4]
SCALE = [0.5]
[[step]]
launch = "fill"
grid = ["B", 3, 2]
args = ["out", 7, true]
[[step]]
launch = "scale"
grid = ["B"]
args = ["out", "f64(2)", "thread"]
/// */
extern "C" void fill(float* out, const int64_t n, bool b, int64_t i, int64_t j, int64_t k) noexcept {
  out[(k * 3 + j) * B + i] = (float)(n + i + 10 * j + 100 * k) + (b ? 0.25f : 0.0f);
}
extern "C" void scale(float* out, double by, int64_t, int64_t i) { out[i] *= (float)(by * SCALE); }
)kernel";

class KernelTrailer : public testing::TestWithParam<const char*> {
 protected:
  // Compiles `source` behind its constants; the exit code.
  static int compile(const std::string& compiler, const std::string& source, const std::string& to) {
    const std::string from = to + ".cpp";
    std::ofstream(from) << source;
    const std::string command =
        compiler +
        " -std=c++20 -O2 -Wall -Wextra -Werror -Wno-unused-const-variable -shared -fPIC -fvisibility=hidden " + from +
        " -o " + to + " 2> " + to + ".log";
    return std::system(command.c_str());
  }
};

TEST_P(KernelTrailer, gives_types_as_text_and_runs_any_range_of_tasks) {
  const std::string compiler = GetParam();
  if (std::system((compiler + " --version > /dev/null 2>&1").c_str()) != 0) GTEST_SKIP() << "unavailable: " << compiler;
  const auto source = read_source({.text = text, .language = Language::cpp, .name = "trailer"});
  ASSERT_TRUE(source) << source.error().message;
  const auto points = tune_points(*source);
  ASSERT_TRUE(points);
  const std::string to = testing::TempDir() + "kerf_trailer_" + compiler + ".so";
  ASSERT_EQ(
      compile(compiler,
              "typedef long int64_t;\n" + constants(points->front()) + source->candidate.text + trailer(*source), to),
      0);

  void* library = dlopen(to.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(library, nullptr) << dlerror();
  const auto* kernels = static_cast<const KernelEntry*>(dlsym(library, kernels_symbol));
  ASSERT_NE(kernels, nullptr);
  ASSERT_STREQ(kernels[0].name, "fill");
  ASSERT_STREQ(kernels[1].name, "scale");
  EXPECT_EQ(kernels[2].name, nullptr);
  const auto types = [](const KernelEntry& kernel) {
    std::vector<std::string> result;
    for (const char* const* type = kernel.types; *type; ++type) result.emplace_back(*type);
    return result;
  };
  EXPECT_THAT(types(kernels[0]), testing::ElementsAre("f32*", "i64", "bool", "i64", "i64", "i64"));
  EXPECT_THAT(types(kernels[1]), testing::ElementsAre("f32*", "f64", "i64", "i64"));

  std::array<float, 24> out{};
  float* address = out.data();
  std::int64_t n = 7, thread = 0;
  bool flag = true;
  double by = 2;
  const std::array<std::int64_t, 3> grid = {4, 3, 2};
  std::array<void*, 3> args = {static_cast<void*>(&address), &n, &flag};
  kernels[0].run(args.data(), 3, grid.data(), 3, 0, 10);
  EXPECT_EQ(out[9], 7 + 1 + 20 + 0.25F);
  EXPECT_EQ(out[10], 0) << "a task outside of the range ran";
  kernels[0].run(args.data(), 3, grid.data(), 3, 10, 24);
  for (std::size_t task = 0; task < out.size(); ++task) {
    EXPECT_EQ(out[task], static_cast<float>(7 + task % 4 + 10 * (task / 4 % 3) + 100 * (task / 12)) + 0.25F) << task;
  }
  args = {static_cast<void*>(&address), &by, &thread};
  kernels[1].run(args.data(), 3, grid.data(), 1, 0, 4);
  EXPECT_EQ(out[3], 7 + 3 + 0.25F);
  dlclose(library);
  std::filesystem::remove(to);
}

TEST_P(KernelTrailer, an_undeclared_kernel_is_an_error_at_the_plans_line) {
  const std::string compiler = GetParam();
  if (std::system((compiler + " --version > /dev/null 2>&1").c_str()) != 0) GTEST_SKIP() << "unavailable: " << compiler;
  std::string wrong = text;
  wrong.replace(wrong.find("launch = \"scale\""), 16, "launch = \"scales\"");
  const auto source = read_source({.text = wrong, .language = Language::cpp, .name = "trailer"});
  ASSERT_TRUE(source);
  const std::string to = testing::TempDir() + "kerf_trailer_wrong_" + compiler + ".so";
  EXPECT_NE(compile(compiler,
                    "typedef long int64_t;\nconstexpr int64_t B = 4;\nconstexpr double SCALE = 1;\n" + wrong +
                        trailer(*source),
                    to),
            0);
  std::ifstream log(to + ".log");
  const std::string said((std::istreambuf_iterator<char>(log)), {});
  EXPECT_THAT(said, testing::HasSubstr("kerf_plan:11")) << said;
}

INSTANTIATE_TEST_SUITE_P(Compilers, KernelTrailer, testing::Values("g++", "clang++-19"), [](const auto& each) {
  return std::string(each.param).substr(0, 3) == "g++" ? "gcc" : "clang";
});

}  // namespace
}  // namespace kerf
