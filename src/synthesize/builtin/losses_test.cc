// What losses and distances mean: the interpreter's result against a plain computation.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;
using testing::ElementsAre;

TEST(Losses, OfClassesAreOfTheClass) {
  const std::string rows =
      "input x f32 2 3\ninput t i64 2\ny = aten.cross_entropy_loss.default x t reduction=0 -> f32 2";
  const double all = std::log(1 + std::exp(-1.0) + std::exp(-2.0));
  const std::vector<double> y = result_of(rows, {{"t", {2, -100}}});
  EXPECT_NEAR(y.at(0), all, 1e-12);
  EXPECT_EQ(y.at(1), 0);
  const std::vector<double> smooth = result_of(
      "input x f32 2 3\ninput t i64 2\n"
      "y = aten.cross_entropy_loss.default x t reduction=0 label_smoothing=0.3 -> f32 2",
      {{"t", {0, 1}}});
  EXPECT_NEAR(smooth.at(0), 0.7 * (all + 2) + 0.3 * (all + 1), 1e-12);
}

TEST(Losses, OfClassesHaveWeights) {
  const std::string rows = "input x f32 2 3\ninput t i64 2\ninput w f32 3\n";
  const double all = std::log(1 + std::exp(-1.0) + std::exp(-2.0));
  const std::vector<double> weights = {1, 2, 4};
  const auto loss = [&](const char* node, const std::vector<double>& classes) {
    return result_of(rows + "y = aten." + node + " -> f32 2", {{"t", classes}, {"w", weights}});
  };
  const std::vector<double> plain = loss("cross_entropy_loss.default x t w 0", {2, -100});
  EXPECT_NEAR(plain.at(0), 4 * all, 1e-12);
  EXPECT_EQ(plain.at(1), 0);
  const std::vector<double> smooth = loss("cross_entropy_loss.default x t w 0 -100 0.3", {0, 1});
  EXPECT_NEAR(smooth.at(0), 0.7 * (all + 2) + 0.1 * (7 * all + 4), 1e-12);
  EXPECT_NEAR(smooth.at(1), 0.7 * 2 * (all + 1) + 0.1 * (7 * all + 4), 1e-12);
  EXPECT_THAT(loss("nll_loss_nd.default x t w 0 1", {2, 1}), ElementsAre(-8, 0));
  EXPECT_THAT(loss("multi_margin_loss.default x t 1 1 w 0", {1, 2}), ElementsAre(4.0 / 3, 0));
}

TEST(Losses, OfSharesOfClassesAreOfAllOfThem) {
  const std::string rows = "input x f32 2 3\ninput p f32 2 3\ninput w f32 3\n";
  const double all = std::log(1 + std::exp(-1.0) + std::exp(-2.0));
  const Memory memory = {{"p", {0.5, 0.25, 0.25, 0, 0, 1}}, {"w", {1, 2, 4}}};
  const std::vector<double> plain = result_of(rows + "y = aten.cross_entropy_loss.default x p none 0 -> f32 2", memory);
  EXPECT_NEAR(plain.at(0), 0.5 * (all + 2) + 0.25 * (all + 1) + 0.25 * all, 1e-12);
  EXPECT_NEAR(plain.at(1), all, 1e-12);
  const double smooth = result_of(rows + "y = aten.cross_entropy_loss.default x p w 0 -100 0.3 -> f32 2", memory).at(1);
  EXPECT_NEAR(smooth, 0.1 * (all + 2) + 2 * 0.1 * (all + 1) + 4 * 0.8 * all, 1e-12);
}

// Of x as above, all groups one after the other.
double reduced(const std::string& text, Memory memory) {
  const Case c = parse(text + "\noutput y\n");
  const GeneralGraph graph = simplify(*generalise(c.problem, GraphForm::exported));
  Partition parts = partition(graph, Fusing::full);
  EXPECT_EQ(library_calls(graph, parts), 0U);
  memory["x"] = counted(6);
  std::ranges::sort(parts.groups, {}, [](const NodeSet& group) { return group.back(); });  // each after what it needs
  for (const NodeSet& group : parts.groups) interpret(*lower(graph, group), memory, 0);
  return memory["y"].at(0);
}

