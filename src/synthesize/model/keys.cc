#include "synthesize/model/keys.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/paths.h"
#include "base/text.h"

namespace kerf {

namespace {

namespace fs = std::filesystem;

// A quoted or bare word; nullopt if it is neither.
std::optional<std::string_view> word(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'')) {
    if (text.back() != text.front()) return std::nullopt;
    text = text.substr(1, text.size() - 2);
  }
  if (text.empty() || text.find_first_of("\"'\\ \t") != text.npos) return std::nullopt;
  return text;
}

class SystemKeys final : public Keys {
 public:
  Result<std::optional<Secret>> find(const KeyOwner& owner) const override {
    if (const char* value = std::getenv(owner.variable().c_str()); value != nullptr) {
      if (const std::string_view key = trimmed(value); !key.empty()) return usable(owner.variable(), key);
    }
    const auto folder = config_directory();
    if (!folder) return std::optional<Secret>{};  // no home, no file
    const fs::path file = *folder / "keys.toml";
    struct stat status{};
    if (::stat(file.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::optional<Secret>{};
      return system_error("cannot look at " + file.string(), errno);
    }
    if ((status.st_mode & 077U) != 0)
      return user_error(
          fmt::format("{0} can be read by others, so that its keys are not used: chmod 600 {0}", file.string()));
    if (status.st_uid != ::geteuid() && ::geteuid() != 0)
      return user_error(fmt::format("{} belongs to somebody else, so that its keys are not used", file.string()));
    const std::string text = TRY(read_file(file));
    return find_key(text, file.string(), owner.name());
  }

  std::string remedy(const KeyOwner& owner) const override {
    const auto folder = config_directory();
    return fmt::format("set {}, or write {} = \"…\" to {} (chmod 600)", owner.variable(),
                       owner.provider.empty() ? '"' + owner.host + '"' : owner.provider,
                       (folder ? *folder / "keys.toml" : fs::path("keys.toml")).string());
  }

 private:
  static Result<std::optional<Secret>> usable(const std::string& where, std::string_view key) {
    for (const char c : key) {
      if (c <= ' ' || c > '~')
        return user_error(fmt::format("the key from {} holds a character that no key has", where));
    }
    return Secret(std::string(key));
  }

  // Messages name a line, never what stands on it.
  static Result<std::optional<Secret>> find_key(std::string_view text, const std::string& file,
                                                const std::string& name) {
    int number = 0;
    while (!text.empty()) {
      ++number;
      const std::size_t end = text.find('\n');
      const std::string_view line = trimmed(text.substr(0, end));
      text = end == text.npos ? std::string_view{} : text.substr(end + 1);
      if (line.empty() || line.front() == '#') continue;
      const std::size_t equals = line.find('=');
      const auto key = word(trimmed(line.substr(0, equals)));
      const auto value = equals == line.npos ? std::nullopt : word(trimmed(line.substr(equals + 1)));
      if (!key || !value) return user_error(fmt::format("{}:{}: expected NAME = \"KEY\"", file, number));
      if (*key == name) return usable(file, *value);
    }
    return std::optional<Secret>{};
  }
};

}  // namespace

std::string KeyOwner::variable() const {
  std::string name = provider.empty() ? "KERF_KEY_" + host : provider + "_API_KEY";
  for (char& c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
    else if (!digit && (c < 'A' || c > 'Z'))
      c = '_';
  }
  return name;
}

std::string KeyOwner::name() const { return provider.empty() ? host : provider; }

std::unique_ptr<Keys> make_keys() { return std::make_unique<SystemKeys>(); }

}  // namespace kerf
