#include "evaluate/spread_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluate/fake_oracle.h"

namespace kerf {
namespace {

using ::testing::ElementsAre;

// Keeps what it is given until it is told to answer.
struct Held final : Evaluator {
  void submit(Candidate candidate, EvaluationRequest, Done done) override {
    texts.push_back(candidate.text);
    waiting.push_back(std::move(done));
  }
  void cancel_all() override { cancelled = true; }
  std::vector<std::string> texts;
  std::vector<Done> waiting;
  bool cancelled = false;
};

struct Pair {
  Held* first = nullptr;
  Held* second = nullptr;
  std::unique_ptr<Evaluator> spread;
};
Pair pair() {
  auto first = std::make_unique<Held>(), second = std::make_unique<Held>();
  Pair made{.first = first.get(), .second = second.get(), .spread = nullptr};
  std::vector<std::unique_ptr<Evaluator>> both;
  both.push_back(std::move(first));
  both.push_back(std::move(second));
  made.spread = make_spread_evaluator(std::move(both));
  return made;
}
Candidate candidate(const char* text) { return {.text = text, .language = Language::cuda, .name = ""}; }

TEST(SpreadEvaluator, GivesToWhoHasLeastToDo) {
  Pair p = pair();
  int answers = 0;
  const auto submit = [&](const char* text) {
    p.spread->submit(candidate(text), {}, [&](Result<Evaluation> e) { answers += e ? 1 : 0; });
  };
  for (const char* text : {"a", "b", "c"}) submit(text);
  EXPECT_THAT(p.first->texts, ElementsAre("a", "c"));
  EXPECT_THAT(p.second->texts, ElementsAre("b"));
  for (auto& done : p.first->waiting) done(Evaluation{});
  EXPECT_EQ(answers, 2);
  submit("d");
  EXPECT_THAT(p.first->texts, ElementsAre("a", "c", "d"));
}

TEST(SpreadEvaluator, MeasuresACandidateAnewWhereItWas) {
  Pair p = pair();
  for (const char* text : {"a", "b"}) p.spread->submit(candidate(text), {}, [](const Result<Evaluation>&) {});
  p.first->waiting[0](Evaluation{});
  p.spread->submit(candidate("b"), {.problem = nullptr, .remeasure = true}, [](const Result<Evaluation>&) {});
  EXPECT_THAT(p.second->texts, ElementsAre("b", "b"));
  p.spread->cancel_all();
  EXPECT_TRUE(p.first->cancelled && p.second->cancelled);
}

TEST(SpreadOracle, AdmitsWithAllAndAsksTheFirst) {
  FakeOracle first, second;
  int admitted = 0;
  second.on_admit = [&](const Problem& problem) -> Result<Understood> {
    ++admitted;
    return fake_understood(problem);
  };
  const auto spread = make_spread_oracle({&first, &second});
  const Problem problem{.id = "fake/1/1", .name = "relu", .source = "# relu", .path = "relu.py"};
  EXPECT_TRUE(spread->admit(problem, 1));
  EXPECT_EQ(admitted, 1);
  second.on_admit = [](const Problem& p) -> Result<Understood> {
    Understood other = fake_understood(p);
    other.workloads.at(0).id = "another";
    return other;
  };
  EXPECT_EQ(spread->admit(problem, 1).error().kind, ErrorKind::internal);
  second.on_admit = [](const Problem&) -> Result<Understood> {
    return fail(ErrorKind::user, "no room on this device");
  };
  EXPECT_EQ(spread->admit(problem, 1).error().message, "no room on this device");
}

}  // namespace
}  // namespace kerf
