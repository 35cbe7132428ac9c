#include "target/cpu/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

std::string rule_of(const ObjectFile& object, const std::vector<FunctionCode>& code = {},
                    std::string_view source = "") {
  const auto checked = check_object(object, code, source);
  if (checked) return "";
  for (const auto& [key, value] : checked.error().facts) {
    if (key == "rule") return value;
  }
  return "none";
}

TEST(AllowedSymbols, MemoryAndMathematicsAndNothingElse) {
  for (const char* name : {"memcpy", "memset", "expf", "exp", "erff", "erf", "fmodf", "_ZGVeN16v_expf", "__truncsfhf2"})
    EXPECT_TRUE(allowed_symbol(name)) << name;
  for (const char* name : {"malloc", "calloc", "system", "open", "dlsym", "pthread_create", "expff", "", "f",
                           "__tls_get_addr", "clock_gettime"})
    EXPECT_FALSE(allowed_symbol(name)) << name;
}
TEST(PlaceOf, FindsTheIdentifierAndItsBuiltin) {
  EXPECT_EQ(place_of("int a;\n  x = __builtin_malloc(3);", "malloc"), (Location{2, 7}));
  EXPECT_EQ(place_of("my_malloc(); malloc();", "malloc"), (Location{1, 14}));
}
TEST(PlaceOf, SkipsCommentsAndStrings) {
  EXPECT_EQ(place_of("// malloc\n/* malloc\n malloc */ \"malloc\" malloc", "malloc"), (Location{3, 21}));
  EXPECT_FALSE(place_of("/* malloc", "malloc"));
  EXPECT_FALSE(place_of("\"malloc", "malloc"));
}
TEST(CheckObject, AcceptsAnHonestObject) {
  EXPECT_EQ(rule_of({.undefined = {"memcpy", "expf"}, .indirect = {}, .writable = {}}), "");
}
TEST(CheckObject, PointsAtTheFirstForbiddenCall) {
  const auto checked = check_object({.undefined = {"zzz", "system"}, .indirect = {}, .writable = {}}, {},
                                    "void k() {\n  system(1);\n  zzz(); }");
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().at, (Location{2, 3}));
}
TEST(CheckObject, AllocationIsRefusedEvenWhereItWasOptimisedAway) {
  EXPECT_EQ(rule_of({}, {}, "void k() { __builtin_free(__builtin_malloc(3)); }"), "undefined_symbol");
}
TEST(CheckObject, MallocTurnedIntoCallocIsFoundAtMalloc) {
  EXPECT_EQ(check_object({.undefined = {"calloc"}, .indirect = {}, .writable = {}}, {}, " malloc(1)").error().at,
            (Location{1, 2}));
}
TEST(CheckObject, HasARuleForEachWayOut) {
  ObjectFile object;
  object.constructors = true;
  EXPECT_EQ(rule_of(object), "constructor");
  object = {};
  object.indirect_relocations = true;
  EXPECT_EQ(rule_of(object), "indirect_function");
  object = {};
  object.thread_local_data = true;
  EXPECT_EQ(rule_of(object), "thread_local");
  object = {};
  object.executable_stack = true;
  EXPECT_EQ(rule_of(object), "executable_stack");
  object = {};
  object.writable_code = true;
  EXPECT_EQ(rule_of(object), "writable_code");
  object = {};
  object.load_bytes = std::int64_t{1} << 33;
  EXPECT_EQ(rule_of(object), "too_large");
  FunctionCode code{.name = "k"};
  code.forbidden = {"syscall"};
  EXPECT_EQ(rule_of({}, {code}), "system_call");
}

