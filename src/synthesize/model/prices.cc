#include "synthesize/model/prices.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "base/paths.h"

namespace kerf {

namespace {

constexpr double per_million = 1e-6;

struct Rates {
  double input, output, cache_read, cache_write;
};

Rates rates_for(const Price& p, std::int64_t tokens_in) {
  if (p.large && tokens_in > p.large->above) {
    const Price::Tier& t = *p.large;
    return {t.input, t.output, t.cache_read.value_or(t.input), t.cache_write.value_or(t.input)};
  }
  return {p.input, p.output, p.cache_read.value_or(p.input), p.cache_write.value_or(p.input)};
}

// Reads the numbers of one table; the first thing that is wrong is kept.
class Fields {
 public:
  Fields(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}
  std::optional<double> number(const char* name) {
    const toml::node* node = table_.get(name);
    if (node == nullptr) return std::nullopt;
    const auto value = node->value<double>();
    if (!node->is_number() || !value || !(*value >= 0) || *value > 1e6) {
      complain(fmt::format("{} is no price", name));
      return std::nullopt;
    }
    return value;
  }
  double needed(const char* name) {
    const auto value = number(name);
    if (!value) complain(fmt::format("{} is missing", name));
    return value.value_or(0);
  }
  void only(std::initializer_list<std::string_view> known) {
    for (const auto& [key, value] : table_) {
      if (std::find(known.begin(), known.end(), key.str()) == known.end())
        complain(fmt::format("{} is not known here", key.str()));
    }
  }
  void complain(const std::string& what) {
    if (error_.empty()) error_ = where_ + ": " + what;
  }
  [[nodiscard]] Result<> result() const { return error_.empty() ? Result<>{} : user_error(error_); }

 private:
  const toml::table& table_;
  std::string where_, error_;
};

Result<Price> read_price(const toml::table& table, const std::string& where) {
  Fields fields(table, where);
  Price price;
  price.input = fields.needed("input");
  price.output = fields.needed("output");
  price.cache_read = fields.number("cache_read");
  price.cache_write = fields.number("cache_write");
  price.batch = fields.number("batch");
  fields.only({"input", "output", "cache_read", "cache_write", "batch", "large"});
  TRY(fields.result());
  if (const toml::node* node = table.get("large")) {
    const toml::table* large = node->as_table();
    if (large == nullptr) return user_error(where + ": large must be a table");
    Fields tier(*large, where + ".large");
    Price::Tier t;
    t.above = large->get("above") != nullptr ? large->get("above")->value<std::int64_t>().value_or(0) : 0;
    if (t.above <= 0) tier.complain("above must be a number of tokens");
    t.input = tier.needed("input");
    t.output = tier.needed("output");
    t.cache_read = tier.number("cache_read");
    t.cache_write = tier.number("cache_write");
    tier.only({"above", "input", "output", "cache_read", "cache_write"});
    TRY(tier.result());
    price.large = t;
  }
  return price;
}

// Without -20250929 or -2025-09-29 at its end.
std::string_view undated(std::string_view model) {
  const auto fits = [&](std::string_view pattern) {
    if (model.size() <= pattern.size()) return false;
    const std::string_view tail = model.substr(model.size() - pattern.size());
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      if (pattern[i] == '0' ? tail[i] < '0' || tail[i] > '9' : tail[i] != pattern[i]) return false;
    }
    return true;
  };
  for (const std::string_view pattern : {"-0000-00-00", "-00000000"}) {
    if (fits(pattern)) return model.substr(0, model.size() - pattern.size());
  }
  return model;
}

}  // namespace

Result<Prices> Prices::parse(std::string_view toml, const std::string& file) {
  Prices prices;
  try {
    const toml::table root = toml::parse(toml, file);
    for (const auto& [seller, node] : root) {
      const toml::table* models = node.as_table();
      if (models == nullptr) return user_error(fmt::format("{}: {} must be a table of models", file, seller.str()));
      PriceSource source{.page = (*models)["page"].value_or(std::string{}),
                         .checked = (*models)["checked"].value_or(std::string{}),
                         .file = file};
      for (const auto& [model, price] : *models) {
        if (model == "page" || model == "checked") continue;
        const std::string where = fmt::format("{}: {}.\"{}\"", file, seller.str(), model.str());
        if (price.as_table() == nullptr) return user_error(where + " must be a table");
        prices.entries_[{std::string(seller.str()), std::string(model.str())}] = {
            TRY(read_price(*price.as_table(), where)), source};
      }
    }
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    return user_error(fmt::format("{}:{}:{}: {}", file, at.line, at.column, error.description()));
  }
  return prices;
}

void Prices::overlay(const Prices& over) {
  for (const auto& [name, entry] : over.entries_) entries_[name] = entry;
}

std::optional<Price> Prices::find(std::string_view seller, std::string_view model) const {
  for (const std::string_view name : {model, undated(model)}) {
    if (const auto found = entries_.find({std::string(seller), std::string(name)}); found != entries_.end())
      return found->second.price;
  }
  std::optional<Price> best;
  std::size_t longest = 0;
  for (const auto& [name, entry] : entries_) {
    if (name.first != seller || !name.second.ends_with('*')) continue;
    const std::string_view start = std::string_view(name.second).substr(0, name.second.size() - 1);
    if (model.starts_with(start) && (!best || start.size() > longest)) {
      best = entry.price;
      longest = start.size();
    }
  }
  return best;
}

Result<Prices> load_prices() {
  const auto file = TRY(shipped("models/prices.toml"));
  const std::string text = TRY(read_file(file));
  Prices prices = TRY(Prices::parse(text, file.string()));
  const auto folder = config_directory();
  std::error_code code;
  if (folder && std::filesystem::exists(*folder / "prices.toml", code)) {
    const std::string own = (*folder / "prices.toml").string();
    const std::string own_text = TRY(read_file(own));
    prices.overlay(TRY(Prices::parse(own_text, own)));
  }
  return prices;
}

void charge(ModelUsage& usage, const std::optional<Price>& price, bool batch) {
  usage.usd = usage.saved_usd = std::nullopt;
  if (!price || (batch && !price->batch)) return;
  const Rates r = rates_for(*price, usage.tokens_in);
  const double factor = per_million * (batch ? *price->batch : 1.0);
  const auto fresh = static_cast<double>(usage.tokens_in - usage.cached_in - usage.written_in);
  const auto cached = static_cast<double>(usage.cached_in);
  const auto written = static_cast<double>(usage.written_in);
  usage.usd = factor * (fresh * r.input + cached * r.cache_read + written * r.cache_write +
                        static_cast<double>(usage.tokens_out) * r.output);
  usage.saved_usd = factor * (cached * (r.input - r.cache_read) + written * (r.input - r.cache_write));
}

}  // namespace kerf
