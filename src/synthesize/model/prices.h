// What tokens cost. A price belongs to a seller and a model; one that is not in the table is unknown, never zero.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "synthesize/model/model.h"

namespace kerf {

// US dollars a million tokens.
struct Price {
  double input = 0;
  double output = 0;
  std::optional<double> cache_read;   // unset: as input
  std::optional<double> cache_write;  // unset: as input
  std::optional<double> batch;        // factor on all of it through a batch interface; unset: no such interface
  // The whole call costs this much instead when its prompt has more tokens than `above`.
  struct Tier {
    std::int64_t above = 0;
    double input = 0;
    double output = 0;
    std::optional<double> cache_read;
    std::optional<double> cache_write;
  };
  std::optional<Tier> large;
};

struct PriceSource {
  std::string page;     // where the figures were read
  std::string checked;  // when, YYYY-MM-DD
  std::string file;     // that holds them
};

class Prices {
 public:
  struct Entry {
    Price price;
    PriceSource source;
  };
  // TOML: [SELLER] with `page` and `checked`, then [SELLER."MODEL"] with the fields of Price (docs/models.md). SELLER
  // is "anthropic", "openai", another host as in --base-url, or "command"; a MODEL that ends in * stands for all that
  // begin so.
  [[nodiscard]] static Result<Prices> parse(std::string_view toml, const std::string& file);
  // Entries of `over` replace those of the same name.
  void overlay(const Prices& over);
  // A dated name (…-20250929, …-2025-09-29) is looked up as it is, then without its date; the longest pattern counts
  // last.
  [[nodiscard]] std::optional<Price> find(std::string_view seller, std::string_view model) const;
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, Entry>& entries() const { return entries_; }

 private:
  std::map<std::pair<std::string, std::string>, Entry> entries_;
};

// The table that came with kerf, then prices.toml in the configuration directory over it.
[[nodiscard]] Result<Prices> load_prices();

// Fills in usd and saved_usd; leaves both empty if the price is unknown.
void charge(ModelUsage& usage, const std::optional<Price>& price, bool batch);

}  // namespace kerf
