// Runs the tests of all sources that were linked, or those of one: `integration_test store_test.cc`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iostream>
#include <string>

namespace {

// As --gtest_filter; empty: it has none.
std::string tests_of(const std::string& source) {
  std::string names;
  const auto& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const auto& suite = *all.GetTestSuite(i);
    for (int k = 0; k < suite.total_test_count(); ++k) {
      const auto& test = *suite.GetTestInfo(k);
      if (std::string("/").append(test.file()).ends_with("/" + source))
        names.append(suite.name()).append(".").append(test.name()).append(":");
    }
  }
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  if (argc > 1) {
    const std::string names = tests_of(argv[1]);
    if (names.empty()) {
      std::cerr << "no test of " << argv[1] << " is here\n";
      return 1;
    }
    GTEST_FLAG_SET(filter, names);
  }
  return RUN_ALL_TESTS();
}
