#include "target/nvidia/emulated_source.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace kerf {
namespace {

using ::testing::HasSubstr;

TEST(EmulatedSource, TurnsDynamicSharedMemoryIntoAPointerOnTheSameLine) {
  const auto text =
      emulated_source("__global__ void k() {\n  extern __shared__ __align__(16) float memory[];\n  f();\n}\n");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "__global__ void k() {\n  float* const memory = (float*)kerf_block()->shared;\n  f();\n}\n");
}

TEST(EmulatedSource, LeavesStaticSharedMemoryCommentsAndStringsAlone) {
  const std::string source =
      "// extern __shared__ float a[]; asm(\"x\");\n__global__ void k() { __shared__ float tile[32]; }\n";
  EXPECT_EQ(emulated_source(source).value_or(""), source);
}

TEST(EmulatedSource, KnowsAsynchronousCopies) {
  const auto text = emulated_source(
      "__device__ void f() {\n  asm volatile(\"cp.async.cg.shared.global [%0], [%1], 16, %2;\" ::\"r\"(to),\n"
      "    \"l\"(from), \"r\"(in ? 16 : 0) : \"memory\");\n"
      "  asm volatile(\"cp.async.wait_group %0;\" ::\"n\"(N - 2) : \"memory\");\n}\n");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(
      *text,
      HasSubstr("kerf_cp_async((unsigned)(to), (const void*)(from), (unsigned)(16), (unsigned)((in ? 16 : 0)))"));
  EXPECT_THAT(*text, HasSubstr("kerf_cp_async_wait((unsigned)((N - 2)))"));
  EXPECT_EQ(std::ranges::count(*text, '\n'), 5);
}

TEST(EmulatedSource, WhatFollowsAnOperandOfSeveralLinesKeepsItsOwn) {
  const auto text = emulated_source(
      "__device__ void f() {\n  asm volatile(\"red.release.gpu.global.add.s32 [%0], %1;\" ::\"l\"(\n"
      "      p),  // where\n      \"r\"(1  // how many\n      ) : \"memory\");\n  after();\n}\n");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("atomicAdd((unsigned*)("));
  EXPECT_EQ(std::ranges::count(text->substr(0, text->find("after")), '\n'), 5);
  EXPECT_THAT(*text, Not(HasSubstr("//")));
}

TEST(EmulatedSource, WhatFollowsADeclarationOfSeveralLinesOutsideOfFunctionsKeepsItsOwn) {
  const auto text = emulated_source("extern __shared__\n  float memory[];\nvoid f();\n");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("#line 1\n\n\nvoid f();\n"));  // on the third line
}

TEST(EmulatedSource, LetsOthersRunWhereALoopOnlyWaits) {
  EXPECT_EQ(emulated_source("void f() {\n  while (*flag < (n + 1)) ;\n  while (g()) { }\n}\n").value_or(""),
            "void f() {\n  while ((*flag < (n + 1)) && kerf_waits()) ;\n  while ((g()) && kerf_waits()) { }\n}\n");
  for (const char* source : {"void f() { while (a) b(); }", "void f() { do { b(); } while (a); }", "int whiles(int);"})
    EXPECT_EQ(emulated_source(source).value_or(""), source);
}

TEST(EmulatedSource, KnowsLoadsAndStoresThatOrderOthers) {
  const auto text = emulated_source(
      "__device__ void f() {\n  asm volatile(\"ld.acquire.gpu.global.s32 %0, [%1];\" : \"=r\"(seen) : \"l\"(p));\n"
      "  asm volatile(\"red.release.gpu.global.add.s32 [%0], %1;\" ::\"l\"(p), \"r\"(1) : \"memory\");\n}\n");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("kerf_ld((seen), (const void*)(p))"));
  EXPECT_THAT(*text, HasSubstr("atomicAdd((unsigned*)(p), (unsigned)(1))"));
}

TEST(EmulatedSource, KnowsBulkCopiesAndTheirBarriers) {
  const auto of = [](const std::string& code, const std::string& operands) {
    return emulated_source("void f() { asm volatile(\"" + code + "\" " + operands + "); }\n").value_or("");
  };
  EXPECT_THAT(of("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;", "::\"r\"(at), \"r\"(n)"),
              HasSubstr("(kerf_mbarrier_expect((unsigned)((at)), (unsigned)((n))), kerf_mbarrier_arrive("));
  const std::string passed = "kerf_mbarrier_passed((unsigned)((at)), (unsigned)((k)))";
  EXPECT_THAT(of("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }",
                 ": \"=r\"(ok) : \"r\"(at), \"r\"(k)"),
              HasSubstr("((ok) = " + passed + ");"));
  EXPECT_THAT(of("{ .reg .pred P1; L: mbarrier.try_wait.parity.shared::cta.b64 P1, [%0], %1; @P1 bra D; bra L; D: }",
                 "::\"r\"(at), \"r\"(k)"),
              HasSubstr("while (!" + passed + ") {};"));
  EXPECT_EQ(of("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%0], %1; add.u32 %1, %1, 1; }",
               "::\"r\"(at), \"r\"(k)"),
            "");
}

TEST(EmulatedSource, NamesPtxThatItDoesNotKnow) {
  const auto text = emulated_source("__device__ void f() {\n  asm(\"wgmma.fence.sync.aligned;\");\n}\n");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(text.error().at, (Location{2, 3}));
  EXPECT_THAT(text.error().message, HasSubstr("wgmma.fence.sync.aligned"));
}

TEST(EmulatedSource, KeepsTheLinesOfATypeInSeveral) {
  const auto text = emulated_source("__device__ void f() {\n  extern __shared__ unsigned\n  char s[];\n}\n");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("unsigned char* const s = (unsigned char*)kerf_block()->shared"));
  EXPECT_EQ(std::ranges::count(*text, '\n'), 4);
}

RC_GTEST_PROP(EmulatedSource, KeepsLines, ()) {
  const auto piece =
      rc::gen::element<std::string>("extern __shared__ float s[];", "asm(\"cp.async.wait_all;\");", "{", "}", "\n", "(",
                                    ")", "\"", "/*", "*/", "//", " x ", "__shared__ int t;", "asm", "extern", ";");
  std::string source;
  for (const std::string& each : *rc::gen::container<std::vector<std::string>>(piece)) source += each;
  const auto text = emulated_source(source);
  if (!text || text->find("#define") != std::string::npos) return;  // outside of functions a directive tells the line
  RC_ASSERT(std::ranges::count(*text, '\n') == std::ranges::count(source, '\n'));
}

}  // namespace
}  // namespace kerf
