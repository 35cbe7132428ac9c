// What operators mean that give elements other places: the interpreter's result against a plain computation.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "synthesize/builtin/partition.h"
#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;
using testing::ElementsAre;

TEST(Places, AreCountedFromEitherEnd) {
  EXPECT_THAT(result_of("input x f32 10\ny = aten.slice.Tensor x 0 2 9 3 -> f32 3"), ElementsAre(2, 5, 8));
  EXPECT_THAT(result_of("input x f32 10\ny = aten.slice.Tensor x 0 -3 9223372036854775807 -> f32 3"),
              ElementsAre(7, 8, 9));
  EXPECT_THAT(result_of("input x f32 10\ny = aten.slice.Tensor x 0 0 -7 -> f32 3"), ElementsAre(0, 1, 2));
  EXPECT_THAT(result_of("input x f32 10\ny = aten.slice.Tensor x 0 8 20 -> f32 2"), ElementsAre(8, 9));
  EXPECT_THAT(result_of("input x f32 3 2\ny = aten.select.int x 0 -1 -> f32 2"), ElementsAre(4, 5));
  EXPECT_THAT(result_of("input x f32 3 2\ny = aten.narrow.default x 0 1 2 -> f32 2 2"), ElementsAre(2, 3, 4, 5));
}

TEST(Places, OfPartsFollowOneAnother) {
  EXPECT_THAT(result_of("input x f32 2 2\ninput z f32 2 1\nn = aten.neg.default x -> f32 2 2\n"
                        "y = aten.cat.default [n,z,x] 1 -> f32 2 5",
                        {{"z", {7, 8}}}),
              ElementsAre(0, -1, 7, 0, 1, -2, -3, 8, 2, 3));
  EXPECT_THAT(result_of("input x f32 3\nn = aten.neg.default x -> f32 3\ny = aten.stack.default [x,n] 1 -> f32 3 2"),
              ElementsAre(0, 0, 1, -1, 2, -2));
  // A part of a part: guards are those of the tensor, choices those of the parts.
  EXPECT_THAT(
      result_of("input x f32 4\na = aten.slice.Tensor x 0 0 2 -> f32 2\nb = aten.slice.Tensor x 0 2 4 -> f32 2\n"
                "y = aten.cat.default [b,a] 0 -> f32 4"),
      ElementsAre(2, 3, 0, 1));
}

TEST(Places, GoRound) {
  EXPECT_THAT(result_of("input x f32 5\ny = aten.roll.default x [2] [0] -> f32 5"), ElementsAre(3, 4, 0, 1, 2));
  EXPECT_THAT(result_of("input x f32 5\ny = aten.roll.default x [-2] [0] -> f32 5"), ElementsAre(2, 3, 4, 0, 1));
  EXPECT_THAT(result_of("input x f32 2 3\ny = aten.flip.default x [0,1] -> f32 2 3"), ElementsAre(5, 4, 3, 2, 1, 0));
  EXPECT_EQ(refusal_of("input x f32 5\ny = aten.roll.default x [7] [0] -> f32 5"), "rolled further than round");
}

TEST(Places, OutsideAreFilled) {
  EXPECT_THAT(result_of("input x f32 1 2\ny = aten.constant_pad_nd.default x [1,1,0,1] 9.0 -> f32 2 4"),
              ElementsAre(9, 0, 1, 9, 9, 9, 9, 9));
  EXPECT_THAT(result_of("input x f32 4\ny = aten.constant_pad_nd.default x [-1,2] -> f32 5"),
              ElementsAre(1, 2, 3, 0, 0));
  // What was computed is filled, too, and what was cut off stays away.
  EXPECT_THAT(result_of("input x f32 4\ne = aten.exp.default x -> f32 4\ns = aten.slice.Tensor e 0 0 1 -> f32 1\n"
                        "c = aten.cat.default [s,s] 0 -> f32 2\ny = aten.constant_pad_nd.default c [1,1] 5.0 -> f32 4"),
              ElementsAre(5, 1, 1, 5));
}

