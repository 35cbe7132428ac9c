#include "fleet/bundle.h"

#include <gmock/gmock.h>

#include <string>

#include "base/hash.h"

namespace kerf {
namespace {

using testing::HasSubstr;
using testing::Not;

Bundle example() {
  Bundle bundle;
  bundle.session = "0123456789ab";
  bundle.versions = {{"kerf", "test"}};
  bundle.problem = {.id = "test/1", .name = "a problem", .source = "class Model: pass\n", .path = "/home/me/model.py"};
  bundle.problem.sizes["rows"] = Value{std::int64_t{4}};
  bundle.items.push_back({.candidate = {.text = "first \"text\"\n", .language = Language::cpp, .name = "a.cpp"}});
  bundle.items.push_back({.candidate = {.text = "second: \xc3\xa9", .language = Language::cuda, .name = "../../b.cu"},
                          .effort = Effort::confirm,
                          .remeasure = true,
                          .traces = true,
                          .expansion = 7});
  return bundle;
}

std::string written(Bundle bundle) {
  auto text = to_text(bundle);
  EXPECT_TRUE(text) << text.error().message;
  return text.value_or("");
}

std::string why_not(std::string_view text) {
  const auto read = bundle_from_text(text);
  return read ? "" : read.error().message;
}

// The same with its first `from` replaced, and every seal that kerf itself would make of it.
std::string resealed(const std::string& text, const std::string& from, const std::string& to) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = text.find('\n', at);
    auto value = unsealed(std::string_view(text).substr(at, end - at));
    EXPECT_TRUE(value);
    if (value->value("kind", "") == "end") (*value)["bundle"] = sha256(out);
    std::string line = value->dump();
    if (const auto found = line.find(from); found != line.npos) line.replace(found, from.size(), to);
    out += *sealed(nlohmann::json::parse(line));
    at = end + 1;
  }
  return out;
}

TEST(BundleTest, WhatWasWrittenIsRead) {
  Bundle bundle = example();
  const auto text = to_text(bundle);
  ASSERT_TRUE(text);
  const auto read = bundle_from_text(*text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->digest, bundle.digest);
  EXPECT_EQ(read->session, bundle.session);
  EXPECT_EQ(read->problem.digest(), bundle.problem.digest());
  EXPECT_EQ(read->problem.path, "model.py") << "folders of the machine that wrote it stay there";
  ASSERT_EQ(read->items.size(), 2U);
  EXPECT_EQ(read->items[1].candidate.name, "b.cu");
  EXPECT_EQ(read->items[1].candidate.text, bundle.items[1].candidate.text);
  EXPECT_EQ(read->items[1].candidate.id(), bundle.items[1].candidate.id());
  EXPECT_EQ(read->items[1].effort, Effort::confirm);
  EXPECT_TRUE(read->items[1].remeasure);
  EXPECT_TRUE(read->items[1].traces);
  EXPECT_FALSE(read->items[1].profile || read->items[1].ncu || read->items[0].traces);
  EXPECT_THAT(*text, Not(HasSubstr("profile"))) << "what is not wanted is not written";
  EXPECT_EQ(read->items[1].expansion, 7U);
  EXPECT_EQ(written(example()), *text) << "the same content is the same bytes";
  EXPECT_FALSE(read->graph);
  bundle.graph = true;
  const auto graphs = bundle_from_text(written(bundle));
  ASSERT_TRUE(graphs) << graphs.error().message;
  EXPECT_TRUE(graphs->graph);
  EXPECT_NE(graphs->digest, read->digest);
}

TEST(BundleTest, EveryCutAndEveryChangedByteIsNoticed) {
  const std::string text = written(example());
  for (std::size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(bundle_from_text(text.substr(0, i))) << "cut at " << i;
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(bundle_from_text(changed)) << "changed at " << i;
  }
  EXPECT_THAT(why_not(""), HasSubstr("does not begin"));
  EXPECT_THAT(why_not(text + text), HasSubstr("behind the bundle's end"));
  EXPECT_THAT(why_not(text.substr(0, text.size() - 1)), HasSubstr("a part of it is missing"));
}

