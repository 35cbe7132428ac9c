#include "evaluate/loop_diagnosis.h"

#include <gmock/gmock.h>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

HotLoop loop(double cycles, double port_cycles) {
  HotLoop l;
  l.code = {.function = "k", .vector = 4, .vector_bits = 512};
  l.model = {.processor = "znver4",
             .cycles = cycles,
             .port_cycles = port_cycles,
             .instructions = 6,
             .port = "Zn4Load",
             .port_use = port_cycles / cycles,
             .port_work = LoopWork::loads};
  return l;
}

Diagnosis latency() {
  Diagnosis d;
  d.bound = Bound::latency;
  d.hot_spots = {{.line = 3, .what = "k takes 99 %", .evidence = Evidence::silicon}};
  d.advice = {"unroll: neither memory nor arithmetic is busy", "threads: one task for two threads"};
  return d;
}

TEST(LoopDiagnosis, AChainAsksForAccumulators) {
  Diagnosis d = latency();
  add_loop(d, loop(4, 1), "k", 3);
  EXPECT_THAT(d.causes, ElementsAre(Field(&Cause::name, "dependency_chain")));
  EXPECT_EQ(d.causes[0].evidence, Evidence::statically);
  EXPECT_THAT(d.causes[0].what, HasSubstr("4.0 cycles"));
  EXPECT_THAT(d.advice, ElementsAre(StartsWith("accumulators:"), StartsWith("threads:")))
      << "what was general gives way";
  EXPECT_EQ(d.hot_spots[1].line, 3);
  EXPECT_EQ(d.metrics.at("loop.cycles.ports").value, 1);
}

TEST(LoopDiagnosis, AFullPortIsNamedWithWhatFillsIt) {
  Diagnosis d = latency();
  add_loop(d, loop(2, 1.9), "k", 3);
  EXPECT_THAT(d.causes, ElementsAre(Field(&Cause::name, "port_pressure")));
  EXPECT_THAT(d.causes[0].what, HasSubstr("loads fill Zn4Load in 95 %"));
  EXPECT_THAT(d.advice[0], StartsWith("tile: loads"));
}

TEST(LoopDiagnosis, CallsAndScalarsComeFirst) {
  Diagnosis d = latency();
  HotLoop l = loop(2, 1.9);
  l.code.calls = 1;
  l.code.scalar = 5;
  add_loop(d, l, "k", 3);
  EXPECT_THAT(d.causes, ElementsAre(Field(&Cause::name, "calls_in_loop"), Field(&Cause::name, "scalar_loop"),
                                    Field(&Cause::name, "port_pressure")));
}

TEST(LoopDiagnosis, ALoopThatNeitherWaitsNorFillsAPortExplainsNothing) {
  Diagnosis d = latency();
  const auto before = d.advice;
  add_loop(d, loop(2, 1.4), "k", 3);
  EXPECT_THAT(d.causes, IsEmpty());
  EXPECT_EQ(d.advice, before);
}

TEST(LoopDiagnosis, WhatMemoryBoundsTheModelDoesNotExplain) {
  for (const auto bound : {Bound::memory, Bound::launch, Bound::host, Bound::none}) {
    Diagnosis d = latency();
    d.bound = bound;
    add_loop(d, loop(4, 1), "k", 3);
    EXPECT_THAT(d.causes, IsEmpty());
    EXPECT_EQ(d.metrics.at("loop.cycles").value, 4);
  }
}

TEST(LoopDiagnosis, TheLongestStepIsTheOneToExplain) {
  Plan plan;
  for (const auto kind : {Step::Kind::launch, Step::Kind::call, Step::Kind::launch}) {
    plan.steps.emplace_back().kind = kind;
    plan.steps.back().target.text = "s" + std::to_string(plan.steps.size());
  }
  Diagnosis d;
  EXPECT_EQ(dominating_launch(plan, d), nullptr) << "nothing is known";
  d.metrics["step.0"] = {.value = 1, .unit = "us"};
  d.metrics["step.1"] = {.value = 5, .unit = "us"};
  EXPECT_EQ(dominating_launch(plan, d), nullptr) << "a call";
  d.metrics["step.2"] = {.value = 7, .unit = "us"};
  ASSERT_NE(dominating_launch(plan, d), nullptr);
  EXPECT_EQ(dominating_launch(plan, d)->target.text, "s3");
}

}  // namespace
}  // namespace kerf
