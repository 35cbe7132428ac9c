// Lowering, partition, emission, moves and the built-in synthesizer, over graphs as text in tests/cases/synthesize/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>

#include "candidate/extension.h"
#include "candidate/plan.h"
#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/algebra/bias.h"
#include "synthesize/builtin/algebra/layouts.h"
#include "synthesize/builtin/builtin.h"
#include "synthesize/builtin/compose.h"
#include "synthesize/builtin/gpu_schedule.h"
#include "synthesize/builtin/interpret.h"
#include "synthesize/builtin/lower.h"
#include "synthesize/builtin/moves.h"
#include "synthesize/builtin/passes.h"
#include "synthesize/builtin/policy.h"
#include "synthesize/fake_synthesizer.h"
#include "synthesize/graph_text.h"
#include "synthesize/identity.h"

namespace kerf {
namespace {

// Reads the plan and lints it on every workload that it supports; says what is wrong, or nothing.
std::string fault(const Candidate& candidate, const Understood& problem) {
  const Result<Source> source = read_source(candidate);
  if (!source) return source.error().message + "\n" + candidate.text;
  const auto points = tune_points(*source);
  if (!points || points->empty()) return "no tune point";
  for (const Workload& workload : problem.workloads) {
    const Result<bool> can = supports(*source, workload);
    if (!can) return can.error().message;
    if (!*can) continue;
    for (const TunePoint& point : *points)
      if (const Result<> checked = lint(*source, workload, point); !checked)
        return checked.error().message + "\n" + candidate.text;
  }
  return "";
}

// The case's graph as it is partitioned; "expect layout channels_last" has its convolutions in that layout, "expect
// layout places_inside" what they read, "expect layout few_rows" its linear layers turned.
Result<GeneralGraph> rewritten(const Case& c, Language language = Language::cpp) {
  GeneralGraph graph = simplify(TRY(generalise(c.problem, GraphForm::exported)));
  if (std::ranges::none_of(c.expect, [](const auto& each) { return each.first == "layout"; })) {
    if (language == Language::cpp) graph.stores_across = StoresAcross::rows;
    return graph;
  }
  if (std::ranges::count(c.expect, std::pair<std::string, std::string>("layout", "few_rows")) != 0)
    return with_few_rows_turned(std::move(graph));
  const bool inside = std::ranges::count(c.expect, std::pair<std::string, std::string>("layout", "places_inside")) != 0;
  std::optional<GeneralGraph> other =
      inside ? with_places_inside(std::move(graph)) : in_channels_last(std::move(graph), language);
  if (!other) return fail(ErrorKind::candidate, "no convolution can be in another layout");
  return *std::move(other);
}

class Cases : public testing::TestWithParam<std::string> {};

TEST_P(Cases, HoldWhatTheyExpect) {
  std::ifstream file(GetParam());
  const Case c = parse(file);
  const Result<GeneralGraph> graph = rewritten(c);
  ASSERT_TRUE(graph) << graph.error().message;
  const Result<Recipe> recipe = make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), CacheFacts{});
  ASSERT_TRUE(recipe);
  const Result<Candidate> candidate = write_candidate(c.problem, *graph, *recipe, {});
  ASSERT_TRUE(candidate) << candidate.error().message;
  EXPECT_EQ(fault(*candidate, c.problem), "");
  const auto count = [&](const std::string& what) {
    std::size_t n = 0;
    for (std::size_t at = candidate->text.find(what); at != std::string::npos; at = candidate->text.find(what, at + 1))
      ++n;
    return std::to_string(n);
  };
  for (const auto& [key, value] : c.expect) {
    if (key == "groups") {
      EXPECT_EQ(std::to_string(recipe->partition.groups.size()), value);
    }
    if (key == "calls") {
      EXPECT_EQ(std::to_string(library_calls(*graph, recipe->partition)), value);
    }
    if (key == "nodes") {
      EXPECT_EQ(std::to_string(recipe->partition.groups.at(0).size()), value);
    }
    if (key == "launches") {
      EXPECT_EQ(count("\nlaunch = "), value) << candidate->text;
    }
    if (key == "text") {
      EXPECT_THAT(candidate->text, testing::HasSubstr(value));
    }
    if (key == "sketch") {
      EXPECT_EQ(to_string(recipe->schedules.at(0).sketch), value);
    }
    if (key == "waves") {
      EXPECT_EQ(std::to_string(lower(*graph, recipe->partition.groups.at(0))->waves), value);
    }
  }
}

