#include "store/fake_store.h"

#include <gtest/gtest.h>

#include "store/store_fixture.h"

namespace kerf {
namespace {

using namespace testing_store;

TEST(FakeStore, FailsAsAFullDiskWouldFromTheChosenWriteOn) {
  FakeClock clock;
  const auto store = make_fake_store(clock, 2);
  const auto writer = *store->create(a_session());
  EXPECT_TRUE(writer->record(a_node(0)));
  const auto full = writer->record(a_node(1));
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().kind, ErrorKind::system);
  EXPECT_EQ(store->nodes(writer->id(), {})->items.size(), 1U);
}

}  // namespace
}  // namespace kerf
