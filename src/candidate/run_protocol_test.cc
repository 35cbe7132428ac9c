#include "candidate/run_protocol.h"

#include <gtest/gtest.h>

#include <tuple>
#include <vector>

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

TEST(RunProtocol, WhatWasWatchedSurvivesTheTrip) {
  EXPECT_FALSE(decode_run(encode(RunMessage{}))->watch);
  EXPECT_EQ(decode_run(encode(RunMessage{.watch = std::vector{0, 2}}))->watch, (std::vector{0, 2}));
  EXPECT_FALSE(decode_answer(encode(RunAnswer{}))->watched);
  const StepWatch step{.step = 2,
                       .page_faults = 7,
                       .major_faults = 1,
                       .tasks = 64,
                       .busiest_us = {3, 4},
                       .all_us = {5, 6},
                       .apart_us = {2.5},
                       .chunk_us = {1, 2, 3},
                       .lines = {.lines = 10,
                                 .shared_lines = 4,
                                 .writes = 20,
                                 .shared_writes = 8,
                                 .looked_at = 640,
                                 .writable = 1280,
                                 .argument = 3},
                       .no_lines = "too much"};
  const auto back =
      decode_answer(encode(RunAnswer{.watched = RunWatch{.page_fault_us = 0.5, .nodes = 2, .steps = {step}}}));
  ASSERT_TRUE(back && back->watched);
  EXPECT_EQ(back->watched->page_fault_us, 0.5);
  EXPECT_EQ(back->watched->nodes, 2);
  ASSERT_EQ(back->watched->steps.size(), 1u);
  const StepWatch& s = back->watched->steps[0];
  EXPECT_EQ(std::tuple(s.step, s.page_faults, s.major_faults, s.tasks), std::tuple(2, 7, 1, 64));
  EXPECT_EQ(s.busiest_us, step.busiest_us);
  EXPECT_EQ(s.all_us, step.all_us);
  EXPECT_EQ(s.apart_us, step.apart_us);
  EXPECT_EQ(s.chunk_us, step.chunk_us);
  EXPECT_EQ(std::tuple(s.lines.lines, s.lines.shared_lines, s.lines.writes, s.lines.shared_writes),
            std::tuple(10, 4, 20, 8));
  EXPECT_EQ(std::tuple(s.lines.looked_at, s.lines.writable, s.lines.argument), std::tuple(640, 1280, 3));
  EXPECT_EQ(s.no_lines, "too much");
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
