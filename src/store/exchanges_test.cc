// The conformance suite's part about talks with models: exchanges and what they cost.
#include <gtest/gtest.h>

#include <optional>

#include "store/store_fixture.h"

namespace kerf {
namespace {

using namespace testing_store;

Exchange an_exchange(std::uint64_t expansion, int attempt, const std::string& text, std::optional<double> usd = 0.5) {
  Exchange e{.purpose = {.expansion = expansion, .attempt = attempt},
             .model = "anthropic/x",
             .request_digest = "d" + text,
             .request = {{"messages", {text}}},
             .reply = {}};
  e.reply.text = text + "\xc3\xa4\n";
  e.reply.reasoning = "hm";
  e.reply.finish = Finish::length;
  e.reply.usage = {.tokens_in = 10, .tokens_out = 2, .cached_in = 4, .usd = usd, .saved_usd = 0.25};
  e.reply.seconds = 1.5;
  return e;
}

TEST_P(AnyStore, KeepsExchangesInTheOrderInWhichTheyCame) {
  const auto writer = create();
  EXPECT_TRUE(store->exchanges(writer->id(), {})->items.empty());
  ASSERT_TRUE(writer->append(Asked{an_expansion(2, {0})}));
  clock.time += std::chrono::seconds(3);
  ASSERT_TRUE(writer->keep(an_exchange(2, 0, "two")));
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "one")));
  ASSERT_TRUE(writer->keep(an_exchange(2, 1, "two again")));
  const auto all = store->exchanges(writer->id(), {});
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->items.size(), 3U);
  EXPECT_TRUE(all->next.empty());
  const ExchangeRecord& first = all->items[0];
  EXPECT_EQ(first.step, 1);
  EXPECT_EQ(first.created_ms, clock.unix_ms());
  EXPECT_EQ(first.exchange.purpose.expansion, 2U);
  EXPECT_EQ(first.exchange.model, "anthropic/x");
  EXPECT_EQ(first.exchange.request_digest, "dtwo");
  EXPECT_EQ(first.exchange.request, nlohmann::json({{"messages", {"two"}}}));
  EXPECT_EQ(first.exchange.reply.text, "two\xc3\xa4\n");
  EXPECT_EQ(first.exchange.reply.finish, Finish::length);
  EXPECT_EQ(first.exchange.reply.usage.usd, 0.5);
  EXPECT_EQ(all->items[2].exchange.purpose.attempt, 1);
  const auto page = store->exchanges(writer->id(), {.limit = 2, .after = {}});
  ASSERT_EQ(page->items.size(), 2U);
  const auto rest = store->exchanges(writer->id(), {.limit = 2, .after = page->next});
  ASSERT_EQ(rest->items.size(), 1U);
  EXPECT_EQ(rest->items[0].exchange.reply.text, "two again\xc3\xa4\n");
  EXPECT_TRUE(rest->next.empty());
  EXPECT_TRUE(store->exchanges(create()->id(), {})->items.empty()) << "of that session only";
  EXPECT_FALSE(store->exchanges("nosuchsession", {}));
}

TEST_P(AnyStore, FindsAnExchangeByItsPurposeTheLatestCounts) {
  const auto writer = create();
  EXPECT_EQ(*store->exchange(writer->id(), {.expansion = 1, .attempt = 0}), std::nullopt);
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "old")));
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "new")));
  ASSERT_TRUE(writer->keep(an_exchange(1, 1, "other")));
  const auto found = store->exchange(writer->id(), {.expansion = 1, .attempt = 0});
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->request_digest, "dnew");
}

TEST_P(AnyStore, AddsUpWhatWasSpentAndUnknownPricesStayUnknown) {
  const auto writer = create();
  EXPECT_EQ(store->spent(writer->id())->usd(), 0);
  ASSERT_TRUE(writer->keep(an_exchange(1, 0, "a")));
  ASSERT_TRUE(writer->keep(an_exchange(2, 0, "b")));
  const auto spent = store->spent(writer->id());
  ASSERT_TRUE(spent);
  EXPECT_EQ(spent->calls, 2);
  EXPECT_EQ(spent->tokens_in, 20);
  EXPECT_EQ(spent->tokens_out, 4);
  EXPECT_EQ(spent->cached_in, 8);
  EXPECT_EQ(spent->usd(), 1.0);
  EXPECT_EQ(spent->saved_usd, 0.5);
  EXPECT_EQ(spent->largest_tokens, 12);
  ASSERT_TRUE(writer->keep(an_exchange(3, 0, "c", std::nullopt)));
  const auto charges = store->charges(writer->id());
  ASSERT_TRUE(charges);
  ASSERT_EQ(charges->size(), 3U);
  ASSERT_EQ(charges->at(2).size(), 1U);
  EXPECT_EQ(charges->at(2)[0].model, an_exchange(2, 0, "b").model);
  EXPECT_EQ(charges->at(2)[0].usage.usd, 0.5);
  EXPECT_FALSE(charges->at(3)[0].usage.usd_known);
  EXPECT_EQ(store->spent(writer->id())->usd(), std::nullopt);
  EXPECT_EQ(store->spent(writer->id())->known_usd, 1.0);
}

}  // namespace
}  // namespace kerf
