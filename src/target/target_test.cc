#include "target/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "target/cpu/cpp.h"
#include "target/toolchain.h"

namespace kerf {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(TargetTest, ReadsADescriptor) {
  const auto target = parse_target("name = 'cpu'\ndescription = 'd'\nlanguages = ['cpp']\nvector_bytes = 64\n", "cpu");
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_THAT(target->languages, ElementsAre("cpp"));
  EXPECT_EQ(target->vector_bytes, 64);
}
TEST(TargetTest, SaysWhichKeyIsWrong) {
  EXPECT_THAT(parse_target("languages = ['cpp']\nspeed = 3", "cpu").error().message, HasSubstr("speed"));
  EXPECT_THAT(parse_target("languages = 'cpp'", "cpu").error().message, HasSubstr("languages"));
  EXPECT_THAT(parse_target("vector_bytes = -1", "cpu").error().message, HasSubstr("vector_bytes"));
  EXPECT_THAT(parse_target("name = 'gpu'\nlanguages = ['cpp']", "cpu").error().message, HasSubstr("name"));
  EXPECT_THAT(parse_target("a = = b", "cpu").error().message, HasSubstr("line 1"));
  EXPECT_THAT(parse_target("", "cpu").error().message, HasSubstr("languages is missing"));
}
TEST(TargetTest, ANameIsNoPath) { EXPECT_EQ(load_target("../cpu").error().kind, ErrorKind::user); }

TEST(MachineTest, ReadsModelClockAndWhatKernelsCareAbout) {
  MachineFacts machine;
  read_cpuinfo(
      "model name\t: A CPU\ncpu MHz\t\t: 2596.1\nflags\t\t: fpu avx2 fma avx512f nonsense\nprocessor: 1\nmodel name: "
      "other\n",
      machine);
  EXPECT_EQ(machine.model, "A CPU");
  EXPECT_DOUBLE_EQ(machine.mhz, 2596.1);
  EXPECT_THAT(machine.isa, ElementsAre("avx2", "fma", "avx512f"));
}
TEST(MachineTest, ReadsSizes) {
  EXPECT_EQ(read_size("48K\n"), 49152);
  EXPECT_EQ(read_size("32M"), 33554432);
  EXPECT_EQ(read_size("7"), 7);
  for (const char* wrong : {"", "K", "-3K", "48KB", "x"}) EXPECT_EQ(read_size(wrong), 0) << wrong;
}
TEST(MachineTest, IdentityTellsMachinesApart) {
  MachineFacts a{.architecture = "x86_64", .model = "m", .cores = 2, .caches = {}, .isa = {}}, b = a;
  EXPECT_EQ(machine_identity(a), machine_identity(b));
  b.mhz = 3000;  // varies from moment to moment
  EXPECT_EQ(machine_identity(a), machine_identity(b));
  b.cores = 4;
  EXPECT_NE(machine_identity(a), machine_identity(b));
  b = a;
  b.caches.push_back({.level = 1, .kind = "data", .bytes = 32768});
  EXPECT_NE(machine_identity(a), machine_identity(b));
}

TEST(ToolchainTest, ReadsVersionsOfBothFamilies) {
  const auto gnu = parse_version(
      "g++ (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022 Free Software Foundation, Inc.\n", "/usr/bin/g++");
  ASSERT_TRUE(gnu) << gnu.error().message;
  EXPECT_EQ(gnu->version, "g++ 12.2.0");
  EXPECT_EQ(gnu->major, 12);
  const auto clang = parse_version("Debian clang version 19.1.7 (3~deb12u1)\nTarget: x86_64\n", "/usr/bin/clang++");
  ASSERT_TRUE(clang) << clang.error().message;
  EXPECT_EQ(clang->version, "clang++ 19.1.7");
  EXPECT_EQ(clang->family, Compiler::Family::clang);
}
TEST(ToolchainTest, RefusesWhatIsNoCompiler) {
  EXPECT_EQ(parse_version("echo (GNU coreutils) 9.1\n", "/bin/echo").error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(parse_version("", "x"));
  EXPECT_FALSE(parse_version("clang version unknown", "x"));
}

TEST(CppTest, FlagsNeverRelaxArithmetic) {
  for (const auto family : {Compiler::Family::gnu, Compiler::Family::clang}) {
    EXPECT_THAT(cpp_flags(family), Not(Contains("-ffast-math")));
    EXPECT_THAT(cpp_flags(family), Contains("-fno-exceptions"));
  }
}
TEST(CppTest, TheCandidateStartsAtItsOwnFirstLine) {
  Source source;
  source.candidate.text = "first N\nsecond";
  const std::string text = cpp_text("P\n", source, {{"N", Value{std::int64_t{4}}}});
  EXPECT_THAT(text, HasSubstr("#line 1 \"candidate\"\nfirst N\nsecond\n"));
  EXPECT_LT(text.find('P'), text.find("N = 4"));
  EXPECT_LT(text.find("N = 4"), text.find("first"));
}
TEST(CppTest, PointsThatTheCodeCannotTellApartAreOneText) {
  Source source;
  source.candidate.text =
      "/* /// kerf\n[tune]\nTASKS = [1, 2]\nUNROLL = [1, 2]\n/// */ int f() { return UNROLL; } // TASKS\n";
  const auto text = [&source](std::int64_t tasks, std::int64_t unroll) {
    return cpp_text("", source, {{"TASKS", Value{tasks}}, {"UNROLL", Value{unroll}}});
  };
  EXPECT_EQ(text(1, 2), text(2, 2));
  EXPECT_NE(text(1, 1), text(1, 2));
  EXPECT_THAT(text(1, 2), Not(HasSubstr("TASKS = 1L")));
  source.candidate.text += "#define ROLL(x) UN##x\n";
  EXPECT_NE(text(1, 2), text(2, 2)) << "names that only the preprocessor puts together";
}

}  // namespace
}  // namespace kerf