// What is written for a case, as text to review: KERF_REGENERATE=1 writes it anew.
TEST_P(Cases, AreWrittenAsBefore) {
  const std::filesystem::path path = GetParam();
  for (const Language language : {Language::cpp, Language::cuda, Language::triton}) {
    const std::filesystem::path golden = path.parent_path() / "golden" / (path.stem().string() + extension(language));
    std::ifstream file(path);
    const Case c = parse(file);
    const Result<GeneralGraph> graph = rewritten(c, language);
    ASSERT_TRUE(graph) << graph.error().message;
    CacheFacts machine;
    machine.language = language;
    const bool own =
        generates_products(language) &&
        std::ranges::find(c.expect, std::pair<std::string, std::string>("products", "own")) != c.expect.end();
    const Recipe recipe = *make_recipe(
        *graph, GraphForm::exported, partition(*graph, Fusing::full, own ? Products::own : Products::library), machine);
    const Result<Candidate> candidate = write_candidate(c.problem, *graph, recipe, {});
    ASSERT_TRUE(candidate) << candidate.error().message;
    EXPECT_EQ(candidate->language, language);
    EXPECT_EQ(fault(*candidate, c.problem), "");
    if (std::getenv("KERF_REGENERATE") != nullptr) std::ofstream(golden) << candidate->text;
    std::ifstream written(golden);
    const std::string before((std::istreambuf_iterator<char>(written)), std::istreambuf_iterator<char>());
    EXPECT_EQ(candidate->text, before) << "if this is meant: KERF_REGENERATE=1 synthesize_test, and review " << golden;
  }
}

std::vector<std::string> case_files() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(KERF_CASES) + "/synthesize"))
    if (entry.path().extension() == ".txt") found.push_back(entry.path());
  std::ranges::sort(found);
  return found;
}
INSTANTIATE_TEST_SUITE_P(Synthesize, Cases, testing::ValuesIn(case_files()),
                         [](const auto& each) { return std::filesystem::path(each.param).stem().string(); });

// What simplify() makes of a linear layer with something behind it: the operators in order.
TEST(Lower, RowsDoNotRunAcrossMemory) {
  // A norm over channels and places reads its rows from where they lie one after another.
  const Case c = parse(
      "input x f32 2 8 5 6\nparameter w f32 8 4 3 3\n"
      "y = aten.conv_transpose2d.input x w -> f32 2 4 7 8\nz = aten.group_norm.default y 2 -> f32 2 4 7 8\noutput z");
  const std::optional<GeneralGraph> graph =
      in_channels_last(*generalise(c.problem, GraphForm::exported), Language::cpp);
  ASSERT_TRUE(graph);
  EXPECT_EQ(partition(*graph, Fusing::full).groups, (std::vector<NodeSet>{{2}, {3}}));
}

CacheFacts gpu_facts(Language language = Language::cuda) {
  CacheFacts facts;
  facts.language = language;
  facts.sms = 132;
  facts.l2_bytes = 50 << 20;
  return facts;
}

const char* const rms = R"(input x f32 3 5 4
p = aten.pow.Tensor_Scalar x 2 -> f32 3 5 4
m = aten.mean.dim p [1] true -> f32 3 1 4
s = aten.sqrt.default m -> f32 3 1 4
d = aten.div.Tensor x s -> f32 3 5 4
output d)";

// Every group of the recipe, one after the other.
std::map<std::string, std::vector<double>> run(const GeneralGraph& graph, const Recipe& recipe, Memory memory) {
  // Groups of these tests depend on each other in the order of their last nodes.
  std::vector<NodeSet> groups = recipe.partition.groups;
  std::ranges::sort(groups, {}, [](const NodeSet& g) { return g.back(); });
  for (const NodeSet& group : groups) interpret(*lower(graph, group), memory, 0);
  return memory;
}

