#include "target/cpu/hot_loop.h"

#include <gmock/gmock.h>

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A remainder loop on single numbers, the loop that matters within an outer one, and another function.
constexpr const char* listing = R"(
image.so:     file format elf64-x86-64

Disassembly of section .text:

0000000000001000 <other>:
    1000:	vaddps %zmm0,%zmm1,%zmm1
    1004:	jmp    1000 <other>

0000000000001100 <dot>:
    1100:	xor    %eax,%eax
    1102:	vmovups (%rdi,%rax,1),%ymm0
    1107:	nopw   0x0(%rax,%rax,1)
    1110:	vfmadd231ps (%rsi,%rax,1),%ymm0,%ymm1        # 2000 <table>
    1116:	add    $0x20,%rax
    111a:	cmp    %rdx,%rax
    111d:	jne    1102 <dot+0x2>
    1120:	sub    $0x1,%rcx
    1124:	jne    1100 <dot>
    1130:	vaddss (%rdi,%rax,1),%xmm1,%xmm1
    1135:	call   1050 <expf@plt>
    113a:	jne    1130 <dot+0x30>
    1140:	ret
)";

TEST(HotLoopTest, TheWidestInnermostLoopOfTheKernelIsFound) {
  const auto loop = find_hot_loop(listing, "dot");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->function, "dot");
  EXPECT_THAT(loop->instructions, ElementsAre("vmovups (%rdi,%rax,1),%ymm0", "vfmadd231ps (%rsi,%rax,1),%ymm0,%ymm1",
                                              "add    $0x20,%rax", "cmp    %rdx,%rax", "jne .Lround"));
  EXPECT_EQ(loop->vector, 2);
  EXPECT_EQ(loop->vector_bits, 256);
  EXPECT_EQ(loop->scalar, 0);
  EXPECT_EQ(loop->calls, 0);
}

TEST(HotLoopTest, WithoutALoopOfItsOwnItIsThatOfAnotherFunction) {
  const auto loop = find_hot_loop(listing, "inlined_into_other");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->function, "other");
  EXPECT_FALSE(find_hot_loop("", "dot"));
  EXPECT_FALSE(find_hot_loop("0000000000001100 <dot>:\n    1100:\tret\n", "dot"));
}

TEST(HotLoopTest, ALoopThatSetsMemoryIsNotTheOneThatComputes) {
  const auto loop = find_hot_loop(R"(
0000000000001100 <squares>:
    1100:	vmovups %zmm0,(%rdi,%rax,1)
    1107:	add    $0x40,%rax
    110b:	cmp    %rdx,%rax
    110e:	jne    1100 <squares>
    1110:	vmovss (%rsi,%rax,1),%xmm1
    1115:	vfmadd231ss %xmm1,%xmm1,%xmm0
    111a:	add    $0x4,%rax
    111e:	cmp    %rdx,%rax
    1121:	jne    1110 <squares+0x10>
    1123:	ret
)",
                                  "squares");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->scalar, 2);
  EXPECT_EQ(loop->vector, 0);
  EXPECT_EQ(loop->arithmetic_bits, 32);
}

TEST(HotLoopTest, AJumpBackFromBehindTheEndIsNoLoop) {
  const auto loop = find_hot_loop(R"(
0000000000001100 <squares>:
    1100:	vmovss (%rsi,%rax,1),%xmm1
    1105:	vfmadd231ss %xmm1,%xmm1,%xmm0
    110a:	add    $0x4,%rax
    110e:	jne    1100 <squares>
    1110:	vmulps %zmm1,%zmm1,%zmm1
    1114:	vaddps %zmm1,%zmm0,%zmm0
    1118:	ret
    1120:	vxorps %xmm0,%xmm0,%xmm0
    1124:	jmp    1110 <squares+0x10>
)",
                                  "squares");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->instructions.size(), 4U);
  EXPECT_EQ(loop->vector, 0);
}

TEST(HotLoopTest, AProcessorWithTilesIsModelledAsWhatHasThem) {
  MachineFacts machine{.architecture = "x86_64", .model = "Intel(R) Xeon(R) Processor"};
  EXPECT_EQ(model_of(machine), "native");
  machine.isa = {"avx512f", "amx_tile"};
  EXPECT_EQ(model_of(machine), "sapphirerapids");
}

