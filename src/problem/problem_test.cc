#include "problem/problem.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "problem/glob.h"
#include "problem/json_fields.h"
#include "problem/literal.h"
#include "problem/suite.h"
#include "problem/suite_text.h"
#include "problem/variants.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Value integer(std::int64_t n) { return Value{n}; }

rc::Gen<Value> any_value(int depth = 2) {
  auto leaf =
      rc::gen::oneOf(rc::gen::just(Value{}), rc::gen::map(rc::gen::arbitrary<bool>(), [](bool b) { return Value{b}; }),
                     rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t n) { return Value{n}; }),
                     rc::gen::map(rc::gen::inRange<std::int64_t>(-1'000'000, 1'000'000),
                                  [](std::int64_t n) { return Value{static_cast<double>(n) / 64}; }),
                     rc::gen::map(rc::gen::container<std::string>(rc::gen::inRange('a', 'z')),
                                  [](std::string s) { return Value{std::move(s)}; }));
  if (depth == 0) return leaf;
  return rc::gen::oneOf(leaf, rc::gen::map(rc::gen::container<ValueList>(any_value(depth - 1)),
                                           [](ValueList list) { return Value{std::move(list)}; }));
}

RC_GTEST_PROP(Value, ComesBackFromItsJson, ()) {
  const Value value = *any_value();
  const auto text = to_json(value).dump();
  const auto back = value_from_json(nlohmann::json::parse(text));
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == value);
}

TEST(Value, KeepsFloatsApartFromIntegers) {
  EXPECT_EQ(to_string(Value{1.0}), "1.0");
  EXPECT_EQ(to_string(integer(1)), "1");
  EXPECT_TRUE(std::holds_alternative<double>(value_from_json(nlohmann::json::parse("1.0"))->is));
}

TEST(Value, CarriesInfinityThroughJson) {
  for (const double number : {INFINITY, -INFINITY}) {
    const auto back = value_from_json(nlohmann::json::parse(to_json(Value{number}).dump()));
    ASSERT_TRUE(back.has_value());
    EXPECT_EQ(std::get<double>(back->is), number);
  }
}

TEST(Value, RefusesObjectsAndNumbersBeyond64Bits) {
  EXPECT_FALSE(value_from_json(nlohmann::json::parse("{\"a\": 1}")).has_value());
  EXPECT_FALSE(value_from_json(nlohmann::json::parse("18446744073709551615")).has_value());
}

TEST(Value, IsSpelledAsAnExpressionWouldSayIt) {
  EXPECT_EQ(to_string(Value{ValueList{integer(3), Value{}, Value{true}, Value{std::string("a\"b")}}}),
            "[3, none, true, \"a\\\"b\"]");
}

TEST(TensorSpec, CountsBytesToBehindTheLastElement) {
  EXPECT_EQ((TensorSpec{.dtype = Dtype::f32, .shape = {2, 3}, .stride = {3, 1}}.storage_bytes()), 24U);
  EXPECT_EQ((TensorSpec{.dtype = Dtype::f32, .shape = {2, 3}, .stride = {0, 1}}.storage_bytes()), 12U);
  EXPECT_EQ((TensorSpec{.dtype = Dtype::f64, .shape = {0, 3}, .stride = {3, 1}}.storage_bytes()), 0U);
  EXPECT_EQ((TensorSpec{.dtype = Dtype::boolean, .shape = {}, .stride = {}}.storage_bytes()), 1U);
}

TEST(TensorSpec, IgnoresStridesOfDimensionsOfOneAsPyTorchDoes) {
  EXPECT_TRUE((TensorSpec{.dtype = Dtype::f32, .shape = {4, 1, 5}, .stride = {5, 999, 1}}.contiguous()));
  EXPECT_FALSE((TensorSpec{.dtype = Dtype::f32, .shape = {4, 5}, .stride = {1, 4}}.contiguous()));
  EXPECT_TRUE((TensorSpec{.dtype = Dtype::f32, .shape = {0, 5}, .stride = {1, 4}}.contiguous()));
}

