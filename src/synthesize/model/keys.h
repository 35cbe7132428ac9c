// Where keys come from. A key belongs to the host that it is for and is sent nowhere else.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace kerf {

// Who is to be asked, as the keys file and the environment name it.
struct KeyOwner {
  std::string provider;  // "anthropic", "openai"; empty for another server
  std::string host;      // with its port if the URL names one
  // ANTHROPIC_API_KEY, OPENAI_API_KEY; KERF_KEY_API_GROQ_COM for api.groq.com.
  [[nodiscard]] std::string variable() const;
  [[nodiscard]] std::string name() const;  // in the keys file: the provider, or the host
};

struct Keys {
  Keys() = default;
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;
  virtual ~Keys() = default;
  // nullopt: there is none. An error: there is a file that must not be used as it is.
  [[nodiscard]] virtual Result<std::optional<Secret>> find(const KeyOwner& owner) const = 0;
  // What to do about a key that is missing: "set ANTHROPIC_API_KEY, or write … to …".
  [[nodiscard]] virtual std::string remedy(const KeyOwner& owner) const = 0;
};

// The environment, then `keys.toml` in the configuration directory: name = "key", one a line, mode 600.
[[nodiscard]] std::unique_ptr<Keys> make_keys();

struct FakeKeys final : Keys {
  std::map<std::string, std::string> keys;  // by KeyOwner::name
  [[nodiscard]] Result<std::optional<Secret>> find(const KeyOwner& owner) const override {
    const auto found = keys.find(owner.name());
    return found == keys.end() ? std::nullopt : std::optional<Secret>(found->second);
  }
  [[nodiscard]] std::string remedy(const KeyOwner& owner) const override { return "set " + owner.variable(); }
};

}  // namespace kerf