TEST(Places, TurnedRoundAreWithinTheTensor) {
  // Elements beyond the end are none, from whichever end positions are counted.
  EXPECT_THAT(result_of("input x f32 3\nf = aten.flip.default x [0] -> f32 3\n"
                        "y = aten.constant_pad_nd.default f [2,0] 9.0 -> f32 5"),
              ElementsAre(9, 9, 2, 1, 0));
  EXPECT_THAT(result_of("input x f32 3\nf = aten.flip.default x [0] -> f32 3\n"
                        "y = aten.constant_pad_nd.default f [0,2] 9.0 -> f32 5"),
              ElementsAre(2, 1, 0, 9, 9));
  EXPECT_THAT(result_of("input x f32 3\nf = aten.flip.default x [0] -> f32 3\n"
                        "y = aten.cat.default [x,f,x] 0 -> f32 9"),
              ElementsAre(0, 1, 2, 2, 1, 0, 0, 1, 2));
}

TEST(Places, AreRepeatedWhereImagesGrow) {
  EXPECT_THAT(result_of("input x f32 1 1 2 2\ny = aten.upsample_nearest2d.vec x none [2.0,3.0] -> f32 1 1 4 6"),
              ElementsAre(0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 2, 2, 2, 3, 3, 3));
  EXPECT_THAT(result_of("input x f32 1 1 2\ny = aten._upsample_nearest_exact1d.default x [4] -> f32 1 1 4"),
              ElementsAre(0, 0, 1, 1));
  EXPECT_EQ(refusal_of("input x f32 1 1 4\ny = aten.upsample_nearest1d.default x [6] -> f32 1 1 6"),
            "images that do not grow by whole numbers");
}

TEST(Places, ThatCutRowsStayCallsInCpp) {
  const Case c = parse(
      "input x f32 1 4 3 5\nr = aten.relu.default x -> f32 1 4 3 5\n"
      "y = aten.pixel_shuffle.default r 2 -> f32 1 1 6 10\noutput y\n");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_EQ(library_calls(*graph, partition(*graph, Fusing::full)), 0U);
  EXPECT_EQ(library_calls(*graph, partition(*graph, Fusing::full, Products::library, Language::cpp)), 1U);
}

TEST(Places, BetweenElementsWeighBothAndEndWithTheLast) {
  EXPECT_THAT(result_of("input x f32 1 1 3\ny = aten.upsample_linear1d.vec x none false [2.0] -> f32 1 1 6"),
              ElementsAre(0, 0.25, 0.75, 1.25, 1.75, 2));
  // Rows, then columns: in steps of thirds the middle one is the element.
  EXPECT_THAT(result_of("input x f32 1 1 2 3\nm = aten.mul.Tensor x 3 -> f32 1 1 2 3\n"
                        "y = aten.upsample_bilinear2d.vec m none false [2.0,1.0] -> f32 1 1 4 3"),
              ElementsAre(0, 3, 6, 2.25, 5.25, 8.25, 6.75, 9.75, 12.75, 9, 12, 15));
  EXPECT_THAT(result_of("input x f32 1 1 3\ny = aten.upsample_linear1d.vec x none true [2.0] -> f32 1 1 6"),
              testing::Pointwise(testing::DoubleNear(1e-12), std::vector<double>{0, 0.4, 0.8, 1.2, 1.6, 2}));
}

TEST(Places, AreChannelsInOtherWords) {
  EXPECT_THAT(result_of("input x f32 1 4 1 2\ny = aten.pixel_shuffle.default x 2 -> f32 1 1 2 4"),
              ElementsAre(0, 2, 1, 3, 4, 6, 5, 7));
  EXPECT_THAT(result_of("input x f32 1 1 4 4\ny = aten.pixel_unshuffle.default x 2 -> f32 1 4 2 2"),
              ElementsAre(0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15));
  EXPECT_THAT(result_of("input x f32 1 4 2\ny = aten.channel_shuffle.default x 2 -> f32 1 4 2"),
              ElementsAre(0, 1, 4, 5, 2, 3, 6, 7));
}

