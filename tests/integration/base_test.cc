// Processes, channels and shared memory against the real kernel.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "base/channel.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/shared_memory.h"

namespace kerf {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(Process, GivesInputAndTakesBothOutputs) {
  const auto done =
      run({.argv = {"/bin/sh", "-c", "cat; echo oops >&2; exit 3"}, .input = "hello"}, milliseconds(5000)).value();
  EXPECT_EQ(done.output, "hello");
  EXPECT_EQ(done.errors, "oops\n");
  EXPECT_EQ(done.exit_code, 3);
  EXPECT_EQ(done.describe(), "exit 3");
}

TEST(Process, KillsTheWholeGroupAtTheLimit) {
  const auto done = run({.argv = {"/bin/sh", "-c", "sleep 60 & sleep 60"}}, milliseconds(100)).value();
  EXPECT_TRUE(done.timed_out);
}

TEST(Process, CutsOutputThatNeverEnds) {
  const auto done = run({.argv = {"/bin/sh", "-c", "yes | head -c 3000000"}}, milliseconds(10'000), 1000).value();
  EXPECT_EQ(done.output.size(), 1000U);
  EXPECT_TRUE(done.output_cut);
  EXPECT_EQ(done.exit_code, 0);
}

TEST(Process, SurvivesAChildThatDoesNotReadItsInput) {
  const auto done = run({.argv = {"/bin/true"}, .input = std::string(1 << 22, 'x')}, milliseconds(5000)).value();
  EXPECT_TRUE(done.ok());
}

TEST(Process, NamesWhatCannotBeStarted) {
  const auto missing = run({.argv = {"no-such-program-anywhere"}}, milliseconds(100));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::unavailable);
  const auto refused = run({.argv = {"/etc/passwd"}}, milliseconds(100));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("Permission denied"));
}

TEST(Process, ChildrenSeeOnlyTheEnvironmentTheyAreGiven) {
  ::setenv("SOME_API_KEY", "secret", 1);
  ::setenv("OMP_WAIT_POLICY", "passive", 1);
  const auto done = run({.argv = {"/usr/bin/env"}, .environment = clean_environment()}, milliseconds(5000)).value();
  EXPECT_THAT(done.output, testing::Not(HasSubstr("secret")));
  EXPECT_THAT(done.output, HasSubstr("OMP_WAIT_POLICY=passive\n"))
      << "how threads wait is up to whoever owns the machine";
  EXPECT_THAT(done.output, HasSubstr("PATH="));
}

TEST(Process, ChildrenInheritOnlyTheDescriptorsTheyAreGiven) {
  Fd leaky(::dup(1));  // without close-on-exec
  const auto done =
      run({.argv = {"/bin/ls", "/proc/self/fd"}, .inherit = {{7, leaky.get()}}}, milliseconds(5000)).value();
  EXPECT_EQ(done.output, "0\n1\n2\n3\n7\n");  // 3 is ls reading the folder
}

TEST(Process, ALongLivedChildIsKilledWithItsOwner) {
  int pid = 0;
  {
    Process child = Process::start({.argv = {"/bin/sleep", "60"}}).value();
    pid = child.pid();
    EXPECT_TRUE(child.running());
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Channel, CarriesLargeMessagesAndDescriptors) {
  auto [a, b] = Channel::pair().value();
  const auto memory = SharedMemory::create("test", 4096).value();
  const std::string body(std::size_t{5} << 20, 'q');
  std::jthread sender([&, &from = a] { ASSERT_TRUE(from.send(body, std::array{memory.fd().get()})); });
  const ChannelMessage message = b.receive(milliseconds(5000)).value();
  EXPECT_EQ(message.body, body);
  ASSERT_EQ(message.fds.size(), 1U);
}

TEST(Channel, SaysWhenNothingComesAndWhenThePeerIsGone) {
  auto [a, b] = Channel::pair().value();
  EXPECT_EQ(a.receive(milliseconds(10)).error().kind, ErrorKind::cancelled);
  b = Channel();
  EXPECT_EQ(a.receive(milliseconds(1000)).error().kind, ErrorKind::system);
  EXPECT_EQ(a.send("x").error().kind, ErrorKind::system);
}

TEST(Channel, RefusesAFrameOfImpossibleSize) {
  auto [a, b] = Channel::pair().value();
  ASSERT_EQ(::write(a.fd(), "\xff\xff\xff\xff", 4), 4);
  EXPECT_THAT(b.receive(milliseconds(1000)).error().message, HasSubstr("impossible size"));
}

TEST(SharedMemory, AReadOnlyDescriptorCannotBeMappedWritable) {
  auto memory = SharedMemory::create("test", 8192).value();
  std::memcpy(memory.bytes().data(), "kerf", 4);
  Fd fd = memory.read_only().value();
  EXPECT_EQ(::mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0), MAP_FAILED);
  const auto view = SharedMemory::map(std::move(fd), false).value();
  EXPECT_EQ(std::memcmp(view.bytes().data(), "kerf", 4), 0);
}

TEST(Files, AWriteThatFailsLeavesTheOldFile) {
  const auto folder = TemporaryDirectory::create("kerf-test").value();
  const auto file = folder.path() / "a.txt";
  ASSERT_TRUE(write_file(file, "old"));
  EXPECT_FALSE(write_file(folder.path() / "no" / "a.txt", "new"));
  EXPECT_EQ(read_file(file).value(), "old");
  ASSERT_TRUE(write_file(file, "new"));
  EXPECT_EQ(read_file(file).value(), "new");
  EXPECT_THAT(read_file(folder.path()).error().message, HasSubstr("is a folder"));
}

TEST(Files, TemporaryFoldersGoWithTheirOwner) {
  std::filesystem::path path;
  {
    const auto folder = TemporaryDirectory::create("kerf-test").value();
    path = folder.path();
    ASSERT_TRUE(write_file(path / "x", "y"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

// As of /proc/PID/environ, whose process may end while it is read.
TEST(Files, ReadingThatFailsIsAnError) {
  const auto read = read_file("/proc/self/mem");
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("/proc/self/mem to its end"));
}

}  // namespace
}  // namespace kerf