Source two_launches(const std::string& code) {
  return *read_source({.text = "/* /// kerf\nversion = 1\n[[step]]\nlaunch = \"a\"\ngrid = [1]\nargs = []\n[[step]]\n"
                               "launch = \"b\"\ngrid = [1]\nargs = []\n/// */\n" +
                               code,
                       .language = Language::cpp,
                       .name = "candidate.cpp"});
}
TEST(CheckState, AcceptsConstants) {
  EXPECT_TRUE(check_state({.undefined = {}, .indirect = {}, .writable = {}}, two_launches("")));
}
TEST(CheckState, NamesWhatOutlivesARunAndPointsAtALaunch) {
  for (const char* symbol : {"rows_done", "_ZL9rows_done", "_ZZ1aE9rows_done", "_ZGVZ1avE9rows_done", "rows_done.0"}) {
    const auto checked = check_state({.undefined = {}, .indirect = {}, .writable = {{symbol, 8}}, .writable_bytes = 8},
                                     two_launches("static long rows_done;\n"));
    ASSERT_FALSE(checked) << symbol;
    EXPECT_EQ(checked.error().at, (Location{4, 11})) << symbol;
    EXPECT_THAT(checked.error().message, testing::HasSubstr("`rows_done` (line 12)")) << symbol;
  }
}
TEST(CheckState, MemoryWithoutANameCountsAsWell) {
  const auto checked = check_state({.undefined = {}, .indirect = {}, .writable = {}, .writable_bytes = 64},
                                   two_launches("asm(\".section .mine, \\\"aw\\\"\");\n"));
  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, testing::HasSubstr("a variable"));
}
RC_GTEST_PROP(CheckState, AnyNameIsRead, (const std::string& name)) {
  RC_ASSERT(!check_state({.undefined = {}, .indirect = {}, .writable = {{"_Z" + name, 1}}, .writable_bytes = 1},
                         two_launches("")));
}

TEST(Listing, CountsByTheWidestRegisterAndFindsSystemCalls) {
  const auto code = read_listing(
      "0000000000001020 <k>:\n    1020:\tvfmadd231ps (%rdi),%zmm1,%zmm0\n    1026:\tvaddps %ymm1,%ymm0,%ymm0\n    "
      "102a:\tmovss  (%rdi),%xmm0\n"
      "    102e:\tsyscall\n    1030:\tcall   1000 <memcpy@plt>\n    1036:\trep stos %al,%es:(%rdi)\n\n0000000000001040 "
      "<k.part.0>:\n    1040:\tret\n");
  ASSERT_THAT(code, SizeIs(2));
  EXPECT_EQ(code[0].instructions, 6);
  EXPECT_EQ(code[0].vector512, 1);
  EXPECT_EQ(code[0].vector256, 1);
  EXPECT_EQ(code[0].vector128, 1);
  EXPECT_EQ(code[0].fma, 1);
  EXPECT_EQ(code[0].calls, 1);
  EXPECT_THAT(code[0].forbidden, ElementsAre("syscall"));
  EXPECT_EQ(to_json({}, code, {"k"}).at("kernels").at("k").at("instructions"), 7);
}
TEST(Listing, ReadsNothingFromNothing) { EXPECT_THAT(read_listing(""), SizeIs(0)); }
RC_GTEST_PROP(Listing, AnyTextIsRead, (const std::string& text)) {
  (void)read_listing("0 <k>:\n 1:\t" + text + "\n" + text);
}

TEST(ReadObject, RefusesWhatIsNoObject) {
  EXPECT_FALSE(read_object(""));
  EXPECT_FALSE(
      read_object("\x7f"
                  "ELF"));
  EXPECT_FALSE(read_object(std::string(4096, 'x')));
}
RC_GTEST_PROP(ReadObject, AnyBytesBehindAHeaderAreRead, (std::vector<std::uint8_t> bytes)) {
  std::string object(
      "\x7f"
      "ELF\x02\x01\x01",
      7);
  object.resize(16);
  object += std::string("\x03\x00\x3e\x00\x01\x00\x00\x00", 8);
  object.append(bytes.begin(), bytes.end());
  object.resize(std::max<std::size_t>(object.size(), 64));
  object[54] = 56;  // e_phentsize
  object[58] = 64;  // e_shentsize
  (void)read_object(object);
}
RC_GTEST_PROP(PlaceOf, AnyTextIsSearched, (const std::string& source)) {
  (void)place_of(source, "malloc");
  (void)check_object({.undefined = {"malloc"}, .indirect = {}, .writable = {}}, {}, source);
}

}  // namespace
}  // namespace kerf
