// Norms in steps: each operator against a plain computation, and steps together against the norm.
#include "synthesize/builtin/norms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/general.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::ElementsAre;

// The operator on tensors of one workload; `results` are the shapes of what it gives.
Result<Region> lowered(const std::string& text, const std::vector<std::vector<std::int64_t>>& results) {
  Case c = parse(text + " -> f32 1\noutput y\n");
  Workload& w = c.problem.workloads[0];
  w.exported.nodes[0].results.clear();
  w.exported.outputs.clear();
  w.outputs.clear();
  for (const auto& shape : results) {
    w.exported.nodes[0].results.push_back(spec_of(Dtype::f32, shape));
    w.exported.outputs.push_back({"y", static_cast<int>(w.outputs.size())});
    w.outputs.push_back(w.exported.nodes[0].results.back());
  }
  return lower(*generalise(c.problem, GraphForm::exported), {0});
}

// Its results, one after another.
std::vector<std::vector<double>> computed(const std::string& text,
                                          const std::vector<std::vector<std::int64_t>>& results, Memory memory) {
  const Result<Region> region = lowered(text, results);
  EXPECT_TRUE(region) << region.error().message;
  std::vector<std::vector<double>> found;
  if (!region) return {{}, {}};
  interpret(*region, memory, 0);
  for (std::size_t k = 0; k < results.size(); ++k) found.push_back(memory.at(memory_key({"y", static_cast<int>(k)})));
  return found;
}

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments_of(const std::vector<double>& all) {
  Moments m;
  for (const double x : all) m.mean += x / static_cast<double>(all.size());
  for (const double x : all) m.variance += (x - m.mean) * (x - m.mean) / static_cast<double>(all.size());
  return m;
}

// Elements of an image tensor x[n][c][place] that `wanted` says, of 2 images, 6 channels, 15 places.
constexpr std::size_t images = 2, channels = 6, places = 15;
template <class F>
std::vector<double> elements(const std::vector<double>& x, F wanted) {
  std::vector<double> found;
  for (std::size_t n = 0; n < images; ++n)
    for (std::size_t c = 0; c < channels; ++c)
      for (std::size_t p = 0; p < places; ++p)
        if (wanted(n, c, p)) found.push_back(x[(n * channels + c) * places + p]);
  return found;
}

TEST(Norms, MomentsOfPiecesHaveChannelsLast) {
  const std::vector<double> x = numbers(images * channels * places);
  // Rows of five places: three pieces a channel.
  const auto got = computed("input x f32 2 6 3 5\ny = kerf.moments x 1", {{2, 3, 6}, {2, 3, 6}}, {{"x", x}});
  for (std::size_t n = 0; n < images; ++n)
    for (std::size_t piece = 0; piece < 3; ++piece)
      for (std::size_t c = 0; c < channels; ++c) {
        const Moments want = moments_of(elements(
            x, [&](std::size_t a, std::size_t b, std::size_t p) { return a == n && b == c && p / 5 == piece; }));
        const std::size_t at = (n * 3 + piece) * channels + c;
        ASSERT_NEAR(got[0][at], want.mean, 1e-12);
        ASSERT_NEAR(got[1][at], want.variance, 1e-12);
      }
}

TEST(Norms, MomentsOfWholeChannelsAreOfAllPlaces) {
  const std::vector<double> x = numbers(images * channels * places);
  const auto got = computed("input x f32 2 6 3 5\ny = kerf.moments x 2", {{2, 6}, {2, 6}}, {{"x", x}});
  const Moments want =
      moments_of(elements(x, [](std::size_t n, std::size_t c, std::size_t) { return n == 1 && c == 4; }));
  EXPECT_NEAR(got[0][10], want.mean, 1e-12);
  EXPECT_NEAR(got[1][10], want.variance, 1e-12);
}

TEST(Norms, MomentsLeaveImagesAndChannelsApart) {
  EXPECT_FALSE(lowered("input x f32 2 6 15\ny = kerf.moments x 2", {{2, 6}, {2, 6}}));
  EXPECT_TRUE(lowered("input x f32 2 6 15\ny = kerf.moments x 1", {{2, 6}, {2, 6}}));
}

// Means and variances of rows of five places, as kerf.moments leaves them.
Memory pieces(const std::vector<double>& x) {
  const auto got = computed("input x f32 2 6 3 5\ny = kerf.moments x 1", {{2, 3, 6}, {2, 3, 6}}, {{"x", x}});
  return {{"m", got[0]}, {"v", got[1]}};
}

constexpr const char* of_pieces = "input m f32 2 3 6\ninput v f32 2 3 6\n";

TEST(Norms, JoinedByGroupTheyAreThoseOfTheGroup) {
  // Means that differ much between channels: what they deviate is most of the variance.
  std::vector<double> x = numbers(images * channels * places);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += 100.0 * static_cast<double>(i / places % channels);
  for (const std::size_t groups : {1U, 2U, 3U, 6U}) {
    const auto count = static_cast<std::int64_t>(groups);
    const auto got =
        computed(of_pieces + std::string("y = kerf.joined_moments m v ") + std::to_string(groups) + " 1e-05",
                 {{2, count}, {2, count}}, pieces(x));
    for (std::size_t n = 0; n < images; ++n)
      for (std::size_t g = 0; g < groups; ++g) {
        const Moments want = moments_of(elements(
            x, [&](std::size_t a, std::size_t c, std::size_t) { return a == n && c / (channels / groups) == g; }));
        ASSERT_NEAR(got[0][n * groups + g], want.mean, 1e-10) << groups;
        ASSERT_NEAR(got[1][n * groups + g], 1 / std::sqrt(want.variance + 1e-5), 1e-12) << groups;
      }
  }
}

