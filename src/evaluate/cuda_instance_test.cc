// What a candidate on a GPU says to the process that runs it, and what becomes of both when something goes wrong. The
// other end of the conversation has its answers ready: nobody waits.
#include "evaluate/cuda_instance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Does = DeviceRequest::Does;

constexpr const char* text = R"cu(/* /// kerf
version = 1
[[step]]
call = "aten.neg.default"
args = ["x"]
out = "y"
[[step]]
launch = "scale"
grid = [1]
block = [32]
args = ["y", "out"]
/// */
extern "C" __global__ void scale(const float* y, float* out) { out[threadIdx.x] = 2 * y[threadIdx.x]; }
)cu";

const std::string ready = encode_number("ready", 1);
const std::string done = encode_number("done", 1);

std::string fact(const Error& error, const std::string& name) {
  for (const auto& [key, value] : error.facts)
    if (key == name) return value;
  return "";
}

std::string refusal(const std::string& verdict, const std::string& rule) {
  return encode(Error{.kind = ErrorKind::candidate,
                      .message = "the kernel is to blame",
                      .at = std::nullopt,
                      .facts = {{"verdict", verdict}, {"rule", rule}}});
}

struct InstanceOnAGpu : ::testing::Test {
  Channel theirs;
  std::shared_ptr<DeviceProcess> device = std::make_shared<DeviceProcess>();
  Source source = read_source({.text = text, .language = Language::cuda, .name = "scale.cu"}).value();
  Image image;
  Workload workload;
  Trial trial;
  Arena outputs;
  std::vector<const RunRequest*> asked_for_room;
  bool room = true;
  std::unique_ptr<CudaInstance> instance;

  InstanceOnAGpu() {
    auto ends = Channel::pair();
    device->channel = std::move(ends->first);
    theirs = std::move(ends->second);
    device->facts.memory_bytes = std::int64_t{80} << 30;
    const TensorSpec spec{.dtype = Dtype::f32, .shape = {32}, .stride = {1}};
    image.path = "/cache/scale.cubin";
    image.inspected = {{"kernels", {{"scale", {{"symbol", "scale"}}}}}};
    workload.id = "w";
    workload.tensors = {{.name = "x", .role = Role::input, .spec = spec}};
    workload.outputs = {spec};
    trial.arena.tensors = {{.name = "x", .spec = spec, .offset = 512}};
    trial.arena.device = std::make_shared<DeviceMemory>(DeviceMemory{.id = "t1", .handle = "aa", .bytes = 1024});
    outputs.tensors = {{.name = "out", .spec = spec, .offset = 256}};
    outputs.device = std::make_shared<DeviceMemory>(DeviceMemory{.id = "o1", .handle = "bb", .bytes = 1024});
    instance = another(7);
  }
  ~InstanceOnAGpu() override { theirs = Channel(); }  // or whoever says goodbye would wait for an answer

  std::unique_ptr<CudaInstance> another(std::int64_t number) {
    return std::make_unique<CudaInstance>(device, number, [this](const RunRequest* run) -> Result<> {
      asked_for_room.push_back(run);
      if (!room) return fail(ErrorKind::system, "the oracle is gone");
      return {};
    });
  }
  void answer(const std::vector<std::string>& bodies) const {
    for (const std::string& body : bodies) ASSERT_TRUE(theirs.send(body));
  }
  // What was said since, the go-aheads left out; the page that came with it, if one did.
  std::vector<DeviceRequest> heard(SharedMemory* page = nullptr) const {
    std::vector<DeviceRequest> said;
    for (auto message = theirs.receive(std::chrono::milliseconds(0)); message;
         message = theirs.receive(std::chrono::milliseconds(0))) {
      if (page && !message->fds.empty()) *page = SharedMemory::map(std::move(message->fds.at(0)), true).value();
      if (message->body != "{}") said.push_back(decode_device_request(message->body).value());
    }
    return said;
  }
  Result<> load(const std::optional<BuiltBridge>& bridge = std::nullopt) {
    answer({ready});
    return instance->load({.source = &source, .image = &image, .workload = &workload, .tune = {}}, bridge);
  }
  [[nodiscard]] RunRequest request(std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    return {.trial = &trial, .outputs = &outputs, .sentinel = 99, .limit = limit};
  }
};

