// The jail as a machine grants it: what a program in it can and cannot do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <fstream>

#include "base/channel.h"
#include "base/jail.h"
#include "base/paths.h"

namespace kerf {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> system_paths = {"/usr/bin", "/usr/lib", "/usr/lib64",      "/bin",
                                               "/lib",     "/lib64",   "/etc/ld.so.cache"};

Finished in_jail(const std::string& script, Jail jail = {}) {
  jail.read_only.insert(jail.read_only.end(), system_paths.begin(), system_paths.end());
  const auto command =
      jailed(jail, {.argv = {"/bin/sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}, .directory = "/"});
  EXPECT_TRUE(command) << command.error().message;
  const auto finished = run(*command, std::chrono::seconds(20));
  EXPECT_TRUE(finished) << finished.error().message;
  return *finished;
}

TEST(JailTest, PassesOutputAndExitCodesOn) {
  const auto finished = in_jail("echo out; echo err >&2; exit 7");
  EXPECT_EQ(finished.output, "out\n");
  EXPECT_EQ(finished.errors, "err\n");
  EXPECT_EQ(finished.exit_code, 7);
}
TEST(JailTest, PassesSignalsOn) { EXPECT_EQ(in_jail("kill -SEGV $$").signal, SIGSEGV); }
TEST(JailTest, HostFilesAreNotThere) {
  EXPECT_NE(in_jail("cat /etc/passwd").exit_code, 0);
  EXPECT_NE(in_jail("ls /home").exit_code, 0);
  EXPECT_NE(in_jail("ls /root").exit_code, 0);
}
TEST(JailTest, OnlyNamedFoldersCanBeWritten) {
  const auto folder = TemporaryDirectory::create("kerf-jail");
  ASSERT_TRUE(folder);
  const std::string path = folder->path().string();
  EXPECT_EQ(in_jail("echo hi > " + path + "/x", {.writable = {path}}).exit_code, 0);
  EXPECT_EQ(read_file(folder->path() / "x").value_or("none"), "hi\n");
  EXPECT_NE(in_jail("echo hi > " + path + "/y").exit_code, 0);
  EXPECT_NE(in_jail("echo hi > /usr/bin/kerf-was-here").exit_code, 0);
  EXPECT_NE(in_jail("echo hi > " + path + "/z", {.read_only = {path}}).exit_code, 0);
}
TEST(JailTest, TmpIsPrivateAndBounded) {
  EXPECT_EQ(in_jail("echo hi > /tmp/a && cat /tmp/a").output, "hi\n");
  EXPECT_NE(in_jail("head -c 9000000 /dev/zero > /tmp/a", {.tmp_bytes = 1 << 20}).exit_code, 0);
}
TEST(JailTest, ProcessesOfTheHostAreInvisible) {
  const auto finished = in_jail("kill -0 1 2>&1; ls -d /proc/[0-9]* | wc -l", {.proc = true});
  EXPECT_LE(std::atoi(finished.output.c_str() + finished.output.find_first_of("0123456789")), 8) << finished.output;
}
TEST(JailTest, LimitsHold) {
  EXPECT_NE(in_jail("while :; do :; done", {.cpu_seconds = 1}).exit_code, 0);
  EXPECT_NE(in_jail("head -c 9000000 /dev/zero > /tmp/a", {.file_size = 1 << 20}).exit_code, 0);
  const auto bomb = in_jail("i=0; while [ $i -lt 200 ]; do sleep 3 & i=$((i+1)); done; echo all", {.processes = 20});
  EXPECT_THAT(bomb.output, Not(HasSubstr("all")));
}
TEST(JailTest, NoNetwork) {
  // bash's /dev/tcp needs a socket that is not AF_UNIX.
  const auto command =
      jailed(Jail{.read_only = system_paths},
             {.argv = {"/bin/bash", "-c", "echo > /dev/tcp/127.0.0.1/22"}, .environment = {}, .directory = "/"});
  ASSERT_TRUE(command);
  const auto finished = run(*command, std::chrono::seconds(10));
  ASSERT_TRUE(finished);
  EXPECT_NE(finished->exit_code, 0);
  EXPECT_THAT(finished->errors, AnyOf(HasSubstr("not permitted"), HasSubstr("denied")));
}
TEST(JailTest, DescriptorsPassThroughAndCloseWhenTheProgramEnds) {
  auto pair = Channel::pair();
  ASSERT_TRUE(pair);
  auto [ours, theirs] = *std::move(pair);
  Command command{.argv = {"/bin/sh", "-c", "printf '\\002\\000\\000\\000hi' >&5"},
                  .environment = {},
                  .directory = "/",
                  .inherit = {{5, theirs.fd()}}};
  auto inside = jailed(Jail{.read_only = system_paths}, std::move(command));
  ASSERT_TRUE(inside);
  auto process = Process::start(*inside);
  ASSERT_TRUE(process);
  {
    const Channel closed = std::move(theirs);
  }
  const auto message = ours.receive(std::chrono::seconds(5));
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->body, "hi");
  const auto gone = ours.receive(std::chrono::seconds(5));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, ErrorKind::system);
}
TEST(JailTest, WhereNamespacesAreRefusedLandlockAndSeccompRemain) {
  // A jail refuses new namespaces: a jail within it has to do without.
  const auto runner = runner_binary();
  ASSERT_TRUE(runner);
  Jail outer{.read_only = system_paths};
  outer.read_only.insert(outer.read_only.end(), {runner->string(), "/etc/passwd"});
  Jail inner{.read_only = system_paths};
  const std::string script = "cat /etc/passwd; echo $?; echo x > /tmp/x; echo $?";
  const Command within =
      jailed(*runner, inner,
             {.argv = {"/bin/sh", "-c", script}, .environment = {{"PATH", "/usr/bin:/bin"}}, .directory = "/"});
  const auto finished = run(jailed(*runner, outer, within), std::chrono::seconds(10));
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->output, "1\n0\n") << finished->errors;
  EXPECT_THAT(finished->errors, HasSubstr("Permission denied"));
}
TEST(JailTest, SaysWhichLayersHold) {
  const auto layers = isolation();
  ASSERT_TRUE(layers) << layers.error().message;
  EXPECT_GE(layers->size(), 8U);
  EXPECT_THAT(*layers, testing::Contains("seccomp"));
}
TEST(JailTest, WhatCannotBeStartedIsSaid) {
  const auto command =
      jailed(Jail{.read_only = system_paths}, {.argv = {"/no/such/program"}, .environment = {}, .directory = "/"});
  const auto finished = run(*command, std::chrono::seconds(10));
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->exit_code, jail_failed);
  EXPECT_THAT(finished->errors, HasSubstr("/no/such/program"));
}
TEST(JailTest, LinksThatACandidateLeftAreNotFollowed) {
  const auto folder = TemporaryDirectory::create("kerf-jail");
  ASSERT_TRUE(folder);
  std::filesystem::create_symlink("/etc/passwd", folder->path() / "image.so");
  EXPECT_FALSE(read_untrusted(folder->path() / "image.so", 1 << 20));
  ASSERT_TRUE(write_file(folder->path() / "big", std::string(100, 'x')));
  EXPECT_FALSE(read_untrusted(folder->path() / "big", 99));
  EXPECT_TRUE(read_untrusted(folder->path() / "big", 100));
}

}  // namespace
}  // namespace kerf
