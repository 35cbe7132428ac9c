#include "synthesize/model/make_model.h"

#include <fmt/format.h>

#include <array>

#include "synthesize/model/batch_model.h"
#include "synthesize/model/command_model.h"
#include "synthesize/model/http_model.h"

namespace kerf {

namespace {

constexpr std::string_view anthropic_url = "https://api.anthropic.com";
constexpr std::string_view openai_url = "https://api.openai.com/v1";

std::string all_forms() {
  std::string forms;
  for (const ProviderInfo& p : model_providers()) forms += (forms.empty() ? "" : ", ") + p.form;
  return forms;
}

// "anthropic/x" into its halves; `user` error for what is no such name.
struct Named {
  std::string provider;
  std::string model;
};
Result<Named> split(std::string_view spec) {
  const std::size_t slash = spec.find('/');
  const std::string_view provider = spec.substr(0, slash);
  const std::string_view model = slash == spec.npos ? std::string_view{} : spec.substr(slash + 1);
  if (provider != "anthropic" && provider != "openai")
    return user_error(fmt::format("there is no model {}; there are {}", spec, all_forms()));
  if (model.empty())
    return user_error(fmt::format("{}: name a model, as in {}/MODEL; see kerf models", spec, provider));
  return Named{std::string(provider), std::string(model)};
}

Result<HttpModelSetup> setup(std::string_view spec, const Named& named, const ModelParts& parts,
                             const ModelOptions& options, bool needs_key = true) {
  const bool anthropic = named.provider == "anthropic";
  const std::string_view own_url = anthropic ? anthropic_url : openai_url;
  std::string base = options.base_url.empty() ? std::string(own_url) : options.base_url;
  const UrlParts url = TRY(split_url(base));
  while (base.ends_with('/')) base.pop_back();
  const UrlParts own = TRY(split_url(own_url));
  const bool own_server = url.host == own.host;
  if (own_server && url.scheme != "https")
    return user_error(fmt::format("{}: a key goes to {} by https only", base, own.host));
  const KeyOwner owner{.provider = own_server ? named.provider : "", .host = url.host};
  std::optional<Secret> key = TRY(parts.keys.find(owner));
  if (!key && own_server && needs_key)
    return fail(ErrorKind::unavailable, fmt::format("{} needs a key: {}", spec, parts.keys.remedy(owner)));
  HttpModelSetup setup{
      .name = std::string(spec),
      .model = named.model,
      .base_url = std::move(base),
      .asked = {.host = url.host,
                .model = named.model,
                .key_name = key ? owner.variable() + " or keys.toml" : "",
                .key_remedy = parts.keys.remedy(owner),
                .own_server = own_server},
      .key = std::move(key),
      .price = parts.prices.find(own_server ? named.provider : url.host, named.model),
      .dialect = anthropic ? make_anthropic_dialect() : make_openai_dialect(own_server),
  };
  return setup;
}

}  // namespace

std::span<const ProviderInfo> model_providers() {
  static const std::array<ProviderInfo, 5> providers{{
      {"anthropic/MODEL", "Anthropic's messages interface, or a server that speaks it (--base-url)", "anthropic",
       std::string(anthropic_url)},
      {"openai/MODEL", "OpenAI's chat completions, or any server that speaks them (--base-url)", "openai",
       std::string(openai_url)},
      {"command:PROGRAM", "a program or script: prompt on standard input, reply on standard output; no key", "", ""},
      {"batch:PROVIDER/MODEL",
       "either of the first two through its batch interface, with its key: answers in hours, at a discount", "", ""},
      {"batch-files:PROVIDER/MODEL", "the same as files in a folder, which you carry; no key", "", ""},
  }};
  return providers;
}

bool is_model_name(std::string_view spec) {
  for (const std::string_view start : {"anthropic/", "openai/", "command:", "batch:", "batch-files:"}) {
    if (spec.starts_with(start) || spec == start.substr(0, start.size() - 1)) return true;
  }
  return false;
}

Result<std::unique_ptr<Model>> make_model(std::string_view spec, ModelParts parts, const ModelOptions& options) {
  if (spec.starts_with("command:")) return make_command_model(spec, parts, options);
  for (const bool courier : {true, false}) {
    const std::string_view start = courier ? "batch:" : "batch-files:";
    if (!spec.starts_with(start)) continue;
    const Named named = TRY(split(spec.substr(start.size())));
    return make_batch_model(
        TRY(setup(spec, named, parts, options, courier)),
        named.provider == "anthropic" ? make_anthropic_batch_dialect() : make_openai_batch_dialect(), courier, parts,
        options);
  }
  const Named named = TRY(split(spec));
  return make_http_model(TRY(setup(spec, named, parts, options)), parts, options);
}

}  // namespace kerf
