#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/console.h"
#include "app/exit.h"
#include "app/words.h"
#include "synthesize/model/make_model.h"

namespace kerf {

namespace {

using Json = nlohmann::json;

struct KeyState {
  bool needed = false, there = false;
  std::string remedy;  // what is wrong or what to do; empty if nothing
};

KeyState key_state(const Keys& keys, const ProviderInfo& provider) {
  KeyState state{.needed = !provider.provider.empty()};
  if (!state.needed) return state;
  const auto url = split_url(provider.base_url);
  const KeyOwner owner{.provider = provider.provider, .host = url ? url->host : ""};
  const auto found = keys.find(owner);
  state.there = found && *found;
  if (!found)
    state.remedy = found.error().message;
  else if (!*found)
    state.remedy = keys.remedy(owner);
  return state;
}

std::string dollars(const std::optional<double>& usd) { return usd ? fmt::format("{:g}", *usd) : "-"; }

Json price_json(const Price& p) {
  const auto or_null = [](const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); };
  Json json = {{"input", p.input},
               {"output", p.output},
               {"cache_read", or_null(p.cache_read)},
               {"cache_write", or_null(p.cache_write)},
               {"batch_factor", or_null(p.batch)},
               {"large", nullptr}};
  if (p.large) {
    json["large"] = {{"above_tokens", p.large->above},
                     {"input", p.large->input},
                     {"output", p.large->output},
                     {"cache_read", or_null(p.large->cache_read)},
                     {"cache_write", or_null(p.large->cache_write)}};
  }
  return json;
}

std::string models_text(const Keys& keys, const Prices& prices) {
  std::vector<std::vector<std::string>> rows;
  for (const ProviderInfo& provider : model_providers()) {
    const KeyState key = key_state(keys, provider);
    rows.push_back({provider.form, !key.needed ? "" : key.there ? "key found" : "no key", provider.what});
    if (!key.remedy.empty()) rows.push_back({"", "", "-> " + one_line(key.remedy)});
  }
  std::string text = table(rows) + "\nUS dollars a million tokens (- : as input; no batches):\n\n";
  rows = {{"model", "input", "output", "cache read", "cache write", "batch", "read from", "on"}};
  for (const auto& [name, entry] : prices.entries()) {
    const Price& p = entry.price;
    rows.push_back({fmt::format("{}/{}", name.first, name.second), dollars(p.input), dollars(p.output),
                    dollars(p.cache_read), dollars(p.cache_write), p.batch ? fmt::format("x{:g}", *p.batch) : "-",
                    entry.source.page.empty() ? entry.source.file : entry.source.page, entry.source.checked});
    if (p.large) {
      rows.push_back({fmt::format("  prompts over {} tokens", p.large->above), dollars(p.large->input),
                      dollars(p.large->output), dollars(p.large->cache_read), dollars(p.large->cache_write), "", "",
                      ""});
    }
  }
  return text + table(rows, {1, 2, 3, 4}) +
         "\nAny other model of these providers can be used; what it costs is then unknown (docs/models.md).\n";
}

Json models_json(const Keys& keys, const Prices& prices) {
  Json json = {{"schema", 1}, {"providers", Json::array()}, {"prices", Json::array()}};
  for (const ProviderInfo& provider : model_providers()) {
    const KeyState key = key_state(keys, provider);
    json["providers"].push_back({{"form", provider.form},
                                 {"what", provider.what},
                                 {"key_needed", key.needed},
                                 {"key_found", key.there},
                                 {"remedy", key.remedy}});
  }
  for (const auto& [name, entry] : prices.entries()) {
    Json one = price_json(entry.price);
    one["seller"] = name.first;
    one["model"] = name.second;
    one["page"] = entry.source.page;
    one["checked"] = entry.source.checked;
    one["file"] = entry.source.file;
    json["prices"].push_back(std::move(one));
  }
  return json;
}

}  // namespace

Result<int> list_models(const ModelsOptions& options) {
  const Prices prices = TRY(load_prices());
  const auto keys = make_keys();
  TRY(print(options.json ? models_json(*keys, prices).dump(2) + "\n" : models_text(*keys, prices)));
  return exit_success;
}

}  // namespace kerf
