// A CudaExecutor over a driver of main memory, for tests of what works with one.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runner/cuda/cuda_executor.h"
#include "runner/cuda/fake_driver.h"

namespace kerf::testing_cuda {

inline constexpr std::int64_t elements = 64;

// Two launches of `scale`: half of x, and four times that.
inline constexpr const char* two_steps = R"cu(/* /// kerf
version = 1
[[scratch]]
name = "half"
dtype = "f32"
shape = ["numel(x)"]
[[step]]
launch = "scale"
grid = [1]
block = [64]
args = ["x", "half", "numel(x)", "0.5"]
[[step]]
launch = "scale"
grid = [1]
block = [64]
args = ["half", "out", "numel(x)", "4.0"]
/// */
extern "C" __global__ void scale(const float* x, float* out, int64_t n, float by) {}
)cu";

template <class T>
T given(void** args, std::size_t i) {
  return *static_cast<T*>(args[i]);
}

// With the kernels `scale` (of two_steps) and `copy`, of 64 numbers 0, 1, 2, …
struct CudaExecutorTest : ::testing::Test {
  FakeDriver fake;
  CudaDriver driver = fake.table();
  Filler filler = *Filler::make(driver);
  DeviceBuffer flush = *DeviceBuffer::allocate(driver, 2 * mark_bytes);
  std::vector<std::uint64_t> inputs, outputs;
  alignas(StatusPage) std::array<std::byte, StatusPage::bytes> page_bytes{};
  StatusPage& page = *new (page_bytes.data()) StatusPage{};
  DeviceRequest load;
  Source source;
  std::unique_ptr<OpenedMemories> memories = std::make_unique<OpenedMemories>(driver);
  std::unique_ptr<CudaExecutor> executor;

  CudaExecutorTest() {
    fake.kernels["scale"] = {.parameters = 4, .run = [](const CuLaunchConfig&, void** args) {
                               const auto* x = given<const float*>(args, 0);
                               auto* out = given<float*>(args, 1);
                               for (std::int64_t i = 0; i < given<std::int64_t>(args, 2); ++i)
                                 out[i] = x[i] * given<float>(args, 3);
                               return 0;
                             }};
    fake.kernels["copy"] = {.parameters = 3, .run = [](const CuLaunchConfig&, void** args) {
                              const auto* x = given<const float*>(args, 0);  // of the encoded map
                              std::copy_n(x, given<std::int64_t>(args, 2), given<float*>(args, 1));
                              return 0;
                            }};
    const TensorSpec spec{.dtype = Dtype::f32, .shape = {elements}, .stride = {1}};
    load.load.workload.tensors = {{.name = "x", .role = Role::input, .spec = spec}};
    load.load.workload.outputs = {spec};
    load.image = "/dev/null";
    inputs.resize(elements);
    outputs.resize(elements);
    fake.shared = {{"i", &inputs}, {"o", &outputs}};
    for (std::int64_t i = 0; i < elements; ++i) floats(inputs)[i] = static_cast<float>(i);
  }
  static float* floats(std::vector<std::uint64_t>& memory) { return reinterpret_cast<float*>(memory.data()); }

  void have(const char* text, const char* kernel, const KerfBridge* bridge = nullptr) {
    load.load.candidate = {.text = text, .language = Language::cuda, .name = "test.cu"};
    load.load.memory_limit = 1 << 20;
    load.symbols = {{kernel, kernel}};
    source = *read_source(load.load.candidate);
    executor = std::make_unique<CudaExecutor>(driver, filler, flush, bridge, 0, source, load, page);
    ASSERT_TRUE(executor->load_image());
  }
  static DeviceRequest run_of(bool timed) {
    DeviceRequest run;
    run.inputs = "69" + std::string(126, '0');
    run.outputs = "6f" + std::string(126, '0');
    run.run.inputs = {0};
    run.run.outputs = {0};
    run.run.sentinel = 0x7f7f7f7f7f7f7f7f;
    run.run.timed = timed;
    run.run.cold = timed;
    return run;
  }
  Result<RunAnswer> run(bool timed = false, bool as_graph = false) {
    const DeviceRequest request = run_of(timed);
    if (!executor->prepared()) {
      TRY(executor->place(request, *memories));
      TRY(executor->prepare());
    }
    TRY(executor->place(request, *memories));
    fake.log.clear();
    auto answer = executor->replay(request.run, as_graph);
    TRY(executor->finish());
    return answer;
  }
  void expect_blame(const Result<RunAnswer>& answer, const char* verdict, const char* rule) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::candidate) << answer.error().message;
    EXPECT_THAT(answer.error().facts, testing::Contains(testing::Pair("verdict", verdict)));
    EXPECT_THAT(answer.error().facts, testing::Contains(testing::Pair("rule", rule)));
  }
};

}  // namespace kerf::testing_cuda