TEST(HotLoopTest, CallsAndScalarsAreCounted) {
  const auto loop = find_hot_loop(
      "0000000000001100 <f>:\n    1130:\tvaddss (%rdi,%rax,1),%xmm1,%xmm1\n    1135:\tcall   1050 <expf@plt>\n"
      "    113a:\tjne    1130 <f+0x30>\n",
      "f");
  ASSERT_TRUE(loop);
  EXPECT_EQ(loop->calls, 1);
  EXPECT_EQ(loop->scalar, 1);
  EXPECT_EQ(loop->vector, 0);
}

// As llvm-mca 19 prints it for a sum of products with one accumulator, shortened.
constexpr const char* answer = R"(warning: something
{"CodeRegions": [{
  "InstructionInfoView": {"InstructionList": [
    {"Instruction": 0, "Latency": 8, "mayLoad": true, "mayStore": false},
    {"Instruction": 1, "Latency": 11, "mayLoad": true, "mayStore": false},
    {"Instruction": 2, "Latency": 1, "mayLoad": false, "mayStore": false}]},
  "Instructions": ["vmovups\t(%rdi,%rax), %zmm0", "vfmadd231ps\t(%rsi,%rax), %zmm0, %zmm1", "addq\t$64, %rax"],
  "ResourcePressureView": {"ResourcePressureInfo": [
    {"InstructionIndex": 0, "ResourceIndex": 1, "ResourceUsage": 0.5},
    {"InstructionIndex": 1, "ResourceIndex": 0, "ResourceUsage": 1},
    {"InstructionIndex": 2, "ResourceIndex": 0, "ResourceUsage": 0.25},
    {"InstructionIndex": 3, "ResourceIndex": 0, "ResourceUsage": 1.25},
    {"InstructionIndex": 3, "ResourceIndex": 1, "ResourceUsage": 0.5}]},
  "SummaryView": {"BlockRThroughput": 1.25, "Instructions": 600, "Iterations": 200, "TotalCycles": 800}}],
 "TargetInfo": {"CPUName": "znver4", "Resources": ["Zn4FP0", "Zn4Load"]}})";

TEST(McaTest, SaysWhatARoundTakesAndWhatFillsThePort) {
  const auto model = read_mca(answer);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_DOUBLE_EQ(model->cycles, 4);
  EXPECT_DOUBLE_EQ(model->port_cycles, 1.25);
  EXPECT_DOUBLE_EQ(model->instructions, 3);
  EXPECT_EQ(model->port, "Zn4FP0");
  EXPECT_DOUBLE_EQ(model->port_use, 1.25 / 4);
  EXPECT_EQ(model->port_work, LoopWork::arithmetic);
  EXPECT_TRUE(model->waits());
}

// In znver4's tables vector loads go through a port that is called a floating-point one.
TEST(McaTest, APortThatPlainLoadsTakeAndNothingWithoutALoadIsOneForLoads) {
  std::string text = answer;
  const auto replace = [&](const std::string& what, const std::string& by) {
    text.replace(text.find(what), what.size(), by);
  };
  replace("\"Zn4Load\"", "\"Zn4FP45\"");
  replace("{\"InstructionIndex\": 2, \"ResourceIndex\": 0,",
          "{\"InstructionIndex\": 1, \"ResourceIndex\": 1, \"ResourceUsage\": 0.75},\n"
          "    {\"InstructionIndex\": 2, \"ResourceIndex\": 0,");
  replace("{\"InstructionIndex\": 3, \"ResourceIndex\": 1, \"ResourceUsage\": 0.5}",
          "{\"InstructionIndex\": 3, \"ResourceIndex\": 1, \"ResourceUsage\": 1.5}");
  const auto model = read_mca(text);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->port, "Zn4FP45");
  EXPECT_EQ(model->port_work, LoopWork::loads) << "most of it is of the multiplication's load";
}

TEST(McaTest, AnythingElseIsUnavailable) {
  for (const char* text :
       {"", "no JSON", "{}", "{\"CodeRegions\": [3]}", "{\"CodeRegions\": [{\"SummaryView\": {}}]}"}) {
    const auto model = read_mca(text);
    ASSERT_FALSE(model) << text;
    EXPECT_EQ(model.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(model.error().message, HasSubstr("llvm-mca"));
  }
}

}  // namespace
}  // namespace kerf