TEST(Lower, ComputesWhatTheOperatorsMean) {
  const Case c = parse(rms);
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0, 1, 2, 3});
  Memory memory{{"x", numbers(60)}};
  interpret(region, memory, 0);
  for (std::size_t b = 0; b < 3; ++b)
    for (std::size_t i = 0; i < 4; ++i) {
      double squares = 0;
      for (std::size_t k = 0; k < 5; ++k) squares += std::pow(memory["x"][b * 20 + k * 4 + i], 2);
      for (std::size_t k = 0; k < 5; ++k)
        EXPECT_NEAR(memory["d"].at(b * 20 + k * 4 + i), memory["x"][b * 20 + k * 4 + i] / std::sqrt(squares / 5),
                    1e-12);
    }
}

TEST(Lower, GivesTheFirstPositionAndNaNBeforeAll) {
  const Case c = parse("input x f32 3 4\na = aten.argmax.default x 1 -> i64 3\noutput a");
  const auto graph = generalise(c.problem, GraphForm::exported);
  Memory memory{{"x", {1, 5, 5, 2, 0, NAN, 9, NAN, -INFINITY, -INFINITY, -INFINITY, -INFINITY}}};
  interpret(*lower(*graph, {0}), memory, 0);
  EXPECT_EQ(memory["a"], (std::vector<double>{1, 1, 0}));
}

TEST(Lower, PutsAxesThatNothingTellsApartTogether) {
  const Case c = parse("input x f32 3 5 4\nr = aten.relu.default x -> f32 3 5 4\noutput r");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0});
  ASSERT_EQ(region.axes.size(), 1U);
  EXPECT_EQ(region.axes[0].extent.values[0], 60);
}

TEST(Lower, RefusesATensorPlusItsTranspose) {
  const Case c =
      parse("input x f32 4 4\nt = aten.t.default x -> f32 4 4\na = aten.add.Tensor x t -> f32 4 4\noutput a");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(lower(*graph, {0, 1}));
}

TEST(Lower, RefusesReductionsOverDifferentDimensions) {
  const Case c = parse(
      "input x f32 4 5\na = aten.sum.dim_IntList x [0] -> f32 5\nb = aten.sum.dim_IntList x [1] -> f32 4\noutput a b");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(lower(*graph, {0, 1}));
}

TEST(Lower, RefusesANumberThatIsReducedBesideColumns) {
  const Case c = parse(
      "input x f32 48 96\ninput z f32 48\ns = aten.sum.dim_IntList x [0] -> f32 96\n"
      "t = aten.sum.dim_IntList z [0] -> f32\noutput s t\n");
  const GeneralGraph graph = *generalise(c.problem, GraphForm::exported);
  EXPECT_TRUE(lower(graph, {0}));
  EXPECT_TRUE(lower(graph, {1}));
  EXPECT_FALSE(lower(graph, {0, 1}));
}
TEST(Lower, RefusesResultsThatShareNoLoop) {
  // Each would be stored once for every element of the other one.
  const Case c = parse(
      "input x f32 40 50\ninput y f32 60 50\na = aten.neg.default x -> f32 40 50\nb = aten.exp.default y -> f32 60 50\n"
      "output a b");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(lower(*graph, {0, 1}));
  const Case one_within = parse(
      "input x f32 40 50\ninput y f32 50\na = aten.neg.default x -> f32 40 50\nb = aten.exp.default y -> f32 50\n"
      "s = aten.add.Tensor a b -> f32 40 50\noutput s b");
  EXPECT_TRUE(lower(*generalise(one_within.problem, GraphForm::exported), {0, 1, 2}))
      << "a loop over all has the other";
}

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
  EXPECT_FALSE(cut.overlap);
  // Two rows fit into L2: what the second pass reads is still there.
  EXPECT_TRUE(
      schedule_of("input x f32 896 2097152\nl = aten.layer_norm.default x [2097152] -> f32 896 2097152\noutput l")
          .overlap);
  // Rows of 1,001 elements do not begin where 16 bytes can be loaded at once; a tensor in memory order does.
  EXPECT_EQ(schedule_of("input x f32 64 1001\ns = aten.softmax.int x 1 -> f32 64 1001\noutput s").width, 1);
  EXPECT_EQ(schedule_of("input x f32 63 1001\nr = aten.relu.default x -> f32 63 1001\noutput r").width, 4);
}

