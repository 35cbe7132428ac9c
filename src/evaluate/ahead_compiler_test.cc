// What the rest may rely on where nothing can be compiled ahead. That what was compiled is found is shown by
// oracle/tests/test_ahead.py.
#include "evaluate/ahead_compiler.h"

#include <gtest/gtest.h>

namespace kerf {
namespace {

TEST(AheadCompiler, LeavesMostOfTheCores) {
  EXPECT_GE(compilers_ahead(), 1);
  EXPECT_LE(compilers_ahead(), 8);
  EXPECT_EQ(compilers_ahead(1000), 1);
}

TEST(AheadCompiler, WithoutAPythonHoldsNobodyUp) {
  AheadCompiler ahead({.python = "/nowhere/python3", .package = "/nowhere"});
  ahead.expect();
  ahead.begin("w", 1 << 20, {{"source", ""}}, {Baseline::compile, Baseline::max_autotune});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(ahead.wait("w", Baseline::compile, std::chrono::minutes(1)));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << "nothing of it is under way";
  ahead.stop();
  EXPECT_TRUE(ahead.wait("another", Baseline::max_autotune, std::chrono::minutes(1)));
}

}  // namespace
}  // namespace kerf
