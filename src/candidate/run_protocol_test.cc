#include "candidate/run_protocol.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(RunProtocol, LoadSurvivesTheTrip) {
  LoadMessage message{.candidate = {.text = "/* \xff */", .language = Language::cpp, .name = "a.cpp"},
                      .workload = {},
                      .tune = {{"BLOCK", Value{std::int64_t{64}}}, {"SCALE", Value{1.0}}},
                      .threads = 3,
                      .memory_limit = std::int64_t{1} << 40};
  message.candidate.text = "/* é */";
  message.workload.id = "w";
  message.workload.outputs = {{.dtype = Dtype::bf16, .shape = {2}, .stride = {1}}};
  const auto back = decode_load(encode(message));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->candidate.text, message.candidate.text);
  EXPECT_EQ(back->tune, message.tune);
  EXPECT_EQ(back->threads, 3);
  EXPECT_EQ(back->memory_limit, message.memory_limit);
  EXPECT_EQ(back->workload.outputs, message.workload.outputs);
}

TEST(RunProtocol, RunKeepsAllBitsOfSeedAndSentinel) {
  const RunMessage message{.inputs = {0, 4096},
                           .outputs = {64},
                           .sentinel = 0xffffffffffffffff,
                           .seed = 0x8000000000000001,
                           .descending = true,
                           .timed = false,
                           .cold = true};
  const auto back = decode_run(encode(message));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->inputs, message.inputs);
  EXPECT_EQ(back->outputs, message.outputs);
  EXPECT_EQ(back->sentinel, message.sentinel);
  EXPECT_EQ(back->seed, message.seed);
  EXPECT_TRUE(back->descending && back->cold && !back->timed);
}

TEST(RunProtocol, ErrorArrivesAsTheError) {
  const Error error{
      .kind = ErrorKind::candidate, .message = "no", .at = Location{3, 7}, .facts = {{"verdict", "rejected"}}};
  const auto back = decode_answer(encode(error));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().kind, ErrorKind::candidate);
  EXPECT_EQ(back.error().message, "no");
  EXPECT_EQ(back.error().at, error.at);
  EXPECT_EQ(back.error().facts, error.facts);
}

TEST(RunProtocol, ChildCannotSpeakAsTheUser) {
  EXPECT_EQ(decode_answer(encode(Error{.kind = ErrorKind::user, .message = "quit"})).error().kind, ErrorKind::system);
}

TEST(RunProtocol, NonsenseIsAnErrorOfKindSystem) {
  for (const char* body :
       {"", "{", "[]", "{\"device_us\": \"x\"}", "{\"error\": 3}", "{\"error\": \"x\", \"facts\": [1]}"}) {
    const auto back = decode_answer(body);
    ASSERT_FALSE(back) << body;
    EXPECT_EQ(back.error().kind, ErrorKind::system) << body;
  }
}

TEST(RunProtocol, NumbersTravelUnderTheirKey) {
  EXPECT_EQ(decode_number("pid", encode_number("pid", 77)).value_or(0), 77);
  EXPECT_FALSE(decode_number("status", encode_number("pid", 77)));
}

}  // namespace
}  // namespace kerf
