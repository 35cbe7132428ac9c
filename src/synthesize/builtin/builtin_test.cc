#include "synthesize/builtin/builtin.h"

#include <gmock/gmock.h>

#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "synthesize/builtin_fixture.h"

namespace kerf {
namespace {

using namespace testing_builtin;

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

}  // namespace
}  // namespace kerf