TEST(Compose, SaysWhatAKernelReliesOn) {
  // The row that is reduced is an intermediate result's: shapes of inputs are pinned instead.
  const Case c = parse(R"(input x f32 8 32
input w f32 32 32
m = aten.mm.default x w -> f32 8 32
s = aten.softmax.int m 1 -> f32 8 32
output s)");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), gpu_facts());
  const std::string text = write_candidate(c.problem, *graph, recipe, {})->text;
  EXPECT_THAT(text, testing::HasSubstr("x.shape[0] == 8"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("supports = \"(m.")));
}

TEST(Passes, JoinWhatCanBeCorrected) {
  const Case c = parse("input x f32 64 1000\ns = aten.softmax.int x 1 -> f32 64 1000\noutput s");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0});
  const std::vector<Joint> found = joints(region);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].kind, Joint::Kind::exponentials);
  EXPECT_EQ(region.code[static_cast<std::size_t>(found[0].value)].name, "x");
  EXPECT_EQ(parts(region, false).size(), 2U);
  EXPECT_EQ(parts(region, true).size(), 1U);
}

TEST(Passes, DoNotJoinDeviationsFromAnythingElse) {
  // squares of x - 2 mean(x), and exponentials of x - mean(x)
  for (const char* const text :
       {"input x f32 8 64\nm = aten.mean.dim x [1] true -> f32 8 1\nt = aten.mul.Tensor m 2.0 -> f32 8 1\n"
        "d = aten.sub.Tensor x t -> f32 8 64\nq = aten.pow.Tensor_Scalar d 2 -> f32 8 64\n"
        "s = aten.sum.dim_IntList q [1] true -> f32 8 1\noutput s",
        "input x f32 8 64\nm = aten.mean.dim x [1] true -> f32 8 1\nd = aten.sub.Tensor x m -> f32 8 64\n"
        "e = aten.exp.default d -> f32 8 64\ns = aten.sum.dim_IntList e [1] true -> f32 8 1\noutput s"}) {
    const Case c = parse(text);
    const auto graph = generalise(c.problem, GraphForm::exported);
    const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::full), CacheFacts{});
    ASSERT_EQ(recipe.partition.groups.size(), 1U);
    EXPECT_TRUE(joints(*lower(*graph, recipe.partition.groups[0])).empty());
    Schedule wished = recipe.schedules[0];
    wished.joint = true;
    EXPECT_NE(illegal(*lower(*graph, recipe.partition.groups[0]), wished), "");
  }
}

TEST(Passes, KeepWhatCostsMostToComputeAgain) {
  const Case c = parse(
      "input x f32 64 1000\nd = aten.div.Tensor x 0.7 -> f32 64 1000\n"
      "s = aten.softmax.int d 1 -> f32 64 1000\noutput s");
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Region region = *lower(*graph, {0, 1});
  Schedule schedule = default_schedule(region, CacheFacts{});
  schedule.joint = false;
  const auto kept = kept_value(region, schedule);
  ASSERT_TRUE(kept);
  EXPECT_EQ(region.code[static_cast<std::size_t>(*kept)].op, Op::exp);
  EXPECT_EQ(later_pass(region, schedule), std::optional<std::size_t>(1));
}

TEST(Passes, KeepNothingWhereLaterPassesComputeLittle) {
  const Case c = parse("input x f32 64 1000\nl = aten.layer_norm.default x [1000] -> f32 64 1000\noutput l");
  const auto graph = generalise(c.problem, GraphForm::exported);
  EXPECT_FALSE(kept_value(*lower(*graph, {0}), Schedule{}));
}