RC_GTEST_PROP(TensorSpec, ContiguousStridesAreContiguous, ()) {
  auto shape = *rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 7));
  shape.resize(std::min<std::size_t>(shape.size(), 8));
  const TensorSpec spec{.dtype = Dtype::i16, .shape = shape, .stride = contiguous_strides(shape)};
  RC_ASSERT(spec.contiguous());
  RC_ASSERT(spec.storage_bytes() == static_cast<std::size_t>(spec.numel()) * 2);
  RC_ASSERT(*tensor_from_json(to_json(spec)) == spec);
}

TEST(TensorSpec, RefusesWhatNoMemoryHolds) {
  const auto huge = nlohmann::json::parse(R"({"dtype": "f32", "shape": [4294967296, 4294967296], "stride": [1, 1]})");
  EXPECT_FALSE(tensor_from_json(huge).has_value());
  const auto ragged = nlohmann::json::parse(R"({"dtype": "f32", "shape": [2], "stride": [1, 1]})");
  EXPECT_THAT(tensor_from_json(ragged).error().message, HasSubstr("1 dimensions has 2 strides"));
  const auto typed = nlohmann::json::parse(R"({"dtype": "c64", "shape": [], "stride": []})");
  EXPECT_THAT(tensor_from_json(typed).error().message, HasSubstr("c64"));
}

Workload small_workload() {
  const TensorSpec spec{.dtype = Dtype::f32, .shape = {4, 8}, .stride = {8, 1}};
  Workload workload{.id = "w"};
  workload.sizes = {{"n", integer(4)}};
  workload.tensors = {{.name = "x", .role = Role::input, .spec = spec, .drawn = "rand"},
                      {.name = "conv.weight", .role = Role::parameter, .spec = spec, .drawn = "perturbed"}};
  workload.init = {{"eps", Value{1e-5}}, {"shape", Value{ValueList{integer(3), integer(5)}}}};
  workload.outputs = {spec};
  GraphNode node{.name = "cat", .op = "aten.cat.default"};
  node.args = {Argument{ArgumentList{Argument{TensorRef{"x", 0}}, Argument{TensorRef{"conv.weight", 0}}}},
               Argument{integer(1)}, Argument{Value{-INFINITY}}};
  node.kwargs = {{"dtype", Argument{Dtype::f64}}, {"memory_format", Argument{Value{std::string("channels_last")}}}};
  node.results = {spec, spec};
  node.mutates_buffer = true;
  workload.exported.nodes = {node};
  workload.exported.outputs = {TensorRef{"cat", 1}};
  workload.core = workload.exported;
  workload.bytes = 123;
  workload.operations = 4.5e9;
  workload.eager_us = 7.25;
  return workload;
}

TEST(Workload, ComesBackFromItsJson) {
  const auto json = to_json(small_workload());
  const auto back = workload_from_json(nlohmann::json::parse(json.dump()));
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(to_json(*back), json);
  EXPECT_EQ(back->exported.nodes[0].args, small_workload().exported.nodes[0].args);
  EXPECT_EQ(back->exported.outputs[0].index, 1);
}

TEST(Workload, SaysWhereConvolutionsAreExact) {
  Workload workload = small_workload();
  EXPECT_FALSE(to_json(workload).contains("exact_convolutions"));
  EXPECT_FALSE(workload_from_json(to_json(workload))->exact_convolutions);
  workload.exact_convolutions = true;
  EXPECT_TRUE(workload_from_json(to_json(workload))->exact_convolutions);
}

TEST(Workload, NamesTheFieldThatIsMissing) {
  for (const char* name : {"id", "tensors", "init", "outputs", "exported", "core", "bytes"}) {
    auto json = to_json(small_workload());
    json.erase(name);
    const auto back = workload_from_json(json);
    ASSERT_FALSE(back.has_value()) << name;
    EXPECT_THAT(back.error().message, HasSubstr(name));
  }
}