TEST(Places, MakeNumbers) {
  EXPECT_THAT(result_of("input x f32 4\ni = aten.arange.start_step 1 8 2 -> i64 4\ny = aten.add.Tensor x i -> f32 4"),
              ElementsAre(1, 4, 7, 10));
  EXPECT_THAT(
      result_of("input x f32 2 2\no = aten.ones.default [2,2] -> f32 2 2\nt = aten.triu.default o 1 -> f32 2 2\n"
                "e = aten.eq.Scalar t 0 -> bool 2 2\ny = aten.masked_fill.Scalar x e -1 -> f32 2 2"),
      ElementsAre(-1, 1, -1, -1));
  EXPECT_THAT(result_of("input t i64 3\nh = aten.one_hot.default t 2 -> i64 3 2\n"
                        "y = aten._to_copy.default h dtype=f32 -> f32 3 2",
                        {{"t", {1, 0, 1}}}),
              ElementsAre(0, 1, 1, 0, 0, 1));
}

TEST(Places, AreIntegersThatFloatsTellApart) {
  EXPECT_EQ(refusal_of("input t i64 3\nr = aten.add.Tensor t 7 -> i64 3\n"
                       "y = aten._to_copy.default r dtype=f32 -> f32 3"),
            "arithmetic of integers of any size");
  EXPECT_EQ(refusal_of("input t i64 3\ne = aten.gt.Scalar t 1000000000 -> bool 3\n"
                       "y = aten._to_copy.default e dtype=f32 -> f32 3"),
            "an integer that floats do not tell from its neighbours");
  EXPECT_EQ(refusal_of("input t i64 3\ny = aten._to_copy.default t dtype=f32 -> f32 3"), "");
  EXPECT_THAT(result_of("input x f32 3\ninput t i64 3\no = aten.ones_like.default t -> i64 3\n"
                        "y = aten.add.Tensor x o -> f32 3",
                        {{"t", {1, 0, 1}}}),
              ElementsAre(1, 2, 3));
}

TEST(Places, AreLookedUp) {
  EXPECT_THAT(result_of("input x f32 3 2\ninput t i64 2\ny = aten.embedding.default x t -> f32 2 2", {{"t", {2, 0}}}),
              ElementsAre(4, 5, 0, 1));
  EXPECT_THAT(
      result_of("input x f32 3 2\ninput t i64 2\ny = aten.index_select.default x 0 t -> f32 2 2", {{"t", {1, 1}}}),
      ElementsAre(2, 3, 2, 3));
}

TEST(Places, OfAViewAreCountedAnew) {
  EXPECT_THAT(result_of("input x f32 2 6\nv = aten.view.default x [2,3,-1] -> f32 2 3 2\n"
                        "s = aten.sum.dim_IntList v [1] -> f32 2 2\ny = aten.neg.default s -> f32 2 2"),
              ElementsAre(-6, -9, -24, -27));
  EXPECT_THAT(result_of("input x f32 12\nv = aten.view.default x [-1,2,3] -> f32 2 2 3\n"
                        "s = aten.select.int v 1 1 -> f32 2 3\ny = aten.neg.default s -> f32 2 3"),
              ElementsAre(-3, -4, -5, -9, -10, -11));
}

TEST(Places, OfAPartThatWasCutUpAreCountedAnew) {
  // As the halves of each head of queries that are a part of a product's rows.
  EXPECT_THAT(result_of("input x f32 2 12\ns = aten.slice.Tensor x 1 4 12 -> f32 2 8\n"
                        "v = aten.view.default s [2,2,4] -> f32 2 2 4\n"
                        "h = aten.slice.Tensor v 2 2 4 -> f32 2 2 2\ny = aten.neg.default h -> f32 2 2 2"),
              ElementsAre(-6, -7, -10, -11, -18, -19, -22, -23));
  EXPECT_THAT(result_of("input x f32 2 12\ns = aten.slice.Tensor x 1 4 12 -> f32 2 8\n"
                        "v = aten.view.default s [2,2,4] -> f32 2 2 4\n"
                        "h = aten.select.int v 1 1 -> f32 2 4\ny = aten.neg.default h -> f32 2 4"),
              ElementsAre(-8, -9, -10, -11, -20, -21, -22, -23));
}