TEST(Moves, RecipesSurviveJson) {
  const Case c = parse(rms);
  const auto graph = generalise(c.problem, GraphForm::exported);
  const Recipe recipe = *make_recipe(*graph, GraphForm::exported, partition(*graph, Fusing::none), CacheFacts{});
  EXPECT_EQ(*recipe_from_json(to_json(recipe, *graph), *graph), recipe);
}

TEST(Properties, ChainsOfPointwiseAndReductionsLowerFuseAndPassLint) {
  EXPECT_TRUE(rc::check("any chain", [] {
    const int rank = *rc::gen::inRange(1, 4);
    std::vector<std::int64_t> shape;
    for (int d = 0; d < rank; ++d) shape.push_back(*rc::gen::inRange(1, 40));
    const auto text_of = [](const std::vector<std::int64_t>& s) {
      std::string t;
      for (const std::int64_t d : s) t += " " + std::to_string(d);
      return t;
    };
    std::string text = "input x f32" + text_of(shape) + "\n", last = "x";
    std::vector<std::int64_t> now = shape;
    const int length = *rc::gen::inRange(1, 7);
    for (int i = 0; i < length; ++i) {
      const std::string name = "n" + std::to_string(i);
      switch (*rc::gen::inRange(0, 5)) {
        case 0:
          text += name + " = aten.relu.default " + last;
          break;
        case 1:
          text += name + " = aten.mul.Tensor " + last + " 0.5";
          break;
        case 2:
          text += name + " = aten.add.Tensor " + last + " x";
          break;  // broadcasts after a reduction
        case 3:
          text += name + " = aten.sigmoid.default " + last;
          break;
        default: {
          const int dim = *rc::gen::inRange(0, rank);
          text += name + " = aten.amax.default " + last + " [" + std::to_string(dim) + "] true";
          now[static_cast<std::size_t>(dim)] = 1;
        }
      }
      if (text.find("aten.add", text.rfind('\n')) != std::string::npos) now = shape;  // the sum has x's shape again
      text += " -> f32" + text_of(now) + "\n";
      last = name;
    }
    const Case c = parse(text + "output " + last);
    const auto graph = generalise(c.problem, GraphForm::exported);
    RC_ASSERT(graph.has_value());
    Memory memory{{"x", numbers(static_cast<std::size_t>(c.problem.workloads[0].tensors[0].spec.numel()))}};
    std::vector<double> expected;
    for (const Fusing fusing : {Fusing::none, Fusing::full}) {
      const Result<Recipe> recipe = make_recipe(*graph, GraphForm::exported, partition(*graph, fusing), CacheFacts{});
      RC_ASSERT(recipe.has_value());
      const Result<Candidate> candidate = write_candidate(c.problem, *graph, *recipe, {});
      RC_ASSERT(candidate.has_value());
      RC_ASSERT(fault(*candidate, c.problem) == "");
      const Result<Recipe> gpu = make_recipe(*graph, GraphForm::exported, partition(*graph, fusing), gpu_facts());
      RC_ASSERT(gpu.has_value());
      const Result<Candidate> kernels = write_candidate(c.problem, *graph, *gpu, {});
      RC_ASSERT(kernels.has_value());
      RC_ASSERT(fault(*kernels, c.problem) == "");
      if (library_calls(*graph, recipe->partition) > 0) continue;
      const auto got = run(*graph, *recipe, memory)[last];
      if (expected.empty()) expected = got;
      RC_ASSERT(got.size() == expected.size());
      for (std::size_t i = 0; i < got.size(); ++i) RC_ASSERT(std::abs(got[i] - expected[i]) < 1e-9);
    }
  }));
}

TEST(Identity, CallsWhatWasExportedAndWritesOut) {
  std::ifstream file(std::string(KERF_CASES) + "/synthesize/conv_epilogue.txt");
  const Case c = parse(file);
  const Result<Candidate> candidate = identity_plan(c.problem);
  ASSERT_TRUE(candidate);
  EXPECT_THAT(candidate->text,
              testing::HasSubstr("call = \"aten.add.Tensor\"\nargs = [\"relu\", \"bias\"]\nout = \"out\""));
  EXPECT_EQ(fault(*candidate, c.problem), "");
}

