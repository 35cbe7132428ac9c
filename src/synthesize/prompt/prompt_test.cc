#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "synthesize/prompt/composer.h"
#include "synthesize/prompt/fake_request.h"
#include "synthesize/prompt/feedback.h"
#include "synthesize/prompt/fence.h"
#include "synthesize/reply/blocks.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string file(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Whole prompts as they are sent; KERF_UPDATE=1 writes them anew.
TEST(Prompt, IsWhatItsCaseSaysByteForByte) {
  SynthesisRequest repair = fake_request();
  repair.ancestors.insert(repair.ancestors.begin(), fake_failure(6, fake_source("out[i] = y;"), "one variable more"));
  const std::vector<std::pair<std::string, SynthesisRequest>> requests = {
      {"inherit", fake_request(MemoryOperator::inherit)},
      {"siblings", fake_request(MemoryOperator::siblings)},
      {"combine", fake_request(MemoryOperator::combine)},
      {"fresh", fake_request(MemoryOperator::fresh)},
      {"repair", repair}};
  for (const auto& [name, request] : requests) {
    const std::string path = std::string(KERF_CASES) + "/prompts/" + name + ".txt";
    const Prompt prompt = compose(request, fake_texts(), {});
    EXPECT_THAT(prompt.shortened, IsEmpty());
    if (std::getenv("KERF_UPDATE") != nullptr)
      std::ofstream(path) << prompt.text();
    else
      EXPECT_EQ(prompt.text(), file(path)) << path;
  }
}

// The example of docs/prompts.md is what is sent.
TEST(Prompt, ThePageShowsARealOne) {
  const std::string path = std::string(KERF_CASES) + "/../../docs/prompts.md";
  const std::string begin = "<!-- example -->\n", end = "<!-- end -->\n";
  std::string page = file(path);
  const std::size_t first = page.find(begin), last = page.find(end);
  ASSERT_TRUE(first != std::string::npos && last != std::string::npos && first < last);
  std::string text;
  for (const Part& part : compose(fake_request(), fake_texts(), {}).message.parts) text += part.text;
  const std::string expected = fence(text, "markdown");
  if (std::getenv("KERF_UPDATE") != nullptr)
    std::ofstream(path) << page.replace(first + begin.size(), last - first - begin.size(), expected);
  else
    EXPECT_EQ(page.substr(first + begin.size(), last - first - begin.size()), expected);
}

TEST(Prompt, OfAGpuShowsItsWordsAndItsFigures) {
  PromptTexts texts = fake_texts();
  texts.language = "triton";
  SynthesisRequest request = fake_request();
  request.language = Language::triton;
  request.target = {{"name", "nvidia"},
                    {"gpu", {{"architecture", "sm_90a"}, {"sms", 132}, {"shared_per_block", 232448}}},
                    {"machine", {{"cores", 77}}},
                    {"gpu_at_hand", {{"name", "NVIDIA H100"}, {"memory_clock_khz", 2619000}, {"bus_bits", 5120}}}};
  const std::string text = compose(request, texts, {}).text();
  EXPECT_THAT(text, HasSubstr("```python\n# /// kerf\n# …\n# ///\n…\n```"));
  EXPECT_THAT(text, HasSubstr("- SMs: 132\n"));
  EXPECT_THAT(text, HasSubstr("- shared memory that a block may have: 227 KiB\n"));
  EXPECT_THAT(text, HasSubstr("NVIDIA H100"));
  EXPECT_THAT(text, HasSubstr("3352 GB/s"));
  EXPECT_THAT(text, Not(HasSubstr("- cores: 77"))) << "of the host";
  request.target.erase("gpu_at_hand");
  EXPECT_THAT(compose(request, texts, {}).text(), HasSubstr("no GPU is at hand"));
}

TEST(Prompt, TheSameRequestGivesTheSameBytes) {
  for (const auto memory : {MemoryOperator::inherit, MemoryOperator::siblings, MemoryOperator::combine})
    EXPECT_EQ(compose(fake_request(memory), fake_texts(), {}).text(),
              compose(fake_request(memory), fake_texts(), {}).text());
}

