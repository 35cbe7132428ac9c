#include "base/jail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(JailSpec, TravelsAsText) {
  const Jail jail{.read_only = {"/usr"}, .writable = {"/tmp/x y"}, .tmp_bytes = 5, .proc = true, .cpu_seconds = 3, .processes = 9};
  const Jail back = jail_from_json(to_json(jail)).value();
  EXPECT_EQ(back.writable, jail.writable);
  EXPECT_EQ(back.tmp_bytes, 5U);
  EXPECT_EQ(back.processes, 9);
  EXPECT_TRUE(back.proc);
}

TEST(JailSpec, RefusesWhatIsNoSpec) {
  EXPECT_FALSE(jail_from_json("nonsense"));
  EXPECT_FALSE(jail_from_json(R"({"read_only": 3})"));
}

TEST(Jailed, PutsTheLauncherBeforeTheProgram) {
  const Command command = jailed("/x/kerf-runner", {}, {.argv = {"/bin/true", "a"}, .input = "in"});
  EXPECT_EQ(command.argv.front(), "/x/kerf-runner");
  EXPECT_THAT(command.argv, testing::IsSupersetOf({"--jail", "--", "/bin/true", "a"}));
  EXPECT_EQ(command.input, "in");
}

}  // namespace
}  // namespace kerf
