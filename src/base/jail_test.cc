#include "base/jail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(JailSpec, SurvivesTheCommandLine) {
  const Jail jail{.read_only = {"/usr/lib", "/a \"b\"\n"},
                  .writable = {"/tmp/x"},
                  .tmp_bytes = 5,
                  .proc = true,
                  .address_space = std::size_t{3} << 32,
                  .file_size = 7,
                  .cpu_seconds = 8,
                  .processes = 9};
  const auto back = jail_from_json(to_json(jail));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->read_only, jail.read_only);
  EXPECT_EQ(back->writable, jail.writable);
  EXPECT_EQ(back->address_space, jail.address_space);
  EXPECT_EQ(to_json(*back), to_json(jail));
}
TEST(JailSpec, RefusesPathsThatAreNotAbsolute) {
  EXPECT_THAT(jail_from_json(to_json({.read_only = {"usr"}})).error().message, HasSubstr("usr"));
  EXPECT_FALSE(jail_from_json(to_json({.writable = {"/tmp/../etc"}})));
  EXPECT_FALSE(jail_from_json(to_json({.writable = {"/tmp/.."}})));
}
TEST(JailSpec, RefusesWhatIsNoDescription) {
  for (const char* text : {"", "{}", "[]", "3", "{\"read_only\": 3}"}) EXPECT_FALSE(jail_from_json(text)) << text;
}
TEST(JailCommand, PutsTheLauncherInFront) {
  const Command command = jailed(
      "/x/kerf-runner", Jail{},
      {.argv = {"/bin/true", "a"}, .environment = {{"A", "b"}}, .directory = "/d", .inherit = {{5, 6}}, .input = "in"});
  EXPECT_EQ(command.input, "in");
  EXPECT_THAT(command.argv, ElementsAre("/x/kerf-runner", "--jail", to_json(Jail{}), "--", "/bin/true", "a"));
  EXPECT_EQ(command.environment.at("A"), "b");
  EXPECT_EQ(command.environment.at("TMPDIR"), "/tmp");
  EXPECT_EQ(command.directory, "/d");
  EXPECT_EQ(command.inherit.at(5), 6);
}

}  // namespace
}  // namespace kerf
