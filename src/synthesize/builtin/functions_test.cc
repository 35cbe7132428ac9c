// Functions that operators are made of, as instructions: the interpreter's result against the standard library's.
#include "synthesize/builtin/functions.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
const std::vector<double> everywhere = {0,    1e-30, -1e-6, 1e-3,     -0.2,      0.41,        0.5, -0.9999,
                                        1,    -1,    1.5,   -2.5,     3.7,       -20,         80,  1e6,
                                        -1e9, 1e20,  -3e38, infinity, -infinity, not_a_number};

std::vector<double> result(const std::string& node, const Memory& inputs) {
  std::string text;
  for (const auto& [name, values] : inputs) text += fmt::format("input {} f32 {}\n", name, values.size());
  text += fmt::format("y = {} -> f32 {}\noutput y\n", node, inputs.begin()->second.size());
  const Case c = parse(text);
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_TRUE(graph);
  const Result<Region> region = lower(*graph, {0});
  EXPECT_TRUE(region) << node << ": " << region.error().message;
  Memory memory = inputs;
  if (region) interpret(*region, memory, 0);
  return memory["y"];
}

// Within what floats tell apart.
void expect_same(double got, double wanted, const std::string& what) {
  if (std::isnan(wanted)) {
    EXPECT_TRUE(std::isnan(got)) << what << ": " << got;
  } else if (std::isinf(wanted) || wanted == 0) {
    EXPECT_EQ(got, wanted) << what;
  } else {
    EXPECT_NEAR(got / wanted, 1, 2.5e-7) << what << ": " << got << " instead of " << wanted;
  }
}

struct Function {
  const char* name;
  double (*exact)(double);
};
void PrintTo(const Function& function, std::ostream* out) { *out << function.name; }

class Functions : public testing::TestWithParam<Function> {};

TEST_P(Functions, AreThoseOfTheLibrary) {
  const std::vector<double> got = result(fmt::format("aten.{}.default x", GetParam().name), {{"x", everywhere}});
  for (std::size_t i = 0; i < everywhere.size(); ++i)
    expect_same(got.at(i), GetParam().exact(everywhere[i]), fmt::format("{}({})", GetParam().name, everywhere[i]));
}

double sinc(double x) { return x == 0 ? 1 : std::sin(M_PI * x) / (M_PI * x); }
double entropy(double x) { return x == 0 ? 0 : x < 0 ? -infinity : -x * std::log(x); }
double fraction(double x) { return x - std::trunc(x); }
double logit(double x) { return std::log(x / (1 - x)); }
double exactly(double x) { return x; }
double as_number(double x) {
  constexpr double most = std::numeric_limits<float>::max();
  return std::isnan(x) ? 0 : x > most ? most : x < -most ? -most : x;
}

double log_gamma(double x) { return std::isinf(x) ? infinity : std::lgamma(x); }
// By steps up to where Stirling's series holds, and by reflection.
double digamma(double x) {
  if (x == 0) return std::copysign(infinity, -x);
  if (x < 0) return x == std::trunc(x) ? not_a_number : digamma(1 - x) - M_PI / std::tan(M_PI * (x - std::trunc(x)));
  double steps = 0;
  for (; x < 30; ++x) steps += 1 / x;
  const double s = 1 / (x * x);
  return std::log(x) - 0.5 / x - s * (1.0 / 12 - s * (1.0 / 120 - s / 252)) - steps;
}

INSTANTIATE_TEST_SUITE_P(
    OfOneNumber, Functions,
    testing::Values(Function{"sinh", std::sinh}, Function{"cosh", std::cosh}, Function{"tan", std::tan},
                    Function{"asin", std::asin}, Function{"acos", std::acos}, Function{"atan", std::atan},
                    Function{"asinh", std::asinh}, Function{"acosh", std::acosh}, Function{"atanh", std::atanh},
                    Function{"trunc", std::trunc}, Function{"round", std::nearbyint}, Function{"frac", fraction},
                    Function{"sinc", sinc}, Function{"erfc", std::erfc}, Function{"special_entr", entropy},
                    Function{"logit", logit}, Function{"exp2", std::exp2}, Function{"log2", std::log2},
                    Function{"log10", std::log10}, Function{"positive", exactly}, Function{"nan_to_num", as_number},
                    Function{"lgamma", log_gamma}, Function{"digamma", digamma}),
    [](const auto& each) { return std::string(each.param.name); });

TEST(GammaFunctions, AreThoseOfTheLibraryBetweenTheirPolesToo) {
  std::vector<double> x = {0.0, -0.0};
  for (int k = -120; k < 400; ++k) x.push_back(k * 0.0625 + 0.01);
  const std::vector<double> log_gammas = result("aten.lgamma.default x", {{"x", x}}),
                            digammas = result("aten.digamma.default x", {{"x", x}});
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (i < 2) {
      EXPECT_EQ(log_gammas.at(i), infinity);
      EXPECT_EQ(digammas.at(i), digamma(x[i]));
      continue;
    }
    // Both go through 0, where only what they are sums of says how exact they are.
    EXPECT_NEAR(log_gammas.at(i), std::lgamma(x[i]), 2.5e-8 * (1 + std::abs(std::lgamma(x[i])))) << x[i];
    EXPECT_NEAR(digammas.at(i), digamma(x[i]), 2.5e-8 * (1 + std::abs(digamma(x[i])))) << x[i];
  }
}

