// The jail against the real kernel: what must not be possible is tried.
#include "base/jail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/paths.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

const std::filesystem::path launcher = std::filesystem::path(KERF_BUILD) / "kerf-runner";

Jail plain() { return {.read_only = {"/usr", "/bin", "/lib", "/lib64"}}; }

Finished shell(const Jail& jail, const std::string& script) {
  const auto command = jailed(launcher, jail, {.argv = {"/bin/sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}});
  return run(command, milliseconds(10'000)).value();
}

TEST(JailTest, PassesInputOutputAndTheExitCode) {
  auto command = jailed(launcher, plain(), {.argv = {"/bin/sh", "-c", "cat; exit 7"}, .input = "through"});
  const Finished done = run(command, milliseconds(10'000)).value();
  EXPECT_EQ(done.output, "through") << done.errors;
  EXPECT_EQ(done.exit_code, 7);
}

TEST(JailTest, EndsBySignalAsItsProgramDid) { EXPECT_EQ(shell(plain(), "kill -SEGV $$").signal, SIGSEGV); }

TEST(JailTest, ShowsNothingOfTheHostButWhatIsNamed) {
  EXPECT_THAT(shell(plain(), "cat /etc/passwd").errors, HasSubstr("passwd"));
  EXPECT_EQ(shell(plain(), "cat /etc/passwd").output, "");
  EXPECT_EQ(shell(plain(), "ls /home /root /proc").output, "");
}

TEST(JailTest, IsNotRootAndHasNoCapabilities) {
  EXPECT_NE(shell(plain(), "id -u").output, "0\n");
  EXPECT_NE(shell(plain(), "mount -t tmpfs none /usr").exit_code, 0);
  EXPECT_NE(shell(plain(), "echo x > /usr/x").exit_code, 0);
}

TEST(JailTest, WritesOnlyWhereItMay) {
  const auto folder = TemporaryDirectory::create("kerf-jail").value();
  Jail jail = plain();
  jail.writable = {folder.path().string()};
  const Finished done = shell(jail, "echo hello > " + folder.path().string() + "/out; echo x > /x");
  EXPECT_EQ(read_untrusted(folder.path() / "out", 100).value(), "hello\n");
  EXPECT_THAT(done.errors, HasSubstr("/x"));
}

TEST(JailTest, ALinkThatWasLeftBehindIsNotFollowed) {
  const auto folder = TemporaryDirectory::create("kerf-jail").value();
  Jail jail = plain();
  jail.writable = {folder.path().string()};
  (void)shell(jail, "ln -s /etc/passwd " + folder.path().string() + "/out");
  EXPECT_FALSE(read_untrusted(folder.path() / "out", 100'000));
}

TEST(JailTest, HasNoNetwork) {
  const Finished done = shell(plain(), "exec 3<>/dev/tcp/127.0.0.1/22 || perl -MSocket -e 'socket(my $s, PF_INET, SOCK_STREAM, 0) or die qq(no socket)'");
  EXPECT_THAT(done.errors, HasSubstr("no socket"));
}

TEST(JailTest, SeesAndSignalsNoProcessOutside) {
  const Finished done = shell(plain(), "kill -9 " + std::to_string(::getpid()) + " || echo refused");
  EXPECT_THAT(done.output, HasSubstr("refused"));
}

TEST(JailTest, IsOverWhenItsLimitIs) {
  Jail jail = plain();
  jail.cpu_seconds = 1;
  EXPECT_NE(shell(jail, "while :; do :; done").signal, 0);
  jail = plain();
  jail.file_size = 1000;
  const auto folder = TemporaryDirectory::create("kerf-jail").value();
  jail.writable = {folder.path().string()};
  EXPECT_NE(shell(jail, "head -c 100000 /dev/zero > " + folder.path().string() + "/big").exit_code, 0);
  EXPECT_LE(std::filesystem::file_size(folder.path() / "big"), 1000U);
}

TEST(JailTest, DiesWithWhoeverStartedIt) {
  const auto command = jailed(launcher, plain(), {.argv = {"/bin/sh", "-c", "sleep 60 & sleep 60"}});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(run(command, milliseconds(300)).value().timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(5000));
}

TEST(JailTest, SaysWhatCannotBeStarted) {
  const Finished done = run(jailed(launcher, plain(), {.argv = {"/no/such"}}), milliseconds(5000)).value();
  EXPECT_EQ(done.exit_code, jail_failed);
  EXPECT_THAT(done.errors, HasSubstr("cannot start /no/such"));
}

}  // namespace
}  // namespace kerf