TEST(Identity, CopiesAnOutputThatIsAnInput) {
  const Case c = parse("input x f32 4\nr = aten.relu.default x -> f32 4\noutput r x");
  EXPECT_THAT(identity_plan(c.problem)->text,
              testing::HasSubstr("call = \"aten.clone.default\"\nargs = [\"x\"]\nout = \"out1\""));
}

TEST(Identity, SaysNumbersWithScalarOverloads) {
  const Case c =
      parse("input x f32 4\na = aten.add.Tensor x 1e-05 -> f32 4\ns = aten.sub.Tensor 1 a -> f32 4\noutput s");
  const std::string text = identity_plan(c.problem)->text;
  EXPECT_THAT(text, testing::HasSubstr("call = \"aten.add.Scalar\"\nargs = [\"x\", 1e-05]"));
  EXPECT_THAT(text, testing::HasSubstr("call = \"aten.rsub.Scalar\"\nargs = [\"a\", 1]"));
}

TEST(Identity, GivesTheStatisticsOfTrainingModeNothingToUpdate) {
  const Case c = parse(R"(input x f32 4 8 5 5
parameter w f32 8
parameter b f32 8
parameter rm f32 8
parameter rv f32 8
n = aten.batch_norm.default x w b rm rv true 0.1 1e-05 false -> f32 4 8 5 5
output n)");
  EXPECT_THAT(identity_plan(c.problem)->text,
              testing::HasSubstr("args = [\"x\", \"w\", \"b\", \"none\", \"none\", true, 0.1, 1e-05, false]"));
}

TEST(Identity, KeepsTheMemoryFormatThatAViewWillNeed) {
  Case c = parse("input x f32 4 8\nt = aten.t.default x -> f32 8 4\nk = aten.clone.default t -> f32 8 4\noutput k");
  c.problem.workloads[0].exported.nodes[1].kwargs = {{"memory_format", {Value{std::string("contiguous_format")}}}};
  const Result<Candidate> candidate = identity_plan(c.problem);
  EXPECT_THAT(candidate->text, testing::HasSubstr("kwargs = { memory_format = \"contiguous_format\" }"));
  EXPECT_EQ(fault(*candidate, c.problem), "");
}

TEST(Identity, GeneralisesWhatDiffersBetweenVariants) {
  Case a = parse(
      "input x f32 6 8\nv = aten.view.default x [48] -> f32 48\ne = aten.leaky_relu.default v 0.2 -> f32 48\noutput e");
  const Case b = parse(
      "input x f32 5 8\nv = aten.view.default x [40] -> f32 40\ne = aten.leaky_relu.default v 0.3 -> f32 40\noutput e");
  a.problem.workloads.push_back(b.problem.workloads[0]);
  a.problem.workloads[0].init = {{"slope", Value{0.2}}};
  a.problem.workloads[1].init = {{"slope", Value{0.3}}};
  const Result<Candidate> candidate = identity_plan(a.problem);
  ASSERT_TRUE(candidate);
  EXPECT_THAT(candidate->text, testing::HasSubstr("init.slope"));
  EXPECT_THAT(candidate->text, testing::Not(testing::HasSubstr("supports")));
  EXPECT_EQ(fault(*candidate, a.problem), "");
}

TEST(Identity, TakesNaNForOneConstantInAllVariants) {
  Case a = parse("input x f32 6 8\ne = aten.leaky_relu.default x 0.2 -> f32 6 8\noutput e");
  const Case b = parse("input x f32 5 8\ne = aten.leaky_relu.default x 0.2 -> f32 5 8\noutput e");
  a.problem.workloads.push_back(b.problem.workloads[0]);
  for (Workload& w : a.problem.workloads) w.exported.nodes[0].args[1] = {Value{std::nan("")}};
  const auto graph = generalise(a.problem, GraphForm::exported);
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ(graph->workloads.size(), 2U);
}