TEST(InverseOfErf, IsWhatErfTakesBack) {
  std::vector<double> x = {-1, 1, 0, 1.5, not_a_number};
  for (int k = 1; k < 200; ++k) x.push_back(k / 200.0);
  for (const double rest : {1e-3, 1e-4, 1e-5, 1e-6, 6e-8}) x.push_back(rest - 1);
  const std::vector<double> got = result("aten.erfinv.default x", {{"x", x}});
  EXPECT_THAT(std::vector(got.begin(), got.begin() + 3), testing::ElementsAre(-infinity, infinity, 0));
  EXPECT_TRUE(std::isnan(got[3]) && std::isnan(got[4]));
  for (std::size_t i = 5; i < x.size(); ++i) {
    const double slope = 2 / std::sqrt(M_PI) * std::exp(-got[i] * got[i]);
    EXPECT_NEAR(std::erf(got[i]), x[i], 5e-8 * slope * std::abs(got[i])) << x[i];
  }
}

TEST(FunctionsOfTwoNumbers, AreThoseOfTheLibrary) {
  using Of = double (*)(double, double);
  for (const auto& [name, exact] : std::initializer_list<std::pair<const char*, Of>>{
           {"atan2", std::atan2}, {"hypot", std::hypot}, {"fmax", std::fmax}, {"fmin", std::fmin}})
    for (const double other : {0.0, -0.0, 0.3, -7.0, 1e20, infinity})
      for (const double sign : {1.0, -1.0}) {
        std::vector<double> x;
        for (const double v : everywhere)
          if (std::string(name).starts_with("fm") || !std::isnan(v)) x.push_back(sign * v);
        const std::vector<double> got =
            result(fmt::format("aten.{}.default x z", name), {{"x", x}, {"z", std::vector<double>(x.size(), other)}});
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double wanted = exact(x[i], other);
          expect_same(got.at(i), wanted, fmt::format("{}({}, {})", name, x[i], other));
          const bool has_sign = std::string(name) == "atan2";
          EXPECT_TRUE(!has_sign || std::signbit(got[i]) == std::signbit(wanted)) << x[i] << " " << other;
        }
      }
}

TEST(FunctionsOfTwoNumbers, AddExponentials) {
  const auto got = result("aten.logaddexp2.default x z", {{"x", {1, -infinity, 5, 200}}, {"z", {1, -infinity, 3, 0}}});
  EXPECT_THAT(got, testing::ElementsAre(2, -infinity, testing::DoubleNear(std::log2(40), 1e-6), 200));
}

TEST(FunctionsOfTwoNumbers, StepWhereTheFirstIsZero) {
  EXPECT_THAT(result("aten.heaviside.default x z", {{"x", {-2, 0, 3}}, {"z", {9, 8, 7}}}),
              testing::ElementsAre(0, 8, 1));
}

TEST(Rounding, GivesEvenIntegersForHalves) {
  EXPECT_THAT(result("aten.round.default x", {{"x", {0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 2.5001}}}),
              testing::ElementsAre(0, 2, 2, 0, -2, 2, 3));
}

TEST(Rounding, OfQuotientsByPowersOfTwoIsExact) {
  const std::vector<double> x = {0, 0.25, -0.25, 7.75, -7.75, 1e6 + 0.5, -1e6 - 0.5, -1e-44, 3e38, infinity};
  for (const double by : {1.0, 2.0, -4.0}) {
    const auto of = [&](const char* name) { return result(fmt::format("aten.{} x {:.1f}", name, by), {{"x", x}}); };
    const std::vector<double> rest = of("remainder.Scalar"), towards_zero = of("fmod.Scalar"),
                              down = of("floor_divide.Scalar");
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double left = std::fmod(x[i], by);
      expect_same(towards_zero.at(i), left, fmt::format("fmod({}, {})", x[i], by));
      expect_same(rest.at(i), left * by < 0 ? left + by : left, fmt::format("remainder({}, {})", x[i], by));
      expect_same(down.at(i), std::isinf(x[i]) ? not_a_number : std::floor(x[i] / by),
                  fmt::format("floor_divide({}, {})", x[i], by));
    }
  }
}

TEST(Rounding, IsAModeOfADivision) {
  const Memory x = {{"x", {7.75, -7.75, infinity}}};
  EXPECT_THAT(result("aten.div.Scalar_mode x 2.0 rounding_mode=\"trunc\"", x), testing::ElementsAre(3, -3, infinity));
  EXPECT_THAT(result("aten.div.Scalar_mode x 2.0 rounding_mode=\"floor\"", x),
              testing::ElementsAre(3, -4, testing::IsNan()));
}

TEST(Rounding, OfOtherQuotientsIsACall) {
  for (const char* node : {"aten.remainder.Scalar x 3.0", "aten.remainder.Tensor x z", "aten.fmod.Scalar x 0.5"}) {
    const Case c = parse(fmt::format("input x f32 4\ninput z f32 4\ny = {} -> f32 4\noutput y\n", node));
    const auto graph = generalise(c.problem, GraphForm::exported);
    ASSERT_TRUE(graph);
    EXPECT_FALSE(lower(*graph, {0})) << node;
  }
}

TEST(Rounding, ToDecimalsIsACall) {
  const Case c = parse("input x f32 4\ny = aten.round.decimals x decimals=2 -> f32 4\noutput y\n");
  const auto graph = generalise(c.problem, GraphForm::exported);
  ASSERT_TRUE(graph);
  EXPECT_FALSE(lower(*graph, {0}));
}

}  // namespace
}  // namespace kerf