TEST(Losses, WithWeightsAreDividedByThese) {
  const double all = std::log(1 + std::exp(-1.0) + std::exp(-2.0));
  const std::string rows = "input x f32 2 3\ninput t i64 2\ninput w f32 3\n";
  const std::string mean = "y = aten.cross_entropy_loss.default x t w -> f32";
  EXPECT_NEAR(reduced(rows + mean, {{"t", {2, 0}}, {"w", {1, 2, 4}}}), (4 * all + all + 2) / 5, 1e-12);
  EXPECT_NEAR(reduced(rows + mean, {{"t", {-100, 0}}, {"w", {1, 2, 4}}}), all + 2, 1e-12);
  EXPECT_TRUE(std::isnan(reduced(rows + mean, {{"t", {-100, -100}}, {"w", {1, 2, 4}}})));
  // Of two places with logits that are 2 apart.
  const double apart = std::log(1 + std::exp(-2.0) + std::exp(-4.0));
  EXPECT_NEAR(reduced("input x f32 1 3 2\ninput t i64 1 2\ninput w f32 3\n" + mean, {{"t", {2, 0}}, {"w", {1, 2, 4}}}),
              (4 * apart + apart + 4) / 5, 1e-12);
  EXPECT_NEAR(reduced("input x f32 2 3\ninput p f32 2 3\ny = aten.cross_entropy_loss.default x p -> f32",
                      {{"p", {0.5, 0.25, 0.25, 0, 0, 1}}}),
              (0.5 * (all + 2) + 0.25 * (all + 1) + 0.25 * all + all) / 2, 1e-12);
}

TEST(Losses, OfRowsAreReducedBehindThem) {
  EXPECT_NEAR(
      reduced("input x f32 2 3\ninput t i64 2\ny = aten.cross_entropy_loss.default x t -> f32", {{"t", {2, -100}}}),
      std::log(1 + std::exp(-1.0) + std::exp(-2.0)), 1e-12);
}

TEST(Losses, OfDistances) {
  EXPECT_THAT(result_of("input x f32 2 2\ninput z f32 1 2\ny = aten.cdist.default x z -> f32 2 1", {{"z", {3, 5}}}),
              ElementsAre(5, std::sqrt(5.0)));
  EXPECT_NEAR(
      result_of("input x f32 1 2\ninput z f32 1 2\ny = aten.cosine_similarity.default x z -> f32 1", {{"z", {3, 4}}})
          .at(0),
      0.8, 1e-12);
  EXPECT_NEAR(result_of("input x f32 1 2\ninput z f32 1 2\n"
                        "y = aten.pairwise_distance.default x z 2 0.0 -> f32 1",
                        {{"z", {3, 5}}})
                  .at(0),
              5, 1e-12);
  EXPECT_NEAR(result_of("input x f32 1 2\ninput z f32 1 2\ninput n f32 1 2\n"
                        "y = aten.triplet_margin_loss.default x z n 1.0 2.0 0.0 false 0 -> f32 1",
                        {{"z", {3, 5}}, {"n", {0, 3}}})
                  .at(0),
              4, 1e-12);
}

TEST(Losses, OfMarginsLeaveOutTheClassItself) {
  // Of 0, 1, 2 with class 1: 1 - 1 + 0 and 1 - 1 + 2; what is no number is far enough.
  const std::string rows = "input x f32 2 3\ninput t i64 2\n";
  EXPECT_THAT(result_of(rows + "y = aten.multi_margin_loss.default x t reduction=0 -> f32 2", {{"t", {1, 2}}}),
              ElementsAre(2.0 / 3, 0));
  EXPECT_THAT(result_of(rows + "y = aten.multi_margin_loss.default x t 2 reduction=0 -> f32 2", {{"t", {1, 0}}}),
              ElementsAre(4.0 / 3, 13.0 / 3));
  EXPECT_THAT(result_of("input z f32 1 3\ninput t i64 1\ny = aten.multi_margin_loss.default z t reduction=0 -> f32 1",
                        {{"z", {0, std::nan(""), 2}}, {"t", {0}}}),
              ElementsAre(1));
}

TEST(Losses, HaveWeights) {
  const auto loss = [](const char* name, const char* arguments) {
    return result_of(fmt::format("input z f32 1\ninput t f32 1\ninput w f32 1\ny = aten.{}.default z t {} -> f32 1",
                                 name, arguments),
                     {{"z", {0.25}}, {"t", {0.75}}, {"w", {3}}})
        .at(0);
  };
  EXPECT_NEAR(loss("binary_cross_entropy", "w 0"), -3 * (0.75 * std::log(0.25) + 0.25 * std::log(0.75)), 1e-12);
  const double p = 1 / (1 + std::exp(-0.25));
  EXPECT_NEAR(loss("binary_cross_entropy_with_logits", "pos_weight=w reduction=0"),
              -(3 * 0.75 * std::log(p) + 0.25 * std::log(1 - p)), 1e-12);
  EXPECT_NEAR(loss("poisson_nll_loss", "true true 1e-8 0"), std::exp(0.25) - 0.75 * 0.25, 1e-12);
}

}  // namespace
}  // namespace kerf
