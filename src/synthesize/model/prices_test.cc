#include "synthesize/model/prices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "synthesize/model/command_model.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Prices table(std::string_view toml) {
  auto prices = Prices::parse(toml, "prices.toml");
  EXPECT_TRUE(prices) << prices.error().message;
  return std::move(prices).value_or(Prices{});
}

const char* const some = R"(
[anthropic]
page = "https://example.com/prices"
checked = "2026-11-23"
claude-x = { input = 4, output = 20, cache_read = 0.4, cache_write = 5, batch = 0.5 }
[anthropic.claude-y]
input = 0.1
output = 0.5
large = { above = 1000, input = 1, output = 5 }
["localhost:8000"]
"*" = { input = 0, output = 0 }
"big-*" = { input = 1, output = 1 }
)";

TEST(Prices, CountEveryKindOfToken) {
  ModelUsage usage{.tokens_in = 1000, .tokens_out = 100, .cached_in = 600, .written_in = 300};
  charge(usage, table(some).find("anthropic", "claude-x"), false);
  EXPECT_NEAR(usage.usd.value(), (100 * 4 + 600 * 0.4 + 300 * 5 + 100 * 20) * 1e-6, 1e-12);
  EXPECT_NEAR(usage.saved_usd.value(), (600 * 3.6 - 300 * 1) * 1e-6, 1e-12);
  charge(usage, table(some).find("anthropic", "claude-x"), true);
  EXPECT_NEAR(usage.usd.value(), 0.5 * (100 * 4 + 600 * 0.4 + 300 * 5 + 100 * 20) * 1e-6, 1e-12);
}

TEST(Prices, ALargePromptMakesTheWholeCallDearer) {
  ModelUsage small{.tokens_in = 1000, .tokens_out = 10}, large{.tokens_in = 1001, .tokens_out = 10};
  const auto price = table(some).find("anthropic", "claude-y");
  charge(small, price, false);
  charge(large, price, false);
  EXPECT_NEAR(small.usd.value(), (100 + 5) * 1e-6, 1e-12);
  EXPECT_NEAR(large.usd.value(), (1001 + 50) * 1e-6, 1e-12);
}

TEST(Prices, WhatIsNotInTheTableIsUnknownAndNotFree) {
  ModelUsage usage{.tokens_in = 1000};
  charge(usage, table(some).find("anthropic", "claude-z"), false);
  EXPECT_EQ(usage.usd, std::nullopt);
  EXPECT_EQ(usage.saved_usd, std::nullopt);
  charge(usage, table(some).find("anthropic", "claude-y"), true);
  EXPECT_EQ(usage.usd, std::nullopt) << "no batch price is known";
  charge(usage, table(some).find("localhost:8000", "anything"), false);
  EXPECT_EQ(usage.usd, 0.0);
}

TEST(Prices, ADatedNameIsLookedUpWithoutItsDate) {
  const Prices prices = table(some);
  EXPECT_TRUE(prices.find("anthropic", "claude-x-20250929"));
  EXPECT_TRUE(prices.find("anthropic", "claude-x-2025-09-29"));
  EXPECT_FALSE(prices.find("anthropic", "claude-x-2025"));
  EXPECT_FALSE(prices.find("openai", "claude-x"));
  EXPECT_EQ(prices.find("localhost:8000", "big-one")->input, 1);
}

TEST(Prices, TheUsersTableLiesOverTheShippedOne) {
  Prices prices = table(some);
  prices.overlay(
      table("[anthropic]\nclaude-x = { input = 3, output = 1 }\n[openai]\n\"gpt-x\" = { input = 1, output = 2 }\n"));
  EXPECT_EQ(prices.find("anthropic", "claude-x")->input, 3);
  EXPECT_EQ(prices.find("anthropic", "claude-x")->cache_read, std::nullopt);
  EXPECT_EQ(prices.find("openai", "gpt-x")->output, 2);
  EXPECT_TRUE(prices.find("anthropic", "claude-y"));
}

TEST(Prices, MistakesNameTheirPlace) {
  const auto message = [](std::string_view toml) { return Prices::parse(toml, "p.toml").error().message; };
  EXPECT_THAT(message("[a]\nm = { input = 1 }"), HasSubstr("a.\"m\": output is missing"));
  EXPECT_THAT(message("[a]\nm = { input = -1, output = 2 }"), HasSubstr("input is no price"));
  EXPECT_THAT(message("[a]\nm = { input = \"1\", output = 2 }"), HasSubstr("input is no price"));
  EXPECT_THAT(message("[a]\nm = { input = 1, output = 2, caches = 3 }"), HasSubstr("caches"));
  EXPECT_THAT(message("[a]\nm = { input = 1, output = 2, large = { input = 1, output = 1 } }"), HasSubstr("above"));
  EXPECT_THAT(message("[a]\nm = 3"), HasSubstr("table"));
  EXPECT_THAT(message("[a\n"), HasSubstr("p.toml:1"));
}

TEST(CommandWords, AreSplitAtBlanksAsAShellWouldWithoutAShell) {
  EXPECT_THAT(split_words(R"(a 'b c' "d \"e" f\ g '' $HOME *)").value(),
              ElementsAre("a", "b c", "d \"e", "f g", "", "$HOME", "*"));
  EXPECT_THAT(split_words("  ").value(), ElementsAre());
  EXPECT_EQ(split_words("a 'b").error().kind, ErrorKind::user);
}

TEST(CommandPrompt, IsTheTextAPersonWouldRead) {
  ModelRequest request{.system = {{.text = "rules"}},
                       .messages = {{.role = Speaker::user, .parts = {{.text = "task\n"}}}}};
  EXPECT_EQ(as_text(request), "rules\n\ntask\n");
  request.messages.push_back({.role = Speaker::assistant, .parts = {{.text = "code"}}});
  request.messages.push_back({.role = Speaker::user, .parts = {{.text = "wrong"}}});
  EXPECT_EQ(as_text(request), "rules\n\n=== user ===\ntask\n\n=== assistant ===\ncode\n\n=== user ===\nwrong\n");
}

}  // namespace
}  // namespace kerf