TEST(Norms, JoinedWithoutGroupsTheyAreThoseOfAChannel) {
  const std::vector<double> x = numbers(images * channels * places);
  const auto got = computed(of_pieces + std::string("y = kerf.joined_moments m v none 0.5"), {{6}, {6}}, pieces(x));
  for (std::size_t c = 0; c < channels; ++c) {
    const Moments want = moments_of(elements(x, [&](std::size_t, std::size_t b, std::size_t) { return b == c; }));
    ASSERT_NEAR(got[0][c], want.mean, 1e-12);
    ASSERT_NEAR(got[1][c], 1 / std::sqrt(want.variance + 0.5), 1e-12);
  }
}

TEST(Norms, EqualPiecesHaveNothingButTheEpsilon) {
  const auto got = computed(of_pieces + std::string("y = kerf.joined_moments m v 2 0.25"), {{2, 2}, {2, 2}},
                            {{"m", std::vector<double>(36, 3)}, {"v", std::vector<double>(36, 0)}});
  EXPECT_THAT(got[0], ElementsAre(3, 3, 3, 3));
  EXPECT_THAT(got[1], ElementsAre(2, 2, 2, 2));
}

TEST(Norms, ScaleAndShiftAreByImageAndChannel) {
  const auto got = computed(
      "input m f32 1 2\ninput d f32 1 2\nparameter w f32 4\nparameter b f32 4\ny = kerf.scale_and_shift m d w b 2",
      {{1, 4}, {1, 4}}, {{"m", {10, 20}}, {"d", {2, 3}}, {"w", {1, 2, 3, 4}}, {"b", {5, 6, 7, 8}}});
  EXPECT_THAT(got[0], ElementsAre(2, 4, 9, 12));
  EXPECT_THAT(got[1], ElementsAre(5 - 20, 6 - 40, 7 - 180, 8 - 240));
}

TEST(Norms, AsManyGroupsAsChannelsOrOneScaleAlike) {
  const std::string of = "parameter w f32 4\nparameter b f32 4\ny = kerf.scale_and_shift m d w b ";
  const Memory four = {{"m", {1, 2, 3, 4}}, {"d", {1, 1, 2, 2}}, {"w", {1, 2, 3, 4}}, {"b", {0, 0, 0, 1}}};
  const auto each = computed("input m f32 1 4\ninput d f32 1 4\n" + of + "4", {{1, 4}, {1, 4}}, four);
  EXPECT_THAT(each[0], ElementsAre(1, 2, 6, 8));
  EXPECT_THAT(each[1], ElementsAre(-1, -4, -18, -31));
  const Memory single = {{"m", {2}}, {"d", {3}}, {"w", {1, 2, 3, 4}}, {"b", {0, 0, 0, 1}}};
  const auto all = computed("input m f32 1 1\ninput d f32 1 1\n" + of + "1", {{1, 4}, {1, 4}}, single);
  EXPECT_THAT(all[0], ElementsAre(3, 6, 9, 12));
  EXPECT_THAT(all[1], ElementsAre(-6, -12, -18, -23));
}

TEST(Norms, NoGroupsAreNoGroups) {
  const std::string of = "input m f32 1 2\ninput d f32 1 2\nparameter w f32 4\nparameter b f32 4\n";
  EXPECT_FALSE(lowered(of + "y = kerf.scale_and_shift m d w b 0", {{1, 4}, {1, 4}}));
}

TEST(Norms, ScaledIsByImageAndChannelOrByChannelAlone) {
  const Memory by_image = {{"x", {1, 2, 3, 4, 5, 6, 7, 8}}, {"a", {1, 2, 3, 4}}, {"c", {0, 10, 20, 30}}};
  EXPECT_THAT(
      computed("input x f32 2 2 2\ninput a f32 2 2\ninput c f32 2 2\ny = kerf.scaled x a c", {{2, 2, 2}}, by_image)[0],
      ElementsAre(1, 2, 16, 18, 35, 38, 58, 62));
  const Memory by_channel = {{"x", {1, 2, 3, 4, 5, 6, 7, 8}}, {"a", {1, 2}}, {"c", {0, 10}}};
  EXPECT_THAT(
      computed("input x f32 2 2 2\ninput a f32 2\ninput c f32 2\ny = kerf.scaled x a c", {{2, 2, 2}}, by_channel)[0],
      ElementsAre(1, 2, 16, 18, 5, 6, 24, 26));
}

TEST(Norms, StandardisedHasAWeightAndABiasOrNone) {
  const std::string of = "input x f32 1 2 2\ninput m f32 2\ninput d f32 2\nparameter w f32 2\nparameter b f32 2\n";
  const Memory given = {{"x", {1, 2, 3, 4}}, {"m", {1, 3}}, {"d", {2, 4}}, {"w", {3, 5}}, {"b", {100, 200}}};
  EXPECT_THAT(computed(of + "y = kerf.standardised x m d w b", {{1, 2, 2}}, given)[0], ElementsAre(100, 106, 200, 220));
  EXPECT_THAT(computed(of + "y = kerf.standardised x m d none b", {{1, 2, 2}}, given)[0],
              ElementsAre(100, 102, 200, 204));
  EXPECT_THAT(computed(of + "y = kerf.standardised x m d w none", {{1, 2, 2}}, given)[0], ElementsAre(0, 6, 0, 20));
  EXPECT_THAT(computed(of + "y = kerf.standardised x m d none none", {{1, 2, 2}}, given)[0], ElementsAre(0, 2, 0, 4));
}

}  // namespace
}  // namespace kerf