TEST(Workload, NumbersItsOutputsOnlyWhereThereAreSeveral) {
  Workload workload = small_workload();
  EXPECT_EQ(workload.output_name(0), "out");
  workload.outputs.push_back(workload.outputs[0]);
  EXPECT_EQ(workload.output_name(1), "out1");
}

TEST(Problem, DigestDependsOnSourceSizesAndMode) {
  const Problem base{.source = "a"};
  Problem other = base;
  EXPECT_EQ(base.digest(), other.digest());
  other.sizes["n"] = integer(1);
  EXPECT_NE(base.digest(), other.digest());
  other = base;
  other.mode = Mode::eval;
  EXPECT_NE(base.digest(), other.digest());
  other = base;
  other.path = "elsewhere";
  EXPECT_EQ(base.digest(), other.digest());
}

struct LiteralCase {
  const char* text;
  const char* expected;  // of to_string, or what the error says
};

class Literal : public ::testing::TestWithParam<LiteralCase> {};
TEST_P(Literal, ReadsWhatPythonReads) {
  const auto value = parse_literal(GetParam().text);
  ASSERT_TRUE(value.has_value()) << value.error().message;
  EXPECT_EQ(to_string(*value), GetParam().expected);
}
INSTANTIATE_TEST_SUITE_P(Literals, Literal,
                         ::testing::Values(LiteralCase{"16", "16"}, LiteralCase{" -3 ", "-3"},
                                           LiteralCase{"1_000", "1000"}, LiteralCase{"0x10", "16"},
                                           LiteralCase{"1e-5", "1e-05"}, LiteralCase{"2.", "2.0"},
                                           LiteralCase{"True", "true"}, LiteralCase{"None", "none"},
                                           LiteralCase{"'mean'", "\"mean\""}, LiteralCase{"(3, 5)", "[3, 5]"},
                                           LiteralCase{"(3,)", "[3]"}, LiteralCase{"(3)", "3"}, LiteralCase{"[]", "[]"},
                                           LiteralCase{"[1, (2, 'x'),]", "[1, [2, \"x\"]]"}));

class BadLiteral : public ::testing::TestWithParam<LiteralCase> {};
TEST_P(BadLiteral, SaysWhatWasExpected) {
  const auto value = parse_literal(GetParam().text);
  ASSERT_FALSE(value.has_value()) << to_string(*value);
  EXPECT_EQ(value.error().kind, ErrorKind::user);
  EXPECT_THAT(value.error().message, HasSubstr(GetParam().expected));
}
INSTANTIATE_TEST_SUITE_P(Literals, BadLiteral,
                         ::testing::Values(LiteralCase{"", "expected a value"}, LiteralCase{"mean", "expected a value"},
                                           LiteralCase{"2**4", "expected the end"}, LiteralCase{"(1 2)", "','"},
                                           LiteralCase{"'a", "not closed"}, LiteralCase{"1.2.3", "malformed"},
                                           LiteralCase{"99999999999999999999", "64 bits"},
                                           LiteralCase{"[1", "expected"}));

RC_GTEST_PROP(LiteralReader, NeverCrashes, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("0123456789.-+eE_x()[],'\"\\TrueNone ")));
  (void)parse_literal(text);
}

TEST(Set, SplitsAtTheFirstEqualsSign) {
  const auto set = parse_set("mode='a=b'");
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(set->first, "mode");
  EXPECT_EQ(to_string(set->second), "\"a=b\"");
}

TEST(Set, ShowsHowItIsWritten) {
  for (const char* text : {"batch_size", "=3", "3x=4", "a b=3"}) {
    const auto set = parse_set(text);
    ASSERT_FALSE(set.has_value()) << text;
    EXPECT_THAT(set.error().message, HasSubstr("batch_size=16"));
  }
}

