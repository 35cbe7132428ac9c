#include "session/experience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "store/fake_store.h"
#include "synthesize/builtin/cost/guide.h"
#include "synthesize/builtin/forms.h"
#include "synthesize/graph_text.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const char* const softmax = "input x f32 512 {0}\ny = aten.softmax.int x 1 -> f32 512 {0}\noutput y";

std::string with(std::string text, const std::string& size) {
  for (std::size_t at = 0; (at = text.find("{0}", at)) != std::string::npos;) text.replace(at, 3, size);
  return text;
}

Understood understood(const std::string& id, const std::string& size = "2048") {
  Understood made = parse(with(softmax, size)).problem;
  made.problem.id = id;
  made.problem.source = "class Model: pass  # " + size;
  return made;
}

const nlohmann::json target = {{"machine", {{"identity", "this one"}, {"cores", 2}}}, {"threads", 2}};

struct ExperienceTest : testing::Test {
  FakeClock clock;
  std::unique_ptr<Store> store = make_fake_store(clock);
  NodeIndex nodes = 0;

  static NewSession session(const Understood& problem, int harness = 2) {
    NewSession made{.task = {.id = {}, .problem = problem.problem, .target = "cpu"},
                    .options = {{"language", "cpp"}},
                    .understood = to_json(problem),
                    .versions = {{"kerf", "0"}, {"harness", harness}}};
    made.understood["target"] = target;
    return made;
  }
  static Evaluation measured(double speedup) {
    Evaluation evaluation;
    evaluation.id = "e";
    evaluation.verdict = Verdict::measured;
    evaluation.receipt.emplace();
    evaluation.receipt->time_us = {100 / speedup, 99 / speedup, 101 / speedup, 9};
    evaluation.receipt->speedup["eager"] = {speedup, speedup * 0.99, speedup * 1.01};
    return evaluation;
  }
  // Returns the node's index.
  NodeIndex add(SessionWriter& writer, const nlohmann::json& recipe, Evaluation evaluation) {
    NewNode node;
    node.expansion.id = static_cast<ExpansionId>(++nodes);
    node.told = {.id = node.expansion.id, .outcome = {.kind = Outcome::Kind::measured}, .node = nodes - 1};
    node.candidate = {.text = "// " + std::to_string(nodes), .language = Language::cpp, .name = "a.cpp"};
    node.recipe = recipe;
    node.evaluation = std::move(evaluation);
    EXPECT_TRUE(writer.record(node));
    return nodes - 1;
  }
  // Recipes of the problem: the default, and others by what `edit` does to its schedule.
  static nlohmann::json recipe(const Understood& problem, const std::function<void(Schedule&)>& edit) {
    const auto formed = graph_in(problem, GraphForm::exported, Language::cpp);
    Recipe made =
        *make_recipe(formed->graph, GraphForm::exported, partition(formed->graph, Fusing::full), machine_facts(target));
    edit(made.schedules.at(0));
    return to_json(made, formed->graph);
  }
};

TEST_F(ExperienceTest, HoldsWhatThisMachineMeasuredWithThisHarness) {
  const Understood problem = understood("p/1");
  const auto plain = recipe(problem, [](Schedule&) {}), other = recipe(problem, [](Schedule& s) { s.unroll = 8; });
  const auto fill = [&](const NewSession& made) {
    auto writer = *store->create(made);
    nodes = 0;
    add(*writer, plain, measured(2));
    add(*writer, other, measured(1));
    return writer->id();
  };
  const SessionId first = fill(session(problem));
  const SessionId second = fill(session(problem));
  fill(session(problem, 1));  // another harness
  NewSession elsewhere = session(problem);
  elsewhere.understood["target"]["machine"]["identity"] = "another one";
  fill(elsewhere);

  const auto found = load_experience(*store, {.machine = "this one", .harness = 2});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_THAT(*found, SizeIs(2));
  EXPECT_EQ(found->front().session, first) << "the oldest first";
  EXPECT_EQ(found->back().session, second);
  ASSERT_THAT(found->front().recipes, SizeIs(2));
  EXPECT_EQ(found->front().recipes[0].recipe, plain);
  EXPECT_DOUBLE_EQ(found->front().recipes[0].time.log_seconds, -std::log(2));
  EXPECT_EQ(found->front().problem->problem.id, "p/1");
  EXPECT_THAT(*load_experience(*store, {.machine = {}, .harness = std::nullopt}), SizeIs(4));
  EXPECT_THAT(*load_experience(*store, {.machine = {}, .harness = std::nullopt, .problem = "p/2"}), IsEmpty());
  // The newest sessions count where there are too many.
  ExperienceFilter few{.machine = "this one", .harness = 2};
  few.recipes = 2;
  const auto newest = load_experience(*store, few);
  ASSERT_THAT(*newest, SizeIs(1));
  EXPECT_EQ(newest->front().session, second);
}

