#include "synthesize/builtin/moves.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "synthesize/builtin/compose.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;

TEST(Moves, KeepTheMeaningAndGiveLegalPlans) {
  const Case c = parse(rms);
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), CacheFacts{});
  const auto expected = run(*graph, recipe, {{"x", numbers(60)}})["d"];
  const std::vector<Move> all = moves(*graph, recipe, CacheFacts{});
  std::set<std::string> names;
  for (const Move& move : all) {
    names.insert(move.name);
    const Result<Candidate> candidate = write_candidate(c.problem, *graph, move.result, {});
    ASSERT_TRUE(candidate) << move.name << ": " << candidate.error().message;
    EXPECT_EQ(fault(*candidate, c.problem), "") << move.name;
    if (move.name == "library") continue;  // operators of the library have no interpreter here
    const auto got = run(*graph, move.result, {{"x", numbers(60)}})["d"];
    ASSERT_EQ(got.size(), expected.size()) << move.name;
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-12) << move.because;
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"tile", "unroll", "accumulators", "streaming_stores", "split", "library"}));
}

std::set<std::string> names_of_moves(Language language) {
  std::set<std::string> names;
  for (const char* const text :
       {rms, "input x f32 64 1000\ns = aten.softmax.int x 1 -> f32 64 1000\noutput s",
        "input x f32 16 4194304\nl = aten.layer_norm.default x [4194304] -> f32 16 4194304\noutput l",
        "input x f32 896 2097152\nl = aten.layer_norm.default x [2097152] -> f32 896 2097152\noutput l",
        "input x f32 64 1000\ninput b f32 64 1\na = aten.add.Tensor x b -> f32 64 1000\noutput a",
        "input x f32 256 300\ninput y f32 300 96\np = aten.mm.default x y -> f32 256 96\n"
        "r = aten.relu.default p -> f32 256 96\noutput r",
        "input x f32 2 32 20 20\nparameter w f32 32 32 3 3\n"
        "c = aten.conv2d.default x w none [1,1] [1,1] -> f32 2 32 20 20\noutput c"}) {
    const Case c = parse(text);
    const auto graph = generalise(c.problem, GraphForm::exported);
    const Products products = generates_products(language) ? Products::own : Products::library;
    const Recipe first =
        *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full, products), gpu_facts(language));
    EXPECT_EQ(*recipe_from_json(to_json(first, *graph), *graph), first);
    std::vector<Recipe> recipes = {first};
    for (const Move& move : moves(*graph, first, gpu_facts(language))) recipes.push_back(move.result);
    for (const Recipe& recipe : recipes)
      for (const Move& move : moves(*graph, recipe, gpu_facts(language))) {
        names.insert(move.name);
        const Result<Candidate> candidate = write_candidate(c.problem, *graph, move.result, {});
        EXPECT_TRUE(candidate) << move.because << ": " << candidate.error().message;
        if (!candidate) continue;
        EXPECT_EQ(candidate->language, language);
        EXPECT_EQ(fault(*candidate, c.problem), "") << move.because;
      }
  }
  return names;
}

TEST(Moves, OfAGpuGiveLegalPlans) {
  EXPECT_THAT(names_of_moves(Language::cuda),
              testing::IsSupersetOf({"block_size", "vector_loads", "loads_in_flight", "persistent", "evict_first",
                                     "across_rows", "row_lanes", "column_lanes", "split_rows", "overlap", "ticket",
                                     "registers", "passes", "split", "library"}));
  EXPECT_THAT(names_of_moves(Language::triton),
              testing::IsSupersetOf({"warps", "tile", "stages", "persistent", "evict_first", "across_rows",
                                     "rows_of_a_tile", "columns_of_a_tile", "split_rows", "registers", "passes",
                                     "split", "library", "product", "split_sum", "swizzle", "factors", "turn"}));
}

TEST(Schedule, WhatTilesWriteInTurnStaysInTheCachesWhereTheyShareSectors) {
  const auto streams = [](int places) {
    const std::string n = std::to_string(places), out = " -> f32 32 64 " + n + " " + n + "\n";
    const Case c = parse("input x f32 32 " + n + " " + n + " 64\np = aten.permute.default x [0,3,1,2]" + out +
                         "t = aten.tanh.default p" + out + "output t");
    const auto graph = generalise(c.problem, GraphForm::exported);
    return make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), gpu_facts(Language::triton))
        ->schedules.at(0)
        .streaming;
  };
  EXPECT_TRUE(streams(512));
  EXPECT_FALSE(streams(513));  // rows of 263,169 floats
}

