// Graphs as text in tests/cases/synthesize/: how they are partitioned and scheduled, and what is written for them.
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "candidate/extension.h"
#include "synthesize/builtin/algebra/algebra.h"
#include "synthesize/builtin/algebra/appended.h"
#include "synthesize/builtin/algebra/bias.h"
#include "synthesize/builtin/algebra/layouts.h"
#include "synthesize/builtin/compose.h"
#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;

// The case's graph as it is partitioned; "expect layout channels_last" has its convolutions in that layout, "expect
// layout places_inside" what they read, "expect layout few_rows" its linear layers turned; "expect layout appended" has
// parts written in their places, on a GPU.
Result<GeneralGraph> rewritten(const Case& c, Language language = Language::cpp) {
  GeneralGraph graph = simplify(TRY(generalise(c.problem, GraphForm::exported)));
  if (std::ranges::none_of(c.expect, [](const auto& each) { return each.first == "layout"; })) {
    if (language == Language::cpp) graph.stores_across = StoresAcross::rows;
    return graph;
  }
  if (std::ranges::count(c.expect, std::pair<std::string, std::string>("layout", "few_rows")) != 0)
    return with_few_rows_turned(std::move(graph));
  if (std::ranges::count(c.expect, std::pair<std::string, std::string>("layout", "appended")) != 0)
    return language == Language::cpp ? graph : with_parts_appended(std::move(graph), false);
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

}  // namespace
}  // namespace kerf
