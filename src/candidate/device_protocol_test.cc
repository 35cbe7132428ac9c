#include "candidate/device_protocol.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

TEST(DeviceProtocol, FactsTravel) {
  const DeviceFacts facts{.name = "NVIDIA H100", .index = 1, .capability = 90, .sms = 132, .l2_bytes = 52428800};
  const auto back = decode_device_facts(encode(facts));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(to_json(*back), to_json(facts));
}

TEST(DeviceProtocol, AnErrorComesInPlaceOfFacts) {
  const auto back = decode_device_facts(encode(Error{.kind = ErrorKind::unavailable, .message = "no driver, no GPU"}));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(back.error().message, "no driver, no GPU");
}

TEST(DeviceProtocol, RequestsTravel) {
  DeviceRequest request{.does = DeviceRequest::Does::load, .instance = 7};
  request.load.candidate = {.text = "text", .language = Language::cuda, .name = "k.cu"};
  request.load.tune = {{"B", Value{std::int64_t{128}}}};
  request.image = "/cache/x.cubin";
  request.symbols = {{"k<B>", "_Z1kILl128EEvPf"}};
  const auto load = decode_device_request(encode(request));
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_EQ(load->instance, 7);
  EXPECT_EQ(load->load.candidate.text, "text");
  EXPECT_EQ(load->symbols, request.symbols);
  DeviceRequest run{.does = DeviceRequest::Does::run, .instance = 7};
  run.run.sentinel = 0xC480448044804480ULL;
  run.inputs = std::string(128, 'a');
  const auto back = decode_device_request(encode(run));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->run.sentinel, run.run.sentinel);
  EXPECT_EQ(back->inputs, run.inputs);
}

TEST(DeviceProtocol, ProfilesTravel) {
  DeviceRequest ask{.does = DeviceRequest::Does::profile, .instance = 3};
  ask.profile = {.library = "/cuda/libcupti.so.13",
                 .groups = {{"a", "b"}, {"c"}},
                 .steps = {0, 4},
                 .samples = true,
                 .activity = true};
  const auto asked = decode_device_request(encode(ask));
  ASSERT_TRUE(asked) << asked.error().message;
  EXPECT_EQ(asked->does, DeviceRequest::Does::profile);
  EXPECT_EQ(asked->profile.groups, ask.profile.groups);
  EXPECT_EQ(asked->profile.steps, ask.profile.steps);
  EXPECT_TRUE(asked->profile.samples);
  EXPECT_TRUE(asked->profile.activity);
  ask.does = DeviceRequest::Does::expect;
  const auto expected = decode_device_request(encode(ask));
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(expected->does, DeviceRequest::Does::expect);
  EXPECT_EQ(expected->profile.groups, ask.profile.groups);
  const ProfileAnswer answer{.launches = {{.step = 4,
                                           .threads = 256,
                                           .blocks = 1 << 20,
                                           .registers = 40,
                                           .shared_bytes = 4096,
                                           .local_bytes = 16,
                                           .counters = {{"dram__bytes_read.sum", 1.5e9}}}},
                             .samples = {{.step = 4,
                                          .cubin = "abc.cubin",
                                          .at = {{.function = "k", .offset = 0x70, .stalls = {{"barrier", 12}}}},
                                          .lost = 3}},
                             .no_samples = "unavailable: a reason",
                             .activity = {{.kind = DeviceActivity::Kind::kernel,
                                           .name = "k",
                                           .stream = 7,
                                           .begin_ns = 1'700'000'000'000'000'123U,
                                           .end_ns = 1'700'000'000'000'000'456U,
                                           .grid = {1, 2, 3},
                                           .block = {256, 1, 1},
                                           .registers = 40,
                                           .shared_bytes = 1024},
                                          {.kind = DeviceActivity::Kind::fill, .stream = 13, .bytes = mark_bytes}},
                             .no_activity = "unavailable: another reason",
                             .unknown = {"lts__of_another_chip.sum"},
                             .passes = 17,
                             .seconds = 0.25,
                             .parts = {{"counters", 0.125}}};
  const auto back = decode_profile(encode(answer));
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->launches.size(), 1u);
  EXPECT_EQ(back->launches[0].counters, answer.launches[0].counters);
  EXPECT_EQ(back->launches[0].blocks, 1 << 20);
  EXPECT_EQ(back->unknown, answer.unknown);
  EXPECT_EQ(back->passes, 17);
  EXPECT_EQ(back->parts, answer.parts);
  EXPECT_EQ(back->activity, answer.activity);
  EXPECT_EQ(back->no_activity, answer.no_activity);
  std::string of_tomorrow = encode(answer);
  of_tomorrow.replace(of_tomorrow.find("[[0,"), 4, "[[9,");
  EXPECT_FALSE(decode_profile(of_tomorrow));
  EXPECT_EQ(back->no_samples, answer.no_samples);
  ASSERT_EQ(back->samples.size(), 1u);
  EXPECT_EQ(back->samples[0].cubin, "abc.cubin");
  EXPECT_EQ(back->samples[0].lost, 3);
  ASSERT_EQ(back->samples[0].at.size(), 1u);
  EXPECT_EQ(back->samples[0].at[0].offset, 0x70u);
  EXPECT_EQ(back->samples[0].at[0].stalls, answer.samples[0].at[0].stalls);
}