TEST(BundleTest, SealsAloneProveNothing) {
  const std::string text = written(example());
  EXPECT_THAT(why_not(resealed(text, "first ", "other ")), HasSubstr("candidate's digest"));
  EXPECT_THAT(why_not(resealed(text, "class Model", "class Other")), HasSubstr("problem's digest"));
  EXPECT_THAT(why_not(resealed(text, "\"items\":2", "\"items\":3")), HasSubstr("a part of it is missing"));
  EXPECT_THAT(why_not(resealed(text, "\"schema\":1", "\"schema\":2")), HasSubstr("update kerf"));
  EXPECT_THAT(why_not(resealed(text, "\"expansion\":7", "\"expansion\":-7")), HasSubstr("negative"));
  EXPECT_THAT(why_not(resealed(text, "\"language\":\"cuda\"", "\"language\":\"perl\"")), HasSubstr("language"));
  EXPECT_THAT(why_not(resealed(text, "\"kind\":\"problem\"", "\"kind\":\"image\"")), HasSubstr("no such line"));
}

TEST(BundleTest, DepthAndOtherJsonAreErrors) {
  const std::string deep(200'000, '[');
  EXPECT_FALSE(unsealed(deep));
  EXPECT_FALSE(unsealed("{\"a\":" + deep + std::string(200'000, ']') + "}"));
  EXPECT_FALSE(unsealed("[1]"));
  EXPECT_FALSE(unsealed("{}"));
  EXPECT_FALSE(unsealed("{\"sha256\":1}"));
}

TEST(BundleTest, WhatIsTooLargeOrNoTextIsRefusedWhereItIsWritten) {
  Bundle bundle = example();
  bundle.items[0].candidate.text = "\xff\xfe";
  EXPECT_THAT(to_text(bundle).error().message, AllOf(HasSubstr("a.cpp"), HasSubstr("UTF-8")));
  bundle.items[0].candidate.text = std::string(max_candidate_bytes + 1, 'x');
  EXPECT_THAT(to_text(bundle).error().message, AllOf(HasSubstr("a.cpp"), HasSubstr("256 KiB")));
  bundle = example();
  bundle.items.resize(max_bundle_items + 1);
  EXPECT_THAT(to_text(bundle).error().message, HasSubstr("10000"));
}

std::string example_results() {
  BundleResult one{.item = 1, .effort = Effort::confirm, .expansion = 7, .evaluation = {}};
  one.evaluation.problem = "test/1";
  one.evaluation.candidate = "sha256:1";
  one.evaluation.verdict = Verdict::crashed;
  one.evaluation.message = "it said \xff and ended";
  BundleResult two = one;
  two.item = 0;
  return *to_line(ResultsHead{.bundle = std::string(64, 'b'),
                              .session = "0123456789ab",
                              .machine = {{"cpu", "one"}},
                              .versions = {{"kerf", "test"}}}) +
         *to_line(one) + *to_line(two);
}

TEST(ResultsTest, WhatWasWrittenIsReadAndALineThatWasBegunIsNot) {
  const std::string text = example_results();
  EXPECT_TRUE(begins_results(text));
  EXPECT_FALSE(begins_results(written(example())));
  const auto read = results_from_text(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->head.machine["cpu"], "one");
  EXPECT_EQ(read->whole, text.size());
  ASSERT_EQ(read->results.size(), 2U);
  EXPECT_EQ(read->results[0].item, 1U);
  EXPECT_EQ(read->results[0].effort, Effort::confirm);
  EXPECT_EQ(read->results[0].evaluation.verdict, Verdict::crashed);
  // Killed within the last line.
  for (const std::size_t cut : {1U, 20U, 100U}) {
    const auto some = results_from_text(text.substr(0, text.size() - cut));
    ASSERT_TRUE(some);
    EXPECT_EQ(some->results.size(), 1U);
    EXPECT_EQ(text[some->whole - 1], '\n');
    EXPECT_LT(some->whole, text.size() - cut);
  }
}

TEST(ResultsTest, DamagedAndDoubledLinesAreErrors) {
  const std::string text = example_results();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    if (const auto read = results_from_text(changed)) {
      // Only the last line feed can go: what it ended counts as begun.
      EXPECT_EQ(i, text.size() - 1);
      EXPECT_EQ(read->results.size(), 1U);
    }
  }
  const std::string last = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_THAT(results_from_text(text + last).error().message, AllOf(HasSubstr("line 4"), HasSubstr("there already")));
  EXPECT_FALSE(results_from_text(""));
  EXPECT_FALSE(results_from_text(written(example())));
}

}  // namespace
}  // namespace kerf