TEST(Places, ARepetitionIsNotWrittenOut) {
  EXPECT_EQ(refusal_of("input x f32 3 1\ny = aten.expand.default x [3,4] -> f32 3 4"),
            "a repetition that is written out");
  EXPECT_THAT(result_of("input x f32 2 1\ninput z f32 2 2\ne = aten.expand.default x [-1,2] -> f32 2 2\n"
                        "y = aten.add.Tensor e z -> f32 2 2",
                        {{"z", {1, 2, 3, 4}}}),
              ElementsAre(1, 2, 4, 5));
}

TEST(Places, OfElementsThatAreRepeatedFollowOneAnother) {
  EXPECT_THAT(result_of("input x f32 2 2\ninput z f32 2 4\nr = aten.repeat_interleave.self_int x 2 1 -> f32 2 4\n"
                        "y = aten.add.Tensor r z -> f32 2 4",
                        {{"z", {10, 20, 30, 40, 50, 60, 70, 80}}}),
              ElementsAre(10, 20, 31, 41, 52, 62, 73, 83));
}

TEST(Borders, AreWhatIsThere) {
  EXPECT_THAT(result_of("input x f32 4\ny = aten.pad.default x [2,3] \"reflect\" -> f32 9"),
              ElementsAre(2, 1, 0, 1, 2, 3, 2, 1, 0));
  EXPECT_THAT(result_of("input x f32 4\ny = aten.pad.default x [2,1] \"replicate\" -> f32 7"),
              ElementsAre(0, 0, 0, 1, 2, 3, 3));
  EXPECT_THAT(result_of("input x f32 4\ny = aten.pad.default x [2,1] \"circular\" -> f32 7"),
              ElementsAre(2, 3, 0, 1, 2, 3, 0));
  EXPECT_THAT(result_of("input x f32 2 3\nn = aten.neg.default x -> f32 2 3\n"
                        "y = aten.pad.default n [1,0,0,1] \"reflect\" -> f32 3 4"),
              ElementsAre(-1, 0, -1, -2, -4, -3, -4, -5, -1, 0, -1, -2));
  EXPECT_THAT(result_of("input x f32 5\ny = aten.pad.default x [-1,1] \"replicate\" -> f32 5"),
              ElementsAre(1, 2, 3, 4, 4));
}

