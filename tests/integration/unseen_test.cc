// Problems that nothing was built on, drawn by a seed (scripts/unseen.py): whatever the built-in synthesizer begins
// with, and recipes drawn by lot, must be right. A few problems by default; for long runs
//     KERF_UNSEEN=SUITE.jsonl KERF_UNSEEN_OUT=FILE.jsonl build/integration_unseen_test --gtest_filter='*Cpp*'
// judges all of a suite and writes a line of JSON a problem (scripts/unseen.py table reads them). KERF_UNSEEN_SELECT
// takes some ('2/*', globs), KERF_UNSEEN_CANDIDATES so many of either kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/paths.h"
#include "base/process.h"
#include "emulated_gpu.h"
#include "problem/suite.h"
#include "synthesize/builtin/builtin.h"
#include "target/cpu/cpp.h"
#include "target/nvidia/triton.h"

namespace kerf {
namespace {

std::string setting(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

struct Tried {
  Proposal proposal;
  Result<Evaluation> evaluation = fail(ErrorKind::internal, "no answer");
};

// What a search would begin with: at most `sketches`, then `drawn` recipes by lot.
std::vector<Tried> proposals(const std::shared_ptr<const Understood>& problem, const nlohmann::json& facts,
                             Language language, int sketches, int drawn) {
  SynthesisRequest request;
  request.problem = problem;
  request.target = facts;
  request.language = language;
  std::vector<Tried> found;
  const auto ask = [&](Synthesizer& synthesizer, std::uint64_t seed) {
    request.seed = seed;
    synthesizer.propose(request, [&](Result<std::optional<Proposal>> reply) {
      EXPECT_TRUE(reply) << problem->problem.name << ": " << reply.error().message;
      if (!reply || !*reply) return;
      request.tried.push_back((*reply)->candidate.id());
      found.push_back({.proposal = **std::move(reply)});
    });
  };
  const auto builtin = make_builtin_synthesizer();
  for (int k = 0; k < sketches; ++k) ask(*builtin, static_cast<std::uint64_t>(k));
  const auto random = make_random_synthesizer();
  for (int k = 0; k < drawn; ++k) ask(*random, static_cast<std::uint64_t>(k));
  return found;
}

struct Setup {
  const char* name;
  Language language;
  const char* target;
  Untimed::MakeBackend make;
};

class Unseen : public testing::TestWithParam<Setup> {};

TEST_P(Unseen, CandidatesAreRight) {
  std::string suite = setting("KERF_UNSEEN", "");
  const bool given = !suite.empty();
  auto folder = TemporaryDirectory::create("kerf-unseen");
  ASSERT_TRUE(folder);
  if (!given) {
    suite = folder->path() / "suite.jsonl";
    const auto drawn =
        run({.argv = {python(), KERF_SOURCE "/scripts/unseen.py", "write", suite, "--seed", "7", "--count", "1"},
             .environment = clean_environment()},
            std::chrono::seconds(60));
    ASSERT_TRUE(drawn && drawn->ok()) << (drawn ? drawn->errors : drawn.error().message);
  }
  const auto problems = load_suite(suite, setting("KERF_UNSEEN_SELECT", ""));
  ASSERT_TRUE(problems) << problems.error().message;
  Untimed world(GetParam().target, GetParam().language, GetParam().make);
  if (!world.why.empty()) GTEST_SKIP() << world.why;
  std::ofstream out(setting("KERF_UNSEEN_OUT", "/dev/null"), std::ios::app);
  std::size_t judged = 0;
  for (const Problem& problem : *problems) {
    nlohmann::json line{{"problem", problem.id}, {"name", problem.name}, {"language", to_string(GetParam().language)}};
    const auto understood = world.understand(problem, 1);
    if (!understood) {
      line["refused"] = understood.error().message;
      line["kind"] = to_string(understood.error().kind);
      EXPECT_EQ(understood.error().kind, ErrorKind::user) << problem.name << ": " << understood.error().message;
    } else {
      const int most = std::atoi(setting("KERF_UNSEEN_CANDIDATES", "1").c_str());
      std::vector<Tried> all = proposals(*understood, world.facts, GetParam().language, most, most);
      std::vector<Candidate> candidates;
      for (const Tried& each : all) candidates.push_back(each.proposal.candidate);
      std::vector<Result<Evaluation>> evaluations = world.evaluate(candidates, *understood);
      judged += evaluations.size();
      for (std::size_t i = 0; i < all.size(); ++i) {
        const Result<Evaluation>& e = evaluations[i];
        EXPECT_TRUE(e && e->verdict == Verdict::measured)
            << problem.id << " " << problem.name << ", " << all[i].proposal.rationale << ": " << words(e) << "\n"
            << (given ? "" : candidates[i].text);
        nlohmann::json one{{"move", all[i].proposal.move},
                           {"rationale", all[i].proposal.rationale},
                           {"verdict", e ? to_string(e->verdict) : "error"},
                           {"text", candidates[i].text}};
        if (!e || e->verdict != Verdict::measured) one["why"] = words(e);
        line["candidates"].push_back(std::move(one));
      }
    }
    out << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }
  EXPECT_GT(judged, 0U) << "nothing was written for any of them";
}

INSTANTIATE_TEST_SUITE_P(
    Languages, Unseen,
    testing::Values(Setup{"Cpp", Language::cpp, "cpu", [](const Target&) { return make_cpp_backend(); }},
                    Setup{"Cuda", Language::cuda, "nvidia",
                          [](const Target& target) { return make_cuda_backend(target, {.emulate = true}); }},
                    Setup{"Triton", Language::triton, "nvidia",
                          [](const Target& target) { return make_triton_backend(target); }}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace kerf
