#include "evaluate/languages.h"

#include <gtest/gtest.h>

#include "evaluate/scripted_runner.h"

namespace kerf {
namespace {

TEST(Languages, AreMadeOnceAndWhenTheyAreNeeded) {
  Languages languages;
  int made = 0;
  languages.add(Language::cuda, [&]() -> Result<LanguageTools> {
    ++made;
    return LanguageTools{.backend = nullptr, .runner = std::make_shared<ScriptedRunner>()};
  });
  EXPECT_EQ(made, 0);
  const auto first = languages.find(Language::cuda), second = languages.find(Language::cuda);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->runner, second->runner);
  EXPECT_EQ(made, 1);
}

TEST(Languages, AMissingCompilerIsMissedByItsLanguageOnly) {
  Languages languages;
  const auto runner = std::make_shared<ScriptedRunner>();
  int asked = 0;
  languages.add(Language::cuda, LanguageTools{.backend = nullptr, .runner = runner});
  languages.add(Language::triton, [&]() -> Result<LanguageTools> {
    if (++asked == 1) return fail(ErrorKind::unavailable, "unavailable: triton is not installed");
    return LanguageTools{.backend = nullptr, .runner = runner};
  });
  const auto missing = languages.find(Language::triton);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(languages.find(Language::cuda));
  EXPECT_TRUE(languages.find(Language::triton)) << "asked again: it may have been installed meanwhile";
}

TEST(Languages, SayWhichOnesThereAre) {
  Languages languages;
  languages.add(Language::cuda, LanguageTools{});
  languages.add(Language::triton, LanguageTools{});
  EXPECT_EQ(languages.names(), "cuda, triton");
  EXPECT_FALSE(languages.has(Language::cpp));
  const auto none = languages.find(Language::cpp);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace kerf