// So that a provider's cache holds it: what precedes the marks does not depend on the expansion.
TEST(Prompt, UpToItsCacheMarksItIsTheSameForEveryCallOfASession) {
  const auto cached = [](const Prompt& prompt) {
    std::string text, since;
    for (const auto* parts : {&prompt.system, &prompt.message.parts}) {
      for (const Part& part : *parts) {
        since += part.text;
        if (part.cache) text += std::exchange(since, "");
      }
    }
    return text;
  };
  const Prompt inherit = compose(fake_request(MemoryOperator::inherit), fake_texts(), {});
  const Prompt fresh = compose(fake_request(MemoryOperator::fresh), fake_texts(), {});
  EXPECT_EQ(cached(inherit), cached(fresh));
  EXPECT_THAT(cached(inherit),
              AllOf(HasSubstr("# Candidates"), HasSubstr("# The problem"), HasSubstr("# The machine")));
  EXPECT_THAT(cached(inherit), Not(HasSubstr("# The parent")));
  EXPECT_EQ(std::ranges::count_if(inherit.system, &Part::cache), 1);
  EXPECT_EQ(std::ranges::count_if(inherit.message.parts, &Part::cache), 1);
}

RC_GTEST_PROP(PromptProperty, KeepsToItsBudgetOrHasNothingLeftToShorten, ()) {
  const auto memory = *rc::gen::element(MemoryOperator::inherit, MemoryOperator::siblings, MemoryOperator::combine,
                                        MemoryOperator::fresh);
  const SynthesisRequest request = fake_request(memory);
  const Prompt whole = compose(request, fake_texts(), {});
  const Prompt least = compose(request, fake_texts(), {.tokens = 0});
  const auto budget = *rc::gen::inRange<std::int64_t>(0, whole.tokens + 100);
  const Prompt prompt = compose(request, fake_texts(), {.tokens = budget});
  RC_ASSERT(prompt.tokens <= std::max(budget, least.tokens));
  RC_ASSERT(prompt.shortened.empty() == (budget >= whole.tokens));
  for (const Shortened& s : prompt.shortened) RC_ASSERT(!s.part.empty() && !s.what.empty());
  std::int64_t total = 0;
  for (const auto* parts : {&prompt.system, &prompt.message.parts})
    for (const Part& part : *parts) total += estimate_tokens(part.text);
  RC_ASSERT(total >= prompt.tokens);  // blank lines between sections come on top: one byte each
  RC_ASSERT(total <= prompt.tokens + 20);
}

TEST(Prompt, TheLeastImportantGivesWayFirstAndTheParentNever) {
  const SynthesisRequest request = fake_request(MemoryOperator::inherit);
  const Prompt whole = compose(request, fake_texts(), {});
  const Prompt shorter = compose(request, fake_texts(), {.tokens = whole.tokens - 1});
  ASSERT_EQ(shorter.shortened.size(), 1U);
  EXPECT_EQ(shorter.shortened[0].part, "ancestors");
  const Prompt least = compose(request, fake_texts(), {.tokens = 0});
  EXPECT_THAT(least.text(), AllOf(HasSubstr(request.ancestors[0].candidate.text), HasSubstr("# Candidates"),
                                  HasSubstr("torch.relu(x)"), Not(HasSubstr("How the parent came about"))));
}

class Skill final : public PromptPart {
 public:
  std::string_view name() const override { return "skill"; }
  PromptPlace place() const override { return PromptPlace::call; }
  int priority() const override { return 10; }
  int steps(const SynthesisRequest&) const override { return 1; }
  std::string write(const SynthesisRequest&, int step) const override { return step == 0 ? "# A skill\n" : ""; }
  std::string missing(const SynthesisRequest&, int) const override { return "left out"; }
};

TEST(Prompt, KnowledgeStandsBeforeTheParentAndIsCutLikeAnyPart) {
  PromptOptions options;
  options.knowledge.push_back(std::make_shared<Skill>());
  const Prompt with = compose(fake_request(), fake_texts(), options);
  EXPECT_LT(with.text().find("# A skill"), with.text().find("# The parent"));
  options.tokens = with.tokens - 1;
  const Prompt without = compose(fake_request(), fake_texts(), options);
  EXPECT_EQ(without.text().find("# A skill"), std::string::npos);
  EXPECT_EQ(without.shortened.at(0).part, "skill");
}

