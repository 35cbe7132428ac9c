#include "synthesize/fake_synthesizer.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace kerf {
namespace {

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
