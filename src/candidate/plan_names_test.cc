#include "candidate/plan_names.h"

#include <gmock/gmock.h>

#include <string>

namespace kerf {
namespace {

using testing::HasSubstr;

// Something that is called so, at that line.
Located called(const std::string& name, int line) { return {.text = name, .at = {.line = line, .column = 1}}; }

Scratch scratch(const std::string& name, int line) { return {.name = name, .name_at = {.line = line, .column = 1}}; }

Step giving(std::vector<Located> out) { return {.kind = Step::Kind::call, .out = std::move(out)}; }

// "LINE: message", empty if the names are good.
std::string complaint(const Plan& plan) {
  const Result<> checked = check_own_names(plan);
  if (checked) return "";
  return std::to_string(checked.error().at->line) + ": " + checked.error().message;
}

TEST(OwnNames, MayBeOfEveryKindSideBySide) {
  EXPECT_EQ(complaint({.tune = {{called("BM", 1), {}}},
                       .loops = {{called("t", 2), {}}},
                       .scratch = {scratch("s", 3)},
                       .steps = {giving({called("y", 4), called("z", 4)})}}),
            "");
}

TEST(OwnNames, AreGivenOnceWhateverTheyName) {
  const Plan axis{.tune = {{called("n", 2), {}}}};
  Plan twice = axis;
  twice.tune.emplace_back(called("n", 3), std::vector<Value>{});
  EXPECT_EQ(complaint(twice), "3: the name `n` is given at line 2 already: a tune axis needs another");
  Plan counter = axis;
  counter.loops.emplace_back(called("n", 4), PlanArgument{});
  EXPECT_EQ(complaint(counter), "4: the name `n` is given at line 2 already: a loop counter needs another");
  Plan tensor = axis;
  tensor.scratch.push_back(scratch("n", 5));
  EXPECT_EQ(complaint(tensor), "5: the name `n` is given at line 2 already: a scratch tensor needs another");
  Plan result = axis;
  result.steps.push_back(giving({called("n", 6)}));
  EXPECT_EQ(complaint(result), "6: the name `n` is given at line 2 already: a result needs another");
}

TEST(OwnNames, OfResultsMayBeThoseOfWhatIsThereToBeWritten) {
  EXPECT_EQ(complaint({.scratch = {scratch("s", 1)}, .steps = {giving({called("s", 2)}), giving({called("s", 3)})}}),
            "");
  EXPECT_EQ(complaint({.steps = {giving({called("out", 1)}), giving({called("out1", 2), called("out1", 2)})}}), "");
  EXPECT_EQ(complaint({.steps = {giving({called("_", 1), called("_", 1)})}}), "") << "what is dropped has no name";
  EXPECT_THAT(complaint({.steps = {giving({called("y", 1)}), giving({called("y", 2)})}}), HasSubstr("a result"));
  EXPECT_THAT(complaint({.steps = {giving({called("outer", 1), called("outer", 1)})}}), HasSubstr("`outer`"))
      << "no output is called so";
}

TEST(OwnNames, OfLoopsHaveACount) {
  const auto looped = [](std::vector<std::pair<Located, PlanArgument>> loops) {
    Step step = giving({});
    step.loop = called("t", 7);
    return Plan{.loops = std::move(loops), .steps = {std::move(step)}};
  };
  EXPECT_EQ(complaint(looped({{called("t", 1), {}}})), "");
  EXPECT_EQ(complaint(looped({{called("u", 1), {}}})), "7: no loop `t`: expected `t = count` in [loops]");
}

}  // namespace
}  // namespace kerf
