#include "runner/bridge_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runner/fake_bridge.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using Kind = CallValue::Kind;

TEST(BridgeValue, TensorsCrossAndComeBackAsTheyWere) {
  const TensorSpec spec{.dtype = Dtype::bf16, .shape = {4, 5, 6}, .stride = {30, 1, 5}};
  EXPECT_EQ(from_bridge(to_bridge(spec)), spec);
  const TensorSpec number{.dtype = Dtype::i64, .shape = {}, .stride = {}};
  EXPECT_EQ(from_bridge(to_bridge(number)), number);
}

TEST(BridgeValue, TensorsAreEqualInTypeShapeAndStrides) {
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {2, 3}, .stride = {3, 1}};
  KerfSpec other = to_bridge(spec);
  EXPECT_TRUE(equal(spec, other));
  other.stride[0] = 6;
  EXPECT_FALSE(equal(spec, other));
  other = to_bridge(spec);
  other.dtype = kerf_f64;
  EXPECT_FALSE(equal(spec, other));
  other = to_bridge(spec);
  other.dims = 1;
  EXPECT_FALSE(equal(spec, other));
}

TEST(BridgeValue, ListsSayHowManyTheyHold) {
  const CallValue integers{.kind = Kind::integers, .integers = {3, 1, 2}};
  const BridgeValue three(integers);
  EXPECT_EQ(three.get().kind, kerf_integers);
  ASSERT_EQ(three.get().count, 3);
  EXPECT_EQ(three.get().integers[2], 2);
  const CallValue none{.kind = Kind::numbers};
  EXPECT_EQ(BridgeValue(none).get().count, 0);
  const CallValue some{.kind = Kind::tensors, .tensors = {4, no_tensor}};
  EXPECT_EQ(BridgeValue(some).get().count, 2);
  EXPECT_EQ(BridgeValue(some).get().tensors[1], -1) << "None";
  const CallValue flags{.kind = Kind::booleans, .integers = {1, 0}};
  EXPECT_EQ(BridgeValue(flags).get().count, 2);
}

TEST(BridgeValue, SingleValuesAreOne) {
  const CallValue number{.kind = Kind::number, .numbers = {0.5}};
  EXPECT_EQ(BridgeValue(number).get().count, 1);
  EXPECT_EQ(BridgeValue(number).get().numbers[0], 0.5);
  const CallValue text{.kind = Kind::text, .text = "mean"};
  EXPECT_STREQ(BridgeValue(text).get().text, "mean");
  const CallValue dtype{.kind = Kind::dtype, .dtypes = {Dtype::f16}};
  const BridgeValue moved = BridgeValue(dtype);
  EXPECT_EQ(moved.get().kind, kerf_dtype);
  EXPECT_EQ(moved.get().dtypes[0], kerf_f16) << "of the value's own memory, wherever it lies";
}

// What prepare was asked for: "OP.OVERLOAD", then the tensor of each argument.
std::vector<std::string>& asked() {
  static std::vector<std::string> all;
  return all;
}

struct PreparedCall : ::testing::Test {
  FakeBridge bridge;
  KerfBridge table = bridge.table();
  BoundCall call{.op = "aten::add",
                 .overload = "Tensor",
                 .args = {{.kind = Kind::tensor, .tensors = {0}}, {.kind = Kind::tensor, .tensors = {1}}},
                 .outs = {{.kind = BoundOut::Kind::write, .tensor = 7}},
                 .out_overload = "out"};
  PreparedCall() {
    asked().clear();
    table.prepare = [](const char* op, const char* overload, const KerfValue* args, std::int64_t count) {
      asked().push_back(std::string(op) + "." + overload);
      for (std::int64_t i = 0; i < count; ++i) asked().push_back(std::to_string(args[i].tensors[0]));
      return new KerfCall{.input = 0};
    };
  }
};

TEST_F(PreparedCall, HasTheArgumentsOfItsSchema) {
  EXPECT_TRUE(prepare_call(table, call, false));
  EXPECT_THAT(asked(), ElementsAre("aten::add.Tensor", "0", "1"));
}

TEST_F(PreparedCall, ByTheOutOverloadHasTheTensorsToWriteBehindThem) {
  EXPECT_TRUE(prepare_call(table, call, true));
  EXPECT_THAT(asked(), ElementsAre("aten::add.out", "0", "1", "7"));
}

TEST_F(PreparedCall, IsNoneWhereTheLibraryRefuses) {
  table.prepare = [](const char*, const char*, const KerfValue*, std::int64_t) -> KerfCall* { return nullptr; };
  EXPECT_FALSE(prepare_call(table, call, false));
}

}  // namespace
}  // namespace kerf
