#include "candidate/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <fstream>

namespace kerf {
namespace {

Schema parsed(std::string_view text) {
  auto schema = parse_schema(text);
  EXPECT_TRUE(schema) << schema.error().message;
  return schema ? *std::move(schema) : Schema{};
}

TEST(Schemas, names_types_and_defaults_are_read) {
  const Schema schema = parsed(
      "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor");
  EXPECT_EQ(schema.name, "aten::sum");
  EXPECT_EQ(schema.overload, "dim_IntList");
  ASSERT_EQ(schema.arguments.size(), 4U);
  EXPECT_EQ(schema.arguments[1].name, "dim");
  EXPECT_EQ(to_string(schema.arguments[1].type), "int[1]?");
  EXPECT_EQ(schema.arguments[1].type.size, 1);
  EXPECT_FALSE(schema.arguments[2].keyword_only);
  EXPECT_TRUE(schema.arguments[3].keyword_only);
  EXPECT_EQ(schema.arguments[3].default_value, "None");
  EXPECT_EQ(schema.results.size(), 1U);
}

TEST(Schemas, the_overload_without_a_name_is_default) {
  const Schema schema = parsed("aten::relu(Tensor self) -> Tensor");
  EXPECT_EQ(schema.name, "aten::relu");
  EXPECT_EQ(schema.overload, "");
}

TEST(Schemas, annotations_say_what_is_written_and_what_is_a_view) {
  const Schema out = parsed(
      "aten::max.dim_max(Tensor self, int dim, bool keepdim=False, *, Tensor(a!) max, Tensor(b!) max_values) -> "
      "(Tensor(a!) values, Tensor(b!) indices)");
  EXPECT_FALSE(out.arguments[0].written);
  EXPECT_TRUE(out.arguments[3].written);
  EXPECT_EQ(out.arguments[4].alias, "b");
  ASSERT_EQ(out.results.size(), 2U);
  EXPECT_EQ(out.results[1].name, "indices");
  const Schema split = parsed("aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]");
  EXPECT_FALSE(split.arguments[0].written);
  EXPECT_EQ(split.arguments[0].alias, "a -> *");
  EXPECT_TRUE(split.results[0].type.list);
  const Schema foreach = parsed("aten::_foreach_add_.Scalar(Tensor(a!)[] self, Scalar scalar) -> ()");
  EXPECT_TRUE(foreach.arguments[0].written);
  EXPECT_TRUE(foreach.arguments[0].type.list);
  EXPECT_TRUE(foreach.results.empty());
}

TEST(Schemas, optional_elements_differ_from_optional_lists) {
  const Schema schema = parsed("aten::f(Tensor?[] a, float[]? b, Tensor? c, SymInt[2] d) -> ()");
  EXPECT_TRUE(schema.arguments[0].type.optional_element);
  EXPECT_FALSE(schema.arguments[0].type.optional);
  EXPECT_TRUE(schema.arguments[1].type.optional);
  EXPECT_FALSE(schema.arguments[1].type.optional_element);
  EXPECT_TRUE(schema.arguments[2].type.optional);
  EXPECT_EQ(schema.arguments[3].type.size, 2);
}

TEST(Schemas, text_that_is_no_schema_is_an_error_that_names_the_place) {
  for (const char* text : {"", "aten::f", "f(Tensor x) -> Tensor", "aten::f(Tensor x -> Tensor",
                           "aten::f(Tensor) -> Tensor", "aten::f(Tensor x) Tensor", "aten::f(Tensor x) -> Tensor y z",
                           "aten::f(Tensor( x) -> Tensor", "aten::f(int[ x) -> ()"}) {
    EXPECT_FALSE(parse_schema(text)) << text;
  }
}

struct Default {
  const char* type;
  const char* text;
  const char* value;  // nullptr: none that can be passed
};
class Defaults : public testing::TestWithParam<Default> {};
TEST_P(Defaults, stand_for_values) {
  const Default& each = GetParam();
  const Schema schema = parsed(std::string("aten::f(") + each.type + " x=" + each.text + ") -> ()");
  ASSERT_EQ(schema.arguments.size(), 1U);
  const auto value = default_of(schema.arguments[0]);
  ASSERT_EQ(value.has_value(), each.value != nullptr);
  if (value) {
    EXPECT_EQ(to_string(*value), each.value);
  }
}
INSTANTIATE_TEST_SUITE_P(
    All, Defaults,
    testing::Values(Default{"Tensor?", "None", "none"}, Default{"int", "-100", "-100"},
                    Default{"float", "1.0000000000000001e-05", "1e-05"}, Default{"float", "1.", "1.0"},
                    Default{"Scalar", "1", "1"}, Default{"Scalar", "0.5", "0.5"}, Default{"bool", "True", "true"},
                    Default{"str", "\"none\"", "\"none\""}, Default{"str", "'mean'", "\"mean\""},
                    Default{"int[2]", "1", "[1, 1]"}, Default{"SymInt[2]", "[0, 1]", "[0, 1]"},
                    Default{"int[]", "[]", "[]"}, Default{"MemoryFormat", "0", "\"contiguous_format\""},
                    Default{"MemoryFormat", "channels_last", "\"channels_last\""}, Default{"ScalarType", "6", "f32"},
                    Default{"bool[3]", "[True, False, True]", "[true, false, true]"},
                    Default{"Layout?", "None", "none"}, Default{"Device", "0", nullptr},
                    Default{"ScalarType", "99", nullptr}, Default{"int", "x", nullptr}));

// All operators of one version of PyTorch are too many to keep; those that the tests and examples use stand here as
// printed.
TEST(Schemas, an_argument_without_default_has_none) {
  EXPECT_FALSE(default_of(parsed("aten::f(int x) -> ()").arguments[0]));
}

// A schema made of its parts reads back as these parts.
RC_GTEST_PROP(Schemas, parts_survive_printing, ()) {
  const auto bases = std::vector<std::pair<std::string, SchemaBase>>{
      {"Tensor", SchemaBase::tensor},   {"int", SchemaBase::integer},   {"float", SchemaBase::number},
      {"bool", SchemaBase::boolean},    {"Scalar", SchemaBase::scalar}, {"str", SchemaBase::text},
      {"ScalarType", SchemaBase::dtype}};
  const int count = *rc::gen::inRange(0, 8);
  const int keyword_from = *rc::gen::inRange(0, 9);
  std::string text = "aten::op.over(";
  std::vector<SchemaArgument> expected;
  for (int i = 0; i < count; ++i) {
    const auto& [name, base] = *rc::gen::elementOf(bases);
    SchemaArgument argument;
    argument.type.base = base;
    argument.name = "a" + std::to_string(i);
    argument.keyword_only = i >= keyword_from;
    argument.written = base == SchemaBase::tensor && *rc::gen::arbitrary<bool>();
    argument.type.list = *rc::gen::arbitrary<bool>();
    argument.type.optional = *rc::gen::arbitrary<bool>();
    if (argument.type.list && base == SchemaBase::integer) argument.type.size = *rc::gen::inRange(0, 4);
    if (i > 0) text += ", ";
    if (i == keyword_from) text += "*, ";
    text += name + (argument.written ? "(a!)" : "");
    if (argument.type.list) text += argument.type.size > 0 ? "[" + std::to_string(argument.type.size) + "]" : "[]";
    text += std::string(argument.type.optional ? "?" : "") + " " + argument.name;
    expected.push_back(argument);
  }
  const auto found = parse_schema(text + ") -> Tensor");
  RC_ASSERT(found.has_value());
  RC_ASSERT(found->arguments.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    RC_ASSERT(found->arguments[i].name == expected[i].name);
    RC_ASSERT(found->arguments[i].type == expected[i].type);
    RC_ASSERT(found->arguments[i].written == expected[i].written);
    RC_ASSERT(found->arguments[i].keyword_only == expected[i].keyword_only);
  }
}

RC_GTEST_PROP(Schemas, any_text_ends_in_a_schema_or_an_error, (const std::string& text)) {
  (void)parse_schema("aten::f(" + text);
  (void)parse_schema(text);
}

}  // namespace
}  // namespace kerf