struct GlobCase {
  const char* pattern;
  const char* text;
  bool matches;
};
class Glob : public ::testing::TestWithParam<GlobCase> {};
TEST_P(Glob, Matches) { EXPECT_EQ(glob_matches(GetParam().pattern, GetParam().text), GetParam().matches); }
INSTANTIATE_TEST_SUITE_P(Globs, Glob,
                         ::testing::Values(GlobCase{"1/*", "1/19", true}, GlobCase{"1/*", "11/9", false},
                                           GlobCase{"2/1?", "2/15", true}, GlobCase{"2/1?", "2/1", false},
                                           GlobCase{"*", "1/19", false}, GlobCase{"**", "1/19", true},
                                           GlobCase{"[12]/5", "2/5", true}, GlobCase{"[!12]/5", "2/5", false},
                                           GlobCase{"[1-3]/*", "3/50", true}, GlobCase{"*/19", "1/19", true},
                                           GlobCase{"", "", true}, GlobCase{"*Norm*", "40_LayerNorm", true}));

constexpr const char* two_problems =
    "{\"level\": 2, \"problem_id\": 10, \"name\": \"b\", \"code\": \"pass\"}\n\n"
    "{\"level\": 2, \"problem_id\": 9, \"name\": \"a\", \"code\": \"pass\"}\n";

TEST(Suite, OrdersProblemsByNumberNotByText) {
  const auto suite = parse_suite(two_problems, "s.jsonl");
  ASSERT_TRUE(suite.has_value()) << suite.error().message;
  std::vector<std::string> ids;
  for (const auto& problem : *suite) ids.push_back(problem.id);
  EXPECT_THAT(ids, ElementsAre("kernelbench/2/9", "kernelbench/2/10"));
  EXPECT_EQ(suite->front().path, "s.jsonl#2/9");
}

TEST(Suite, NamesTheLineThatIsWrong) {
  const auto cut = parse_suite(std::string(two_problems) + "{\"level\": 1", "s.jsonl");
  ASSERT_FALSE(cut.has_value());
  EXPECT_THAT(cut.error().message, HasSubstr("s.jsonl line 4"));
  const auto lacking = parse_suite("{\"level\": 1, \"problem_id\": 2}", "s.jsonl");
  EXPECT_THAT(lacking.error().message, HasSubstr("\"name\""));
  const auto twice = parse_suite(std::string(two_problems) + two_problems, "s.jsonl");
  EXPECT_THAT(twice.error().message, HasSubstr("twice"));
  EXPECT_FALSE(parse_suite("\n", "s.jsonl").has_value());
}

TEST(Suite, KnowsKernelBenchFoldersByTheirNames) {
  EXPECT_EQ(names_of_file("KernelBench/level1/19_ReLU.py").first, "kernelbench/1/19");
  EXPECT_EQ(names_of_file("problems/relu.py"), (std::pair<std::string, std::string>("relu", "relu")));
  EXPECT_EQ(names_of_file("problems/19_ReLU.py").first, "19_ReLU");
}

TEST(SizesFile, GivesTheEntryOfTheProblem) {
  const Problem problem{.id = "kernelbench/1/19"};
  const auto sizes = parse_sizes(R"({"1/19": {"n": 3, "shape": [4, 5]}, "1/1": {"n": 9}})", "sizes.json", problem);
  ASSERT_TRUE(sizes.has_value());
  EXPECT_EQ(to_string(sizes->at("n")), "3");
  EXPECT_EQ(to_string(sizes->at("shape")), "[4, 5]");
  EXPECT_TRUE(parse_sizes("{}", "sizes.json", problem)->empty());
  EXPECT_FALSE(parse_sizes("[]", "sizes.json", problem).has_value());
  EXPECT_THAT(parse_sizes("{\"1/19\": 3}", "sizes.json", problem).error().message, HasSubstr("1/19"));
}