TEST(Indices, MayBeOthersAtEachPlace) {
  EXPECT_THAT(result_of("input x f32 2 3\ninput i i64 2 3\ny = aten.gather.default x 1 i -> f32 2 3",
                        {{"i", {2, 2, 0, 1, 0, 2}}}),
              ElementsAre(2, 2, 0, 4, 3, 5));
  EXPECT_THAT(result_of("input x f32 2 3\ninput i i64 2 1\ny = aten.take_along_dim.default x i -1 -> f32 2 1",
                        {{"i", {-1, 0}}}),
              ElementsAre(2, 3));
  // Of two dimensions at once, of one dimension after the other, of an index that was looked up.
  EXPECT_THAT(result_of("input x f32 2 3\ninput i i64 2\ninput j i64 2\ny = aten.index.Tensor x [i,j] -> f32 2",
                        {{"i", {1, -2}}, {"j", {2, 0}}}),
              ElementsAre(5, 0));
  EXPECT_THAT(
      result_of("input x f32 2 3\ninput i i64 2\ninput j i64 2\na = aten.index_select.default x 0 i -> f32 2 3\n"
                "y = aten.index_select.default a 1 j -> f32 2 2",
                {{"i", {1, 0}}, {"j", {2, 2}}}),
      ElementsAre(5, 5, 2, 2));
  EXPECT_THAT(
      result_of("input x f32 4 2\ninput i i64 3\ninput j i64 2\na = aten.index_select.default x 0 i -> f32 3 2\n"
                "y = aten.index_select.default a 0 j -> f32 2 2",
                {{"i", {3, 1, 2}}, {"j", {2, 0}}}),
      ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(refusal_of("input x f32 4\ninput m bool 4\ny = aten.index.Tensor x [m] -> f32 2"),
            "elements that a mask chooses");
}

TEST(Images, GrowBetweenElementsWhereverThosePlacesFall) {
  EXPECT_THAT(result_of("input x f32 1 1 3\ny = aten.upsample_linear1d.default x [5] true -> f32 1 1 5"),
              ElementsAre(0, 0.5, 1, 1.5, 2));
  EXPECT_THAT(result_of("input x f32 1 1 4\ny = aten.upsample_linear1d.default x [3] false -> f32 1 1 3"),
              testing::Pointwise(testing::DoubleNear(1e-12), std::vector<double>{1.0 / 6, 1.5, 17.0 / 6}));
  EXPECT_THAT(result_of("input x f32 1 1 2 2\ny = aten.upsample_bilinear2d.vec x [3,2] true none -> f32 1 1 3 2"),
              ElementsAre(0, 1, 1, 2, 2, 3));
}

TEST(Counts, LeaveOutWhatIsZeroOrNoNumber) {
  const Memory memory = {{"z", {0, 2, std::nan(""), -0.0, 5, 7}}};
  EXPECT_THAT(result_of("input z f32 2 3\ny = aten.count_nonzero.dim_IntList z [1] -> i64 2", memory),
              ElementsAre(2, 2));
  EXPECT_THAT(result_of("input z f32 2 3\ny = aten.nansum.default z [1] -> f32 2", memory), ElementsAre(2, 12));
}

TEST(Norms, OfEveryOrder) {
  const Memory memory = {{"z", {0, -3, 4, 1, -2, 2}}};
  const auto norm = [&](const char* p) {
    return result_of(fmt::format("input z f32 2 3\ny = aten.linalg_vector_norm.default z {} [1] -> f32 2", p), memory);
  };
  EXPECT_THAT(norm("0.0"), ElementsAre(2, 3));
  EXPECT_THAT(norm("-inf"), ElementsAre(0, 1));
  EXPECT_THAT(norm("3.0"),
              ElementsAre(testing::DoubleNear(std::cbrt(91.0), 1e-12), testing::DoubleNear(std::cbrt(17.0), 1e-12)));
  EXPECT_EQ(norm("-1.0").at(0), 0);
}

TEST(Places, OfAPartAreAnothers) {
  const std::string rows = "input x f32 2 4\ninput z f32 2 2\n";
  const Memory z = {{"z", {10, 20, 30, 40}}};
  EXPECT_THAT(result_of(rows + "y = aten.slice_scatter.default x z 1 1 3 -> f32 2 4", z),
              ElementsAre(0, 10, 20, 3, 4, 30, 40, 7));
  EXPECT_THAT(result_of(rows + "y = aten.slice_scatter.default x z 1 -2 9223372036854775807 -> f32 2 4", z),
              ElementsAre(0, 1, 10, 20, 4, 5, 30, 40));
  EXPECT_THAT(result_of(rows + "y = aten.slice_scatter.default x x 0 0 2 -> f32 2 4", z),
              ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(result_of("input x f32 2 3\ninput z f32 2\ny = aten.select_scatter.default x z 1 -1 -> f32 2 3",
                        {{"z", {10, 20}}}),
              ElementsAre(0, 1, 10, 3, 4, 20));
  EXPECT_EQ(refusal_of(rows + "y = aten.slice_scatter.default x z 1 0 4 2 -> f32 2 4"),
            "a part in steps, or of another size");
}

TEST(Places, ThatAMaskChoosesTakeANumber) {
  const std::string rows = "input x f32 2 2\ninput m bool 2\ninput z f32\n";
  const Memory memory = {{"m", {0, 1}}, {"z", {9}}};
  EXPECT_THAT(result_of(rows + "y = aten.index_put.default x [m] z -> f32 2 2", memory), ElementsAre(0, 1, 9, 9));
  EXPECT_THAT(result_of(rows + "y = aten.index_put.default x [m] z true -> f32 2 2", memory),
              ElementsAre(0, 1, 11, 12));
  EXPECT_EQ(refusal_of("input x f32 2 2\ninput m i64 2\ninput z f32\ny = aten.index_put.default x [m] z -> f32 2 2"),
            "elements that are put where an index says");
  EXPECT_EQ(refusal_of("input x f32 4\ninput m bool 4\ninput z f32 2\ny = aten.index_put.default x [m] z -> f32 4"),
            "as many elements as a mask chooses");
  EXPECT_THAT(result_of("input x f32 2\na = aten.fill.Scalar x 3.0 -> f32 2\ny = aten.add.Tensor a x -> f32 2"),
              ElementsAre(3, 4));
}

TEST(Diagonals, AreReadAndPutInMatrices) {
  const std::string square = "input x f32 3 3\n", wide = "input x f32 2 4\n";
  EXPECT_THAT(result_of(square + "y = aten.diagonal.default x -> f32 3"), ElementsAre(0, 4, 8));
  EXPECT_THAT(result_of(square + "y = aten.diagonal.default x 1 -> f32 2"), ElementsAre(1, 5));
  EXPECT_THAT(result_of(square + "y = aten.diagonal.default x -1 -> f32 2"), ElementsAre(3, 7));
  EXPECT_THAT(result_of(square + "y = aten.diagonal.default x -2 -> f32 1"), ElementsAre(6));
  EXPECT_THAT(result_of(wide + "y = aten.diagonal.default x 2 -> f32 2"), ElementsAre(2, 7));
  EXPECT_THAT(result_of(wide + "y = aten.diagonal.default x 0 1 0 -> f32 2"), ElementsAre(0, 5));
  EXPECT_THAT(result_of("input x f32 2 2 2\ny = aten.diagonal.default x 0 0 2 -> f32 2 2"), ElementsAre(0, 5, 2, 7));
  EXPECT_THAT(result_of(wide + "y = aten.trace.default x -> f32"), ElementsAre(5));
  EXPECT_THAT(result_of(square + "y = aten.diag.default x 1 -> f32 2"), ElementsAre(1, 5));
  EXPECT_THAT(result_of("input x f32 2\ny = aten.diag.default x -> f32 2 2"), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(result_of("input x f32 2 2\ny = aten.diag_embed.default x -> f32 2 2 2"),
              ElementsAre(0, 0, 0, 1, 2, 0, 0, 3));
}

TEST(Searches, GoByHalves) {
  const Memory memory = {{"x", {-1, 0, 0.5, 2, 3, std::nan("")}}, {"b", {0, 1, 2}}};
  const std::string all = "input x f32 6\ninput b f32 3\n";
  EXPECT_THAT(result_of(all + "y = aten.bucketize.Tensor x b -> i64 6", memory), ElementsAre(0, 0, 1, 2, 3, 3));
  EXPECT_THAT(result_of(all + "y = aten.bucketize.Tensor x b right=true -> i64 6", memory),
              ElementsAre(0, 1, 1, 3, 3, 3));
  EXPECT_THAT(result_of(all + "y = aten.searchsorted.Tensor b x -> i64 6", memory), ElementsAre(0, 0, 1, 2, 3, 3));
  EXPECT_THAT(result_of("input x f32 2 2\ninput b f32 2 3\ny = aten.searchsorted.Tensor b x -> i64 2 2",
                        {{"b", {0, 1, 2, 2.5, 3, 4}}}),
              ElementsAre(0, 1, 0, 1));
  // In no order: 2 stops before 1 is looked at.
  EXPECT_THAT(result_of("input x f32 2\ninput b f32 3\ny = aten.bucketize.Tensor x b -> i64 2",
                        {{"x", {1.5, 3}}, {"b", {5, 2, 1}}}),
              ElementsAre(0, 3));
  EXPECT_EQ(refusal_of("input x f32 6\ninput b f32 17\ny = aten.bucketize.Tensor x b -> i64 6"), "a search among many");
}

}  // namespace
}  // namespace kerf
