#include "evaluate/oracle_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace kerf {
namespace {

using ::testing::HasSubstr;

struct OracleEnvironment : ::testing::Test {
  OracleEnvironment() {
    ::setenv("CUDA_VISIBLE_DEVICES", "3", 1);
    ::setenv("PYTHONSTARTUP", "/somebody/s/file.py", 1);
  }
  ~OracleEnvironment() override {
    ::unsetenv("CUDA_VISIBLE_DEVICES");
    ::unsetenv("PYTHONSTARTUP");
  }
};

TEST_F(OracleEnvironment, HasThePackageTheThreadsAndNothingOfWhoStartedIt) {
  const auto e = oracle_environment({}, "/opt/kerf/oracle", 7, 3);
  ASSERT_TRUE(e) << e.error().message;
  EXPECT_EQ(e->at("PYTHONPATH"), "/opt/kerf/oracle");
  EXPECT_EQ(e->at("OMP_NUM_THREADS"), "7");
  EXPECT_EQ(e->at("TORCHINDUCTOR_COMPILE_THREADS"), "3");
  EXPECT_EQ(e->at("PYTHONHASHSEED"), "0") << "the same problem gives the same text";
  EXPECT_FALSE(e->contains("PYTHONSTARTUP"));
}

TEST_F(OracleEnvironment, SeesGpusOnlyWhereItUsesOne) {
  EXPECT_EQ(oracle_environment({}, "/p", 1, 1)->at("CUDA_VISIBLE_DEVICES"), "");
  EXPECT_EQ(oracle_environment({.device = "cuda:0"}, "/p", 1, 1)->at("CUDA_VISIBLE_DEVICES"), "3");
}

TEST_F(OracleEnvironment, OfAllProcessesHasTheSameCachesSoThatWhatIsCompiledAheadIsFound) {
  const auto ahead = oracle_environment({.device = "cuda:0"}, "/p", 1, 4),
             judging = oracle_environment({.device = "cuda:0"}, "/p", 16, 1);
  for (const char* cache : {"TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"})
    EXPECT_EQ(ahead->at(cache), judging->at(cache));
}

TEST(OracleProcesses, WithoutAPythonSayWhatToDo) {
  const auto none = start_oracle_process({.python = "/nowhere/python3", .package = "/nowhere"}, 1, 1);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(none.error().message, HasSubstr("KERF_PYTHON"));
}

}  // namespace
}  // namespace kerf