// In CUDA: what is read once has nothing to leave the caches for.
TEST(Schedule, OfAGpuEvictsWhereSomethingIsReadAgain) {
  const auto schedule_of = [](const char* text) {
    const Case c = parse(text);
    const auto graph = generalise(c.problem, GraphForm::exported);
    return make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), gpu_facts())->schedules.at(0);
  };
  const Schedule once = schedule_of("input x f32 4096 393216\nr = aten.relu.default x -> f32 4096 393216\noutput r");
  EXPECT_FALSE(once.streaming);
  EXPECT_EQ(once.width * once.unroll, 4);
  EXPECT_FALSE(schedule_of("input x f32 4096 393216\ns = aten.sum.dim_IntList x [1] -> f32 4096\noutput s").streaming);
  const Schedule held = schedule_of("input x f32 65536 8192\ns = aten.softmax.int x 1 -> f32 65536 8192\noutput s");
  EXPECT_TRUE(held.hold && !held.streaming);
  const Schedule twice = schedule_of("input x f32 4096 393216\ns = aten.softmax.int x 1 -> f32 4096 393216\noutput s");
  EXPECT_TRUE(!twice.hold && twice.streaming);
}

TEST(Schedule, OfAGpuAnswersTheShape) {
  const auto schedule_of = [](const char* text) {
    const Case c = parse(text);
    const auto graph = generalise(c.problem, GraphForm::exported);
    const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), gpu_facts());
    return recipe.schedules.at(0);
  };
  // Short rows share a block and stay in registers; long ones have a block; few and long ones are cut up.
  const Schedule few = schedule_of("input x f32 4096 100\ns = aten.softmax.int x 1 -> f32 4096 100\noutput s");
  EXPECT_EQ(few.sketch, Sketch::rows);
  EXPECT_LE(few.lanes, 32);
  EXPECT_TRUE(few.hold);
  const Schedule block = schedule_of("input x f32 4096 8192\ns = aten.softmax.int x 1 -> f32 4096 8192\noutput s");
  EXPECT_EQ(block.lanes, whole_block);
  EXPECT_TRUE(block.hold && block.keep);
  const Schedule looped = schedule_of("input x f32 4096 393216\ns = aten.softmax.int x 1 -> f32 4096 393216\noutput s");
  EXPECT_FALSE(looped.hold);
  EXPECT_TRUE(looped.joint);
  const Schedule cut = schedule_of("input x f32 4 1048576\ns = aten.sum.dim_IntList x [1] -> f32 4\noutput s");
  EXPECT_EQ(cut.sketch, Sketch::split);
  // A launch a pass; those that store have blocks of a length of their own, and caches keep what they like.
  const Schedule stores =
      schedule_of("input x f32 896 2097152\nl = aten.layer_norm.default x [2097152] -> f32 896 2097152\noutput l");
  EXPECT_EQ(stores.sketch, Sketch::split);
  EXPECT_EQ(stores.chunk, 32768);
  EXPECT_FALSE(stores.overlap || stores.streaming);
  // Half and a quarter of the threads are tried where a row is then still held.
  const Schedule held = schedule_of("input x f32 8192 4096\ns = aten.softmax.int x 1 -> f32 8192 4096\noutput s");
  EXPECT_EQ(held.block, (std::vector<std::int64_t>{512, 256, 128}));
  // Rows of 1,001 elements do not begin where 16 bytes can be loaded at once; a tensor in memory order does.
  EXPECT_EQ(schedule_of("input x f32 64 1001\ns = aten.softmax.int x 1 -> f32 64 1001\noutput s").width, 1);
  EXPECT_EQ(schedule_of("input x f32 63 1001\nr = aten.relu.default x -> f32 63 1001\noutput r").width, 4);
}

TEST(Moves, RecipesSurviveJson) {
  const Case c = parse(rms);
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::none), CacheFacts{});
  EXPECT_EQ(*recipe_from_json(to_json(recipe, *graph), *graph), recipe);
}

}  // namespace
}  // namespace kerf