TEST(PromptParts, TargetLeavesOutWhatTheDescriptorDoesNotSay) {
  SynthesisRequest request = fake_request();
  EXPECT_THAT(make_target_part()->write(request, 0),
              AllOf(HasSubstr("L2 cache: 1 MiB, shared by 2"), HasSubstr("20.5 GB/s read"), HasSubstr("160 GFLOP/s")));
  EXPECT_THAT(make_target_part()->write(request, 1), Not(HasSubstr("worth knowing")));
  for (const char* text :
       {"null", "{}", "[1]", R"({"machine": 3, "calibration": {"levels": [3, {}]}, "advice": {}})"}) {
    request.target = nlohmann::json::parse(text);
    EXPECT_THAT(make_target_part()->write(request, 0), Not(HasSubstr("GB/s"))) << text;
  }
}

TEST(PromptParts, ProblemShowsItsTensorsAndSaysThatThereAreHiddenSizesButNotWhich) {
  const std::string text = make_problem_part()->write(fake_request(), 0);
  EXPECT_THAT(text, AllOf(HasSubstr("input `x`: f32[4, 8], drawn as `randn`"), HasSubstr("output `out`: f32[4, 8]"),
                          HasSubstr("or hyperparameters: 1."), HasSubstr("aten.relu.default(x)")));
  EXPECT_THAT(text, Not(HasSubstr("[3, 7]")));
}

TEST(PromptParts, AncestorsShowWhatEachStepDidToTheTime) {
  const std::string text = make_ancestors_part()->write(fake_request(), 0);
  EXPECT_THAT(text, AllOf(HasSubstr("1.500x as fast as node 0"), HasSubstr("-# all by itself")));
  EXPECT_LT(text.find("node 0: "), text.find("node 2: "));
  EXPECT_THAT(make_ancestors_part()->write(fake_request(), 2), Not(HasSubstr("```")));
}

TEST(PromptParts, SiblingsAndBranchBelongToTheirOperators) {
  const auto siblings = fake_request(MemoryOperator::siblings), combine = fake_request(MemoryOperator::combine);
  EXPECT_THAT(make_siblings_part()->write(siblings, 0), AllOf(HasSubstr("compile_error"), HasSubstr("0.933x as fast")));
  EXPECT_EQ(make_siblings_part()->write(combine, 0), "");
  EXPECT_THAT(make_branch_part()->write(combine, 0), HasSubstr("max1(x[i])"));
  EXPECT_THAT(make_branch_part()->write(combine, 2), AllOf(HasSubstr("node 5"), Not(HasSubstr("max1"))));
  EXPECT_EQ(make_branch_part()->write(siblings, 0), "");
}

TEST(Feedback, OfAFailureShowsTheLinesAroundItsPlace) {
  const Recalled failure = fake_failure(1, fake_source("out[i] = y;"), "");
  EXPECT_THAT(feedback(failure.evaluation, failure.candidate),
              AllOf(HasSubstr("does not compile"), HasSubstr("line 10, column 60"), HasSubstr("out[i] = y;"),
                    HasSubstr("not declared")));
}

TEST(Feedback, OfAnEvaluationThatSaysNothingIsStillASentence) {
  EXPECT_THAT(feedback({}, {}), HasSubstr("refused before it ran"));
  Evaluation measured;
  measured.verdict = Verdict::measured;  // without a receipt
  measured.at = Location{1'000'000, 1};
  EXPECT_THAT(feedback(measured, {}), HasSubstr("Verdict: measured"));
}

// Whatever a text is, it stays within its fence.
RC_GTEST_PROP(FenceProperty, ATextCannotLeaveItsFence, ()) {
  const auto lines = *rc::gen::container<std::vector<std::string>>(
      rc::gen::element<std::string>("```", "````cpp", "~~~", "# Now", "`", "======== system", "\r", "\x01\xff", "x"));
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  const Markdown read = read_markdown(fence(text, "cpp") + "behind\n");
  RC_ASSERT(read.blocks.size() == 1U);
  RC_ASSERT(read.blocks[0].closed);
  RC_ASSERT(read.prose == "behind\n");
  RC_ASSERT(quote(text).find('\n') == std::string::npos);
}

TEST(Fence, MakesUtf8OfAnyBytes) {
  EXPECT_EQ(fence("a\xff\xc3\xa4\x80\x01\tb\r\nc", "text"),
            "```text\na\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\tb\nc\n```\n");
  EXPECT_EQ(quote("a`b\nc"), "`` a`b c ``");
}

}  // namespace
}  // namespace kerf