TEST(Variants, FirstIsSmallAndOddAndLeavesHyperparametersAlone) {
  const auto proposals = propose_variant(
      {{"batch_size", integer(16)}, {"features", integer(4096)}, {"kernel_size", integer(3)}, {"eps", Value{1e-5}}}, 0);
  ASSERT_EQ(proposals.size(), 2U);
  EXPECT_EQ(proposals[0].name, "batch_size");
  EXPECT_EQ(proposals[0].values.front(), integer(5));
  EXPECT_EQ(proposals[1].values.front(), integer(819));
}

// Who takes the width for the height would be right on squares alone.
TEST(Variants, FirstSetsApartWhatIsAlikeTheSecondKeepsItSo) {
  const auto preferred = [](const Value& a, const Value& b, int index) {
    const auto proposals = propose_variant({{"height", a}, {"width", b}}, index);
    return std::vector{proposals.at(0).values.front(), proposals.at(1).values.front()};
  };
  EXPECT_THAT(preferred(integer(128), integer(128), 0), ElementsAre(integer(43), integer(65)));
  EXPECT_THAT(preferred(integer(128), integer(128), 1), ElementsAre(integer(97), integer(97)));
  EXPECT_THAT(preferred(integer(128), integer(64), 0), ElementsAre(integer(43), integer(21)));
  // Where there is one other value, it is everybody's.
  EXPECT_THAT(preferred(integer(2), integer(2), 0), ElementsAre(integer(3), integer(3)));
  const Value square{ValueList{integer(16), integer(16)}};
  EXPECT_EQ(propose_variant({{"shape", square}}, 0).at(0).values.front(), (Value{ValueList{integer(5), integer(9)}}));
}

TEST(Variants, SecondChangesHyperparametersTooButNoFlags) {
  const auto proposals = propose_variant({{"kernel_size", integer(3)},
                                          {"eps", Value{1e-5}},
                                          {"dropout", Value{0.5}},
                                          {"bias", Value{true}},
                                          {"batch_size", integer(16)}},
                                         1);
  std::vector<std::string> names;
  for (const auto& proposal : proposals) names.push_back(proposal.name);
  EXPECT_THAT(names, ElementsAre("batch_size", "kernel_size", "eps"));
}

RC_GTEST_PROP(Variants, NeverGrowASizeByMoreThanOneNorRepeatIt, ()) {
  const auto n = *rc::gen::inRange<std::int64_t>(1, 1'000'000);
  for (const int index : {0, 1}) {
    for (const auto& proposal : propose_variant({{"features", Value{n}}}, index)) {
      for (const Value& value : proposal.values) {
        const auto other = std::get<std::int64_t>(value.is);
        RC_ASSERT(other != n && other >= 1 && other <= n + 1);
      }
    }
  }
}

TEST(Json, IsReadUpToADepthThatTheStackBears) {
  const auto nested = [](int levels) {
    const auto many = static_cast<std::size_t>(levels);
    return std::string(many, '[') + std::string(many, ']');
  };
  const auto deepest = parse_json(nested(deepest_json), "f.json");
  ASSERT_TRUE(deepest) << deepest.error().message;
  EXPECT_EQ(nlohmann::json(*deepest).dump(), nested(deepest_json)) << "it can be copied and written";
  for (const std::string& text : {nested(deepest_json + 1), nested(1 << 20), std::string(1 << 20, '[')}) {
    const auto deep = parse_json(text, "f.json");
    ASSERT_FALSE(deep);
    EXPECT_EQ(deep.error().kind, ErrorKind::user);
    EXPECT_EQ(deep.error().message, "f.json is nested deeper than 512 levels");
    EXPECT_TRUE(read_json(text).is_discarded());
  }
  const std::string beside = "[" + nested(200) + "," + nested(deepest_json - 1) + "]";
  EXPECT_TRUE(parse_json(beside, "f.json")) << "only what is open at a time counts";
  const nlohmann::json quoted{{"k", std::string(1000, '[') + "\\\"" + std::string(1000, '{')}};
  EXPECT_EQ(read_json(quoted.dump()), quoted) << "nothing within a text counts";
  EXPECT_TRUE(read_json("[").is_discarded());
}

}  // namespace
}  // namespace kerf
