#include "evaluate/oracle_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace kerf {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

Json judgement() {
  return {{"name", "out"},
          {"right", false},
          {"max_error", 0.5},
          {"reference_error", 1e-7},
          {"scale", 3},
          {"allowed", 0.1},
          {"got", 1.5},
          {"expected", 1.0},
          {"wrong", 7},
          {"unwritten", 2},
          {"nonfinite", 1},
          {"first_wrong", {0, 3}},
          {"box", {{0, 1}, {3, 5}}}};
}

TEST(OracleJson, AJudgementSaysWhereAndByHowMuchAnOutputIsWrong) {
  const auto read = judgement_from_json(judgement());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "out");
  EXPECT_FALSE(read->right);
  EXPECT_EQ(read->max_error, 0.5);
  EXPECT_EQ(read->scale, 3);
  EXPECT_EQ(read->wrong, 7);
  EXPECT_EQ(read->first_wrong, (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(read->box, (std::vector<std::pair<std::int64_t, std::int64_t>>{{0, 1}, {3, 5}}));
}

TEST(OracleJson, ADifferenceToWhatIsNoNumberArrivesAsOne) {
  Json json = judgement();
  json["max_error"] = {{"float", "inf"}};
  json["got"] = {{"float", "nan"}};
  const auto read = judgement_from_json(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(std::isinf(read->max_error));
  EXPECT_TRUE(std::isnan(read->got));
}

TEST(OracleJson, WhatIsNoJudgementIsNotTakenForOne) {
  const auto refused = [](const char* field, Json value) {
    Json json = judgement();
    json[field] = std::move(value);
    const auto read = judgement_from_json(json);
    EXPECT_FALSE(read) << field;
    return read ? std::string() : read.error().message;
  };
  EXPECT_THAT(refused("max_error", "much"), HasSubstr("field \"max_error\" of a judgement is no number"));
  EXPECT_THAT(refused("box", {{0, 1, 2}}), HasSubstr("no pairs of integers"));
  EXPECT_THAT(refused("box", {{0, 0.5}}), HasSubstr("no pairs of integers"));
  for (const char* field : {"name", "right", "wrong", "first_wrong", "allowed"}) {
    Json json = judgement();
    json.erase(field);
    EXPECT_FALSE(judgement_from_json(json)) << field;
  }
}

TEST(OracleJson, TensorsAreToldWithTheirPlaceOrWithout) {
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {2, 3}, .stride = {3, 1}};
  const Json placed = placed_json({{.name = "x", .spec = spec, .offset = 128}});
  ASSERT_EQ(placed.size(), 1U);
  EXPECT_EQ(placed[0].at("name"), "x");
  EXPECT_EQ(placed[0].at("offset"), 128);
  EXPECT_EQ(placed[0].at("shape"), Json({2, 3}));
  EXPECT_FALSE(named_json({{"x", spec}})[0].contains("offset"));
  EXPECT_THAT(named_json({}), IsEmpty());
}

TEST(OracleJson, AProblemWithoutAFileIsKnownByItsName) {
  const Problem problem{.id = "fake/1/1", .source = "class Model: pass", .mode = Mode::eval};
  const Json told = problem_json(problem, {{"rows", Value{std::int64_t{4}}}});
  EXPECT_EQ(told.at("path"), "fake/1/1");
  EXPECT_EQ(told.at("mode"), "eval");
  EXPECT_EQ(told.at("source"), "class Model: pass");
  EXPECT_EQ(told.at("allow_degenerate"), false);
}

TEST(OracleJson, MemoryOfADeviceIsGivenBackByItsLastHolder) {
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {4}, .stride = {1}};
  const Json reply = {{"memory", {{"id", "o1"}, {"handle", "6f"}, {"bytes", 1024}, {"offsets", {256, 512}}}}};
  std::vector<std::string> released;
  {
    auto arena = device_arena(reply, {{"a", spec}, {"b", spec}},
                              [&](const DeviceMemory& memory) { released.push_back(memory.id); });
    ASSERT_TRUE(arena) << arena.error().message;
    ASSERT_EQ(arena->tensors.size(), 2U);
    EXPECT_EQ(arena->tensors[1].name, "b");
    EXPECT_EQ(arena->tensors[1].offset, 512U);
    EXPECT_EQ(arena->device->bytes, 1024U);
    const auto holder = arena->device;
    *arena = Arena();
    EXPECT_THAT(released, IsEmpty());
  }
  EXPECT_THAT(released, testing::ElementsAre("o1"));
}

TEST(OracleJson, MemoryForAnotherNumberOfTensorsIsNone) {
  const Json reply = {{"memory", {{"id", "o1"}, {"handle", "6f"}, {"bytes", 1024}, {"offsets", {256, 512}}}}};
  int released = 0;
  const auto arena = device_arena(reply, {}, [&](const DeviceMemory&) { ++released; });
  ASSERT_FALSE(arena);
  EXPECT_EQ(arena.error().kind, ErrorKind::internal);
  EXPECT_FALSE(device_arena({{"ok", true}}, {}, [&](const DeviceMemory&) { ++released; }));
  EXPECT_EQ(released, 0);
}

TEST(OracleJson, OutputsOnADeviceAreUntouchedAroundOrNot) {
  EXPECT_EQ(margin_hit_from_json({{"hit", nullptr}}).value(), std::nullopt);
  const auto hit = margin_hit_from_json({{"hit", {{"name", "y"}, {"behind", true}, {"distance", 12}}}});
  ASSERT_TRUE(hit && *hit);
  EXPECT_EQ((*hit)->name, "y");
  EXPECT_TRUE((*hit)->behind);
  EXPECT_EQ((*hit)->distance, 12U);
  EXPECT_FALSE(margin_hit_from_json({{"difference", nullptr}}));
  EXPECT_FALSE(margin_hit_from_json({{"hit", {{"name", "y"}, {"behind", true}}}}));
}

TEST(OracleJson, OutputsOfTwoRunsOnADeviceAreTheSameOrNot) {
  EXPECT_EQ(difference_from_json({{"difference", nullptr}}).value(), std::nullopt);
  const auto found = difference_from_json({{"difference", {{"name", "y"}, {"first", {1, 4}}, {"count", 9}}}});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->name, "y");
  EXPECT_EQ((*found)->first, (std::vector<std::int64_t>{1, 4}));
  EXPECT_EQ((*found)->count, 9);
  EXPECT_FALSE(difference_from_json({{"hit", nullptr}}));
  EXPECT_FALSE(difference_from_json({{"difference", {{"name", "y"}, {"count", 9}}}}));
}

}  // namespace
}  // namespace kerf