TEST_F(ExperienceTest, LeavesOutWhatHasNoTimeAndTakesTheMeanOfWhatHasSeveral) {
  const Understood problem = understood("p/1");
  const auto plain = recipe(problem, [](Schedule&) {});
  auto writer = *store->create(session(problem));
  const NodeIndex again = add(*writer, plain, measured(4));
  add(*writer, plain, measured(2));
  Evaluation wrong = measured(9);
  wrong.verdict = Verdict::wrong;
  add(*writer, plain, wrong);
  Evaluation impossible = measured(9);
  impossible.receipt->quarantined = true;
  add(*writer, plain, impossible);
  Evaluation emulated = measured(9);
  emulated.receipt->evidence = Evidence::emulated;
  add(*writer, plain, emulated);
  add(*writer, nullptr, measured(9));  // a model wrote it
  ASSERT_TRUE(
      writer->record(NewMeasurement{{.id = 99, .outcome = {.kind = Outcome::Kind::measured}}, again, measured(1)}));
  const auto found = load_experience(*store, {.machine = {}, .harness = std::nullopt});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_THAT(*found, SizeIs(1));
  std::vector<double> times;
  for (const MeasuredRecipe& each : found->front().recipes) times.push_back(each.time.log_seconds);
  EXPECT_THAT(times, ElementsAre(testing::DoubleEq(-std::log(4) / 2), testing::DoubleEq(-std::log(2))));
}

// Joining the passes of a softmax cost twice what the formulas say, in three problems: the fourth is told.
TEST_F(ExperienceTest, TeachesTheCostModelWhatTheFormulasGotWrong) {
  const auto joint = [](Schedule& s) {
    s.joint = true;
    s.keep = s.ahead = false;
  };
  const auto apart = [](Schedule& s) { s.joint = s.keep = s.ahead = false; };
  for (const char* size : {"1024", "2048", "4096"}) {
    const Understood problem = understood(std::string("p/") + size, size);
    auto writer = *store->create(session(problem));
    nodes = 0;
    for (const auto& edit : {std::function<void(Schedule&)>(joint), std::function<void(Schedule&)>(apart)})
      for (const std::int64_t unroll : {1, 2, 4}) {
        const auto made = recipe(problem, [&](Schedule& s) {
          edit(s);
          s.unroll = unroll;
        });
        MeasuredRecipes one{.session = "s",
                            .problem = std::make_shared<Understood>(problem),
                            .target = target,
                            .recipes = {{.candidate = "c", .recipe = made}}};
        const double seconds =
            counted(one).at(0).cost.seconds() * (made["groups"][0]["schedule"]["joint"] == true ? 2 : 1);
        add(*writer, made, measured(1e-3 / seconds));
      }
  }
  const auto found = load_experience(*store, {.machine = "this one", .harness = 2});
  ASSERT_TRUE(found) << found.error().message;
  const Correction taught = corrected_by(*found);
  EXPECT_EQ(taught.observations(), 18) << "one kernel a recipe";
  const Understood problem = understood("p/new", "3072");
  const auto formed = graph_in(problem, GraphForm::exported, Language::cpp);
  const MachineModel machine = machine_model(target, Language::cpp);
  RecipeCosts costs(formed->graph, machine);
  const auto cost = [&](const std::function<void(Schedule&)>& edit) {
    return costs.of(*recipe_from_json(recipe(problem, edit), formed->graph)).value();
  };
  const double before = Guide(Correction()).gain(cost(apart), cost(joint)).mean;
  const double after = Guide(taught).gain(cost(apart), cost(joint)).mean;
  EXPECT_LT(after, before - 0.1);
}

}  // namespace
}  // namespace kerf
