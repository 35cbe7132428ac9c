#include "target/nvidia/triton.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kerf {
namespace {

using ::testing::Pair;
using ::testing::UnorderedElementsAre;

TEST(InstructionMix, CountsWhatTouchesMemoryByItsSpaceAndTheRestByName) {
  EXPECT_THAT(instruction_mix(".visible .entry k(\n\t.param .u64 k_param_0\n)\n{\n\t.reg .b32 %r<9>;\n$L__BB0_1:\n"
                              "\tld.param.b64 \t%rd1, [k_param_0];\n\tmov.u32 %r1, %tid.x;\n"
                              "\t@%p1 ld.global.v4.b32 { %r1, %r2, %r3, %r4 }, [ %rd1 + 0 ];\n"
                              "\t@!%p1 st.global.b32 [ %rd1 + 0 ], { %r1 };\n\tst.shared::cta.b32 [%r1], %r2;\n"
                              "\tfma.rn.f32 %r1, %r2, %r3, %r4;\n\tfma.rn.f32 %r1, %r2, %r3, %r4;\n"
                              "\tbar.sync \t0;\n\tret;\n}\n"),
              UnorderedElementsAre(Pair("ld.global", 1), Pair("st.global", 1), Pair("st.shared", 1), Pair("fma", 2),
                                   Pair("bar", 1)));
  EXPECT_TRUE(instruction_mix("").empty());
  EXPECT_TRUE(instruction_mix("@").empty());
}

}  // namespace
}  // namespace kerf