TEST_F(InstanceOnAGpu, IsLoadedWithAllThatThePlanNeeds) {
  ASSERT_TRUE(load(BuiltBridge{.library = "/cache/bridge.so", .torch = {.folder = "/torch", .version = "2"}}));
  SharedMemory page;
  const std::vector<DeviceRequest> said = heard(&page);
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].does, Does::load);
  EXPECT_EQ(said[0].instance, 7);
  EXPECT_EQ(said[0].load.candidate.text, text);
  EXPECT_EQ(said[0].load.workload.id, "w");
  EXPECT_EQ(said[0].load.memory_limit, std::int64_t{20} << 30) << "a quarter of the GPU's";
  EXPECT_EQ(said[0].load.sweep_bytes, static_cast<std::int64_t>(flush_bytes(device->facts)));
  EXPECT_EQ(said[0].image, "/cache/scale.cubin");
  EXPECT_THAT(said[0].symbols, ElementsAre(std::pair<std::string, std::string>("scale", "scale")));
  EXPECT_EQ(said[0].bridge, "/cache/bridge.so");
  EXPECT_EQ(said[0].torch, "/torch/lib");
  EXPECT_EQ(page.size(), StatusPage::bytes);
}

TEST_F(InstanceOnAGpu, IsNotLoadedFromAnImageThatDoesNotNameItsKernels) {
  image.inspected = nullptr;
  const Result<> loaded = load();
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().kind, ErrorKind::internal);
  EXPECT_TRUE(heard().empty());
}

TEST_F(InstanceOnAGpu, RunsOnMemoryThatTheOracleHas) {
  ASSERT_TRUE(load());
  (void)heard();
  answer({ready, done, encode(RunAnswer{.device_us = 12, .prepare_us = 2, .shows_host = false, .step_us = {4, 6}})});
  const auto report = instance->run(request());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->device_us, 12);
  EXPECT_EQ(report->prepare_us, 2);
  EXPECT_GT(report->parent_us, 0);
  EXPECT_FALSE(report->shows_host);
  EXPECT_THAT(report->step_us, ElementsAre(4, 6));
  const std::vector<DeviceRequest> said = heard();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].does, Does::run);
  EXPECT_EQ(said[0].inputs, "aa");
  EXPECT_EQ(said[0].outputs, "bb");
  EXPECT_THAT(said[0].run.inputs, ElementsAre(512));
  EXPECT_THAT(said[0].run.outputs, ElementsAre(256));
  EXPECT_EQ(said[0].run.sentinel, 99U);
}

TEST_F(InstanceOnAGpu, IsTimedWithoutWhatTheProcessDidBeforeTheSteps) {
  ASSERT_TRUE(load());
  answer({ready, done, encode(RunAnswer{.before_us = 1e9})});
  const auto report = instance->run(request());
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_LT(report->parent_us, 0) << "what kerf's clock saw, less what the process says";
}

TEST_F(InstanceOnAGpu, RunsOnNothingElse) {
  ASSERT_TRUE(load());
  trial.arena.device = nullptr;
  const auto report = instance->run(request());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::internal);
}

TEST_F(InstanceOnAGpu, ThatDoesNotEndIsNamedByItsStepAndTakesTheProcessWithIt) {
  ASSERT_TRUE(load());
  SharedMemory page;
  (void)heard(&page);
  reinterpret_cast<StatusPage*>(page.bytes().data())->step = 1;
  answer({ready});
  const auto report = instance->run(request(std::chrono::milliseconds(5)));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::candidate);
  EXPECT_EQ(report.error().message, "scale was still running after 5 ms");
  EXPECT_EQ(report.error().at->line, 8);
  EXPECT_EQ(fact(report.error(), "verdict"), "timed_out");
  EXPECT_TRUE(device->lost);
  // Whoever asks again is told the same; the others that were loaded there are to blame for nothing.
  EXPECT_EQ(instance->run(request()).error().message, report.error().message);
  const auto bystander = another(8)->run(request());
  ASSERT_FALSE(bystander);
  EXPECT_EQ(bystander.error().kind, ErrorKind::system);
  EXPECT_EQ(bystander.error().message, "the runner of the GPU was started anew");
}

