// Keys and prices on disk.
#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/paths.h"
#include "synthesize/model/keys.h"
#include "synthesize/model/prices.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct KeysTest : testing::Test {
  TemporaryDirectory folder = TemporaryDirectory::create("kerf-keys").value();
  std::unique_ptr<Keys> keys = make_keys();
  const KeyOwner anthropic{.provider = "anthropic", .host = "api.anthropic.com"};
  const KeyOwner groq{.host = "api.groq.com"};
  void SetUp() override {
    ::unsetenv("ANTHROPIC_API_KEY");
    ::setenv("KERF_CONFIG", folder.path().c_str(), 1);
  }
  void TearDown() override { ::unsetenv("KERF_CONFIG"); }
  void write(const std::string& text, unsigned mode) const {
    ASSERT_TRUE(write_file(folder.path() / "keys.toml", text));
    fs::permissions(folder.path() / "keys.toml", static_cast<fs::perms>(mode));
  }
  std::string key(const KeyOwner& owner) const {
    const auto found = keys->find(owner);
    return !found ? found.error().message : *found ? std::string((*found)->reveal()) : "none";
  }
};

TEST_F(KeysTest, TheEnvironmentComesBeforeTheFile) {
  EXPECT_EQ(key(anthropic), "none");
  write("# mine\nanthropic = \"from-file\"\n\n\"api.groq.com\" = 'gsk'\n", 0600);
  EXPECT_EQ(key(anthropic), "from-file");
  EXPECT_EQ(key(groq), "gsk");
  ::setenv("ANTHROPIC_API_KEY", " from-environment\n", 1);
  EXPECT_THAT(key(anthropic), HasSubstr("from-environment"));
  ::unsetenv("ANTHROPIC_API_KEY");
}

TEST_F(KeysTest, AFileThatOthersCanReadIsRefused) {
  write("anthropic = \"secret\"\n", 0640);
  EXPECT_THAT(key(anthropic), AllOf(HasSubstr("chmod 600"), Not(HasSubstr("secret"))));
}

TEST_F(KeysTest, MistakesNameTheLineAndNotWhatStandsOnIt) {
  write("anthropic = \"sec ret\"\n", 0600);
  EXPECT_THAT(key(anthropic), AllOf(HasSubstr("keys.toml:1"), Not(HasSubstr("sec"))));
  write("\nsk-secret\n", 0600);
  EXPECT_THAT(key(anthropic), AllOf(HasSubstr("keys.toml:2"), Not(HasSubstr("sk-secret"))));
}

TEST_F(KeysTest, TheShippedPricesAreReadAndTheUsersLieOverThem) {
  EXPECT_TRUE(load_prices().value().find("anthropic", "claude-opus-4-5-20251101"));
  ASSERT_TRUE(write_file(folder.path() / "prices.toml", "[anthropic]\nclaude-opus-4-5 = { input = 99, output = 1 }\n"));
  EXPECT_EQ(load_prices().value().find("anthropic", "claude-opus-4-5")->input, 99);
  ASSERT_TRUE(write_file(folder.path() / "prices.toml", "[anthropic]\nclaude-opus-4-5 = { input = 99 }\n"));
  EXPECT_THAT(load_prices().error().message, HasSubstr("prices.toml"));
}

}  // namespace
}  // namespace kerf