TEST(DeviceProtocol, ProbesArriveAsTheyWereSent) {
  const DeviceRequest request{.does = DeviceRequest::Does::probe,
                              .instance = 3,
                              .probe = {.step = 2,
                                        .cubin = "/tmp/a.cubin",
                                        .symbol = "k",
                                        .num_warps = 8,
                                        .shared_bytes = 4096,
                                        .parameters = 5,
                                        .scratch = {0, 128},
                                        .bytes = 1 << 20,
                                        .rounds = 7}};
  const auto back = decode_device_request(encode(request));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->does, DeviceRequest::Does::probe);
  EXPECT_EQ(back->probe.symbol, "k");
  EXPECT_EQ(back->probe.scratch, request.probe.scratch);
  EXPECT_EQ(back->probe.bytes, 1 << 20);
  const auto answer =
      decode_probe(encode(ProbeAnswer{.plain_us = {1.5}, .probed_us = {2}, .words = {~std::uint64_t{0}, 7}}));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->words, (std::vector<std::uint64_t>{~std::uint64_t{0}, 7}));
  EXPECT_EQ(answer->plain_us, std::vector<double>{1.5});
  EXPECT_FALSE(decode_probe(encode(Error{.kind = ErrorKind::unavailable, .message = "no"})));
  EXPECT_FALSE(decode_probe("{}"));
}

TEST(DeviceProtocol, AnErrorComesInPlaceOfAProfile) {
  const auto back = decode_profile(encode(Error{.kind = ErrorKind::unavailable, .message = "no rights"}));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(decode_profile("{}"));
  EXPECT_FALSE(decode_profile(R"({"profile": [{"step": "x"}], "unknown": [], "passes": 1, "seconds": 0})"));
}

TEST(DeviceProtocol, HandlesAreSixtyFourBytes) {
  EXPECT_EQ(handle_bytes(std::string(126, '0') + "ff")->back(), 255);
  EXPECT_FALSE(handle_bytes("ff"));
  EXPECT_FALSE(handle_bytes(std::string(128, 'x')));
}

RC_GTEST_PROP(DeviceProtocol, AnyTextIsRead, (const std::string& text)) {
  (void)decode_device_request(text);
  (void)decode_device_facts(text);
  (void)decode_device_request("{\"do\": \"run\", \"instance\": 1, \"run\": \"" + text + "\"}");
}

TEST(DeviceProtocol, CountsThatAreNoIntegersAreNotUnderstood) {
  ProfileAnswer answer;
  answer.launches.push_back({.step = 7, .threads = 64, .blocks = 3, .counters = {{"a", 1.5}}});
  const std::string text = encode(answer);
  ASSERT_TRUE(decode_profile(text));
  for (const char* wrong : {"1e30", "7.5", "99999999999", "-99999999999", "null", "\"7\""}) {
    std::string changed = text;
    const auto at = changed.find("\"step\":7");
    ASSERT_NE(at, changed.npos);
    changed.replace(at, 8, std::string("\"step\":") + wrong);
    EXPECT_FALSE(decode_profile(changed)) << wrong;
  }
}

}  // namespace
}  // namespace kerf
