#include "candidate/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

#include "candidate/arithmetic.h"

namespace kerf {
namespace {

// x f32[4, 5, 6] (transposed: strides 30, 1, 5), conv.weight f32[8, 3], init.eps 1e-5, init.kernel_size [3, 5],
// init.stride none, init.dim 1, BLOCK 16, t absent.
struct World {
  World() {
    give("x", {&x});
    give("conv", {Value{std::int64_t{7}}});
    give("conv.weight", {&weight});
    give("init.eps", {Value{1e-5}});
    give("init.kernel_size", {Value{ValueList{Value{std::int64_t{3}}, Value{std::int64_t{5}}}}});
    give("init.stride", {Value{}});
    give("init.dim", {Value{std::int64_t{1}}});
    give("init.mode", {Value{std::string("same")}});
    give("BLOCK", {Value{std::int64_t{16}}});
    give("t", {Meaning::Absent{"is known only in its loop"}});
    give("later", {Meaning::Unknown{}});
  }
  void give(const char* name, Meaning meaning) {
    names.add(name);
    scope.push_back(std::move(meaning));
  }
  [[nodiscard]] Result<Evaluated> evaluate(const std::string& text) const {
    const Expression parsed = TRY(Expression::parse({.text = text, .at = {1, 1}}, names));
    return parsed.evaluate(scope);
  }
  // The value as text, or "LINE:COLUMN message".
  [[nodiscard]] std::string operator()(const std::string& text) const {
    const auto result = evaluate(text);
    if (!result)
      return std::to_string(result.error().at->line) + ":" + std::to_string(result.error().at->column) + " " +
             result.error().message;
    return result->unknown ? "unknown" : to_string(result->value);
  }
  TensorSpec x{.dtype = Dtype::f32, .shape = {4, 5, 6}, .stride = {30, 1, 5}};
  TensorSpec weight{.dtype = Dtype::bf16, .shape = {8, 3}, .stride = {3, 1}};
  Names names;
  Scope scope;
};

// Lines "expression => value" and "expression => LINE:COLUMN part of the message".
TEST(Expressions, cases_from_text) {
  std::ifstream file(KERF_CASES "/candidate/expressions.txt");
  ASSERT_TRUE(file.is_open());
  const World world;
  int seen = 0;
  for (std::string line; std::getline(file, line);) {
    const std::size_t arrow = line.find(" => ");
    if (line.starts_with('#') || arrow == std::string::npos) continue;
    const std::string found = world(line.substr(0, arrow)), wanted = line.substr(arrow + 4);
    const bool place = wanted.starts_with("1:");
    if (place) {
      const std::string at = wanted.substr(0, wanted.find(' '));
      EXPECT_TRUE(found.starts_with(at + " ")) << line << "\nfound " << found;
      EXPECT_THAT(found, testing::HasSubstr(wanted.substr(at.size() + 1))) << line;
    } else {
      EXPECT_EQ(found, wanted) << line;
    }
    ++seen;
  }
  EXPECT_GT(seen, 100);
}

TEST(Expressions, text_of_any_depth_ends_in_a_value_or_an_error) {
  const World world;
  for (const char* piece : {"(", "-", "not ", "1 if ", "min(", "x.shape[", "1**"}) {
    std::string text;
    for (int i = 0; i < 500; ++i) text += piece;
    EXPECT_THAT(world(text + "1"), testing::HasSubstr(":")) << piece;
  }
  std::string sum = "1";
  for (int i = 0; i < 2'047; ++i) sum += "+1";
  EXPECT_EQ(world(sum), "2048");
}

TEST(Expressions, uses_say_which_names_and_strides) {
  const World world;
  const auto parsed =
      Expression::parse({.text = "conv.weight.stride[0] + numel(x) * BLOCK", .at = {7, 10}}, world.names);
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->uses().size(), 3U);
  EXPECT_EQ(world.names.text(parsed->uses()[0].name), "conv.weight");
  EXPECT_TRUE(parsed->uses()[0].stride);
  EXPECT_FALSE(parsed->uses()[1].stride);
  EXPECT_EQ(parsed->uses()[2].at, (Location{7, 10 + 35}));
}

TEST(Expressions, casts_decide_the_type_of_an_argument) {
  const World world;
  EXPECT_EQ(world.evaluate("i32(x.shape[0])")->cast, Cast::i32);
  EXPECT_EQ(world.evaluate("f64(1) if x.ndim == 3 else f64(2)")->cast, Cast::f64);
  EXPECT_EQ(world.evaluate("f32(0.1)")->value, Value{static_cast<double>(0.1F)});
}

// An independent reference: expressions are generated as trees with their value, computed with 128-bit integers and
// Python's rules written out from its manual, and as text with as few parentheses as precedence allows.
struct Generated {
  std::string text;
  int level = 0;  // precedence of the outermost operator: 9 atom, 8 **, 7 sign, 6 *, 5 +, 4 <, 3 not, 2 and, 1 or, 0 if
  std::optional<__int128> value;  // nullopt: an error
  bool small() const { return value && *value >= INT64_MIN && *value <= INT64_MAX; }
};

std::string inside(const Generated& g, int least) { return g.level < least ? "(" + g.text + ")" : g.text; }

__int128 python_floor(__int128 a, __int128 b) {
  // The largest q whose product with |b| does not exceed a (its sign taken along).
  const __int128 n = b < 0 ? -a : a, d = b < 0 ? -b : b;
  __int128 q = n / d;
  while (q * d > n) --q;
  return q;
}

Generated generate(int depth) {
  const int kind = depth == 0 ? 0 : *rc::gen::inRange(0, 12);
  if (kind <= 1) {
    const std::int64_t n = *rc::gen::oneOf(rc::gen::inRange<std::int64_t>(0, 20),
                                           rc::gen::element<std::int64_t>(INT64_MAX, 1LL << 32, 3037000500));
    return {.text = std::to_string(n), .level = 9, .value = n};
  }
  const Generated a = generate(depth - 1), b = generate(depth - 1);
  const bool sound = a.small() && b.small();
  const auto both = [&](const char* op, int level, std::optional<__int128> value) {
    if (value && (*value < INT64_MIN || *value > INT64_MAX)) value = std::nullopt;
    return Generated{.text = inside(a, level) + " " + op + " " + inside(b, level + 1),
                     .level = level,
                     .value = sound ? value : std::nullopt};
  };
  const __int128 x = a.value.value_or(0), y = b.value.value_or(1);
  switch (kind) {
    case 2:
      return both("+", 5, x + y);
    case 3:
      return both("-", 5, x - y);
    case 4:
      return both("*", 6, x * y);
    case 5:
      return both("//", 6, y == 0 ? std::nullopt : std::optional(python_floor(x, y)));
    case 6:
      return both("%", 6, y == 0 ? std::nullopt : std::optional(x - python_floor(x, y) * y));
    case 7: {
      // A comparison on either side would make a chain of it.
      return Generated{.text = inside(a, 5) + " < " + inside(b, 5),
                       .level = 4,
                       .value = sound ? std::optional<__int128>(x < y) : std::nullopt};
    }
    case 8: {
      Generated minus{.text = "-" + inside(a, 7), .level = 7, .value = std::nullopt};
      if (a.small() && -x <= INT64_MAX) minus.value = -x;
      return minus;
    }
    case 9: {
      // Short circuit: the right side matters only where the left one is true.
      Generated both_true{.text = inside(a, 3) + " and " + inside(b, 3), .level = 2, .value = a.value};
      if (a.value && x != 0) both_true.value = b.value;
      return both_true;
    }
    case 10: {
      const Generated c = generate(depth - 1);
      Generated choice{
          .text = inside(a, 1) + " if " + inside(c, 1) + " else " + inside(b, 0), .level = 0, .value = std::nullopt};
      if (c.value) choice.value = *c.value != 0 ? a.value : b.value;
      return choice;
    }
    default: {
      const std::int64_t e = *rc::gen::inRange<std::int64_t>(0, 5);
      Generated power{.text = inside(a, 9) + " ** " + std::to_string(e), .level = 8, .value = std::nullopt};
      if (!a.value) return power;
      __int128 r = 1;
      bool over = false;
      for (std::int64_t i = 0; i < e && !over; ++i) {
        r *= x;
        over = r > INT64_MAX || r < INT64_MIN;
      }
      if (!over) power.value = r;
      return power;
    }
  }
}

RC_GTEST_PROP(Expressions, integers_compute_as_python_does, ()) {
  const Generated expected = generate(4);
  RC_PRE(expected.text.size() < max_expression_bytes);
  const World world;
  const auto found = world.evaluate(expected.text);
  RC_LOG() << expected.text << "\n";
  if (!expected.value) {
    RC_ASSERT(!found);
  } else {
    RC_ASSERT(found.has_value());
    const auto* boolean = std::get_if<bool>(&found->value.is);
    const std::int64_t value = boolean ? *boolean : std::get<std::int64_t>(found->value.is);
    RC_ASSERT(value == static_cast<std::int64_t>(*expected.value));
  }
}

RC_GTEST_PROP(Expressions, the_place_of_an_error_lies_in_the_text, (const std::string& text)) {
  const World world;
  const auto parsed = Expression::parse({.text = text, .at = {3, 5}}, world.names);
  if (!parsed) RC_ASSERT(parsed.error().at->line == 3 && parsed.error().at->column >= 5);
}

}  // namespace
}  // namespace kerf