TEST(Identity, PinsWhatNoExpressionGives) {
  Case a = parse("input x f32 6 8\ne = aten.leaky_relu.default x 0.2 -> f32 6 8\noutput e");
  const Case b = parse("input x f32 5 8\ne = aten.leaky_relu.default x 0.37 -> f32 5 8\noutput e");
  a.problem.workloads.push_back(b.problem.workloads[0]);
  const Result<Candidate> candidate = identity_plan(a.problem);
  ASSERT_TRUE(candidate);
  EXPECT_THAT(candidate->text, testing::HasSubstr("x.shape[0] == 6"));
}

TEST(Policy, PrefersWhatPaidUnderTheSameDiagnosis) {
  MovePolicy policy;
  for (int i = 0; i < 20; ++i) {
    policy.learn(Bound::memory, "unroll", 0.5);
    policy.learn(Bound::memory, "fuse", -0.5);
  }
  const Diagnosis memory{.bound = Bound::memory}, compute{.bound = Bound::compute};
  EXPECT_GT(policy.belief(memory, "unroll").first, policy.belief(memory, "fuse").first);
  EXPECT_LT(policy.belief(compute, "unroll").first, 0.2);
  EXPECT_LT(policy.gain(memory, "unroll").deviation, policy.gain(memory, "tile").deviation);
}

TEST(Policy, ACauseRaisesWhatItsAnswersAreExpectedToGain) {
  MovePolicy policy;
  const Diagnosis plain{.bound = Bound::latency};
  Diagnosis uneven = plain;
  uneven.causes = {{.name = "imbalance", .what = "one thread does it all"}};
  EXPECT_GT(policy.belief(uneven, "threads").first, policy.belief(plain, "threads").first);
  EXPECT_GT(policy.belief(uneven, "threads").first, policy.belief(uneven, "accumulators").first);
  EXPECT_EQ(policy.belief(uneven, "fuse"), policy.belief(plain, "fuse"));
  for (int i = 0; i < 20; ++i) policy.learn(Bound::latency, "threads", -0.5);
  EXPECT_LT(policy.belief(uneven, "threads").first, 0) << "what was seen counts";
}

TEST(Builtin, StartsFusedRepeatsNothingAndComesToAnEnd) {
  const Case c = parse(rms);
  const auto builtin = make_builtin_synthesizer();
  SynthesisRequest request;
  request.problem = std::make_shared<Understood>(c.problem);
  std::set<std::string> seen;
  bool ended = false;
  for (int i = 0; i < 400 && !ended; ++i) {
    request.seed = static_cast<std::uint64_t>(i);
    builtin->propose(request, [&](Result<std::optional<Proposal>> reply) {
      ASSERT_TRUE(reply) << reply.error().message;
      if (!*reply) {
        ended = true;
        return;
      }
      const Proposal& p = **reply;
      if (i == 0) {
        EXPECT_THAT(p.rationale, testing::StartsWith("fused"));
      }
      EXPECT_TRUE(seen.insert(p.candidate.id()).second) << p.rationale;
      request.tried.push_back(p.candidate.id());
      request.ancestors = {Recalled{
          .node = i, .candidate = p.candidate, .evaluation = {}, .recipe = p.recipe, .rationale = p.rationale}};
    });
  }
  EXPECT_GT(seen.size(), 8U);
}

// Stores that are turned on the stack do not go around the caches: there the move changes nothing.
TEST(Builtin, MakesNoMoveThatWritesTheSameKernel) {
  std::ifstream file(std::string(KERF_CASES) + "/synthesize/norm_across.txt");
  const Case c = parse(file);
  const auto code = [](const std::string& text) { return text.substr(text.find("version = 1")); };
  const auto builtin = make_builtin_synthesizer();
  SynthesisRequest request;
  request.problem = std::make_shared<Understood>(c.problem);
  std::string first;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    request.seed = seed;
    std::optional<Proposal> made;
    builtin->propose(request, [&](Result<std::optional<Proposal>> reply) { made = *std::move(reply); });
    if (!made) break;
    request.tried.push_back(made->candidate.id());
    if (first.empty()) {
      first = code(made->candidate.text);
      request.memory = MemoryOperator::inherit;
      request.ancestors = {Recalled{.node = 1, .candidate = made->candidate, .evaluation = {}, .recipe = made->recipe}};
    } else if (made->move != "fuse") {
      EXPECT_NE(code(made->candidate.text), first) << made->move << ": " << made->rationale;
    }
  }
  EXPECT_GT(request.tried.size(), 4U);
}