TEST_F(InstanceOnAGpu, WhoseProcessIsGoneIsToBlameForNothing) {
  ASSERT_TRUE(load());
  theirs = Channel();
  const auto report = instance->run(request());
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().kind, ErrorKind::system);
  EXPECT_THAT(report.error().message, HasSubstr("the runner of the GPU ended"));
  EXPECT_TRUE(device->lost);
}

TEST_F(InstanceOnAGpu, ThatIsWrongLeavesTheProcessToOthers) {
  ASSERT_TRUE(load());
  answer({refusal("rejected", "shape")});
  EXPECT_EQ(instance->run(request()).error().message, "the kernel is to blame");
  EXPECT_FALSE(device->lost);
  (void)heard();
  EXPECT_EQ(instance->run(request()).error().message, "the kernel is to blame") << "and is not asked again";
  EXPECT_TRUE(heard().empty());
}

TEST_F(InstanceOnAGpu, ThatCrashesCostsTheProcessItsContext) {
  ASSERT_TRUE(load());
  answer({ready, done, refusal("crashed", "out_of_bounds")});
  EXPECT_EQ(fact(instance->run(request()).error(), "rule"), "out_of_bounds");
  EXPECT_TRUE(device->lost);
}

TEST_F(InstanceOnAGpu, WithoutRoomIsRunOnceMoreAfterOthersMadeSome) {
  ASSERT_TRUE(load());
  const RunRequest run = request();
  answer({refusal("crashed", "memory"), ready, done, encode(RunAnswer{.device_us = 12})});
  const auto report = instance->run(run);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->device_us, 12);
  EXPECT_THAT(asked_for_room, ElementsAre(&run));
  EXPECT_FALSE(device->lost);
}

TEST_F(InstanceOnAGpu, WithoutRoomThatNobodyMakesMayBeRunLater) {
  ASSERT_TRUE(load());
  room = false;
  answer({refusal("crashed", "memory")});
  EXPECT_TRUE(is_no_room(instance->run(request()).error()));
  answer({ready, done, encode(RunAnswer{.device_us = 12})});
  EXPECT_TRUE(instance->run(request()));
}

TEST_F(InstanceOnAGpu, IsProfiledAndProbedInOneExchangeEach) {
  ASSERT_TRUE(load());
  (void)heard();
  answer({encode(ProfileAnswer{.passes = 3}), encode(ProbeAnswer{.plain_us = {5}, .probed_us = {7}, .words = {1, 2}})});
  const auto profile = instance->profile(request(), {.library = "/cuda/libcupti.so", .steps = {1}});
  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->passes, 3);
  const auto probe = instance->probe(request(), {.step = 1, .cubin = "/cache/probed.cubin", .symbol = "scale"});
  ASSERT_TRUE(probe) << probe.error().message;
  EXPECT_THAT(probe->probed_us, ElementsAre(7));
  const std::vector<DeviceRequest> said = heard();
  ASSERT_EQ(said.size(), 2U);
  EXPECT_EQ(said[0].does, Does::profile);
  EXPECT_THAT(said[0].profile.steps, ElementsAre(1));
  EXPECT_EQ(said[1].does, Does::probe);
  EXPECT_EQ(said[1].probe.symbol, "scale");
}

TEST_F(InstanceOnAGpu, SaysGoodbyeToAProcessThatIsThere) {
  ASSERT_TRUE(load());
  (void)heard();
  answer({encode_number("dropped", 1)});
  instance.reset();
  const std::vector<DeviceRequest> said = heard();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].does, Does::drop);
  EXPECT_EQ(said[0].instance, 7);
  instance = another(8);
  device->lost = true;
  instance.reset();
  EXPECT_TRUE(heard().empty());
}

TEST_F(InstanceOnAGpu, ThatGetsNoAnswerToItsGoodbyeEndsTheProcess) {
  theirs = Channel();
  instance.reset();
  EXPECT_TRUE(device->lost);
}

}  // namespace
}  // namespace kerf