TEST(Builtin, SaysWhichLanguagesItWrites) {
  const Case c = parse(rms);
  SynthesisRequest request;
  request.problem = std::make_shared<Understood>(c.problem);
  const auto ask = [&](Language language) {
    request.language = language;
    Result<std::optional<Proposal>> reply = std::optional<Proposal>();
    make_builtin_synthesizer()->propose(request, [&](Result<std::optional<Proposal>> r) { reply = std::move(r); });
    return reply;
  };
  const auto cuda = ask(Language::cuda);
  ASSERT_TRUE(cuda && *cuda);
  EXPECT_EQ((**cuda).candidate.language, Language::cuda);
  EXPECT_EQ((**cuda).candidate.name, "fuse.cu");
  const auto triton = ask(Language::triton);
  ASSERT_TRUE(triton && *triton);
  EXPECT_EQ((**triton).candidate.name, "fuse.py");
  const auto hip = ask(Language::hip);
  ASSERT_FALSE(hip);
  EXPECT_EQ(hip.error().kind, ErrorKind::unavailable);
}

TEST(Builtin, GivesTheSameReplyToTheSameRequest) {
  const Case c = parse(rms);
  SynthesisRequest request;
  request.problem = std::make_shared<Understood>(c.problem);
  std::string first, second;
  for (std::string* into : {&first, &second})
    make_builtin_synthesizer()->propose(
        request, [&](Result<std::optional<Proposal>> reply) { *into = (**reply).candidate.text; });
  EXPECT_EQ(first, second);
}

TEST(Builtin, DrawnAtRandomDependsOnTheSeedAloneAndIsMoreThanSketches) {
  const Case c = parse(rms);
  SynthesisRequest request;
  request.problem = std::make_shared<Understood>(c.problem);
  const auto drawn = [&](std::uint64_t seed) {
    request.seed = seed;
    Proposal made;
    make_random_synthesizer()->propose(request, [&](Result<std::optional<Proposal>> reply) { made = **reply; });
    return made;
  };
  std::set<std::string> seen;
  int walked = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    request.ancestors.clear();
    const Proposal first = drawn(seed);
    EXPECT_THAT(first.rationale, testing::StartsWith("a sketch"));
    walked += first.rationale == "a sketch" ? 0 : 1;
    seen.insert(first.candidate.id());
    // Neither the tree nor what was measured steers it.
    request.ancestors = {Recalled{.node = 1,
                                  .candidate = first.candidate,
                                  .evaluation = {},
                                  .recipe = first.recipe,
                                  .rationale = {},
                                  .log_speedup = 2}};
    EXPECT_EQ(drawn(seed).candidate.text, first.candidate.text);
  }
  EXPECT_GT(walked, 10);
  EXPECT_GT(seen.size(), 12U);
  request.tried.assign(seen.begin(), seen.end());
  EXPECT_FALSE(seen.contains(drawn(0).candidate.id())) << "what was tried is no news";
}

TEST(FakeSynthesizer, WritesItsTextsInOrderAndSkipsTriedOnes) {
  FakeSynthesizer fake({"a", "b"});
  SynthesisRequest request;
  request.tried = {Candidate{.text = "a", .language = Language::cpp, .name = ""}.id()};
  std::string got;
  fake.propose(request, [&](Result<std::optional<Proposal>> reply) { got = (**reply).candidate.text; });
  EXPECT_EQ(got, "b");
}

}  // namespace
}  // namespace kerf
