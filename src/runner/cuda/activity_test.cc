#include "runner/cuda/activity.h"

#include <gmock/gmock.h>

#include "runner/cuda/fake_activity.h"

namespace kerf {
namespace {

using testing::ElementsAre;

TEST(Activity, OfAKernelIsReadWithItsStreamTimesAndSize) {
  const auto record = FakeActivity::kernel("plain_c_name", 13, 1'000, 3'500);
  const auto read = read_activity(record.data());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->kind, DeviceActivity::Kind::kernel);
  EXPECT_EQ(read->name, "plain_c_name");
  EXPECT_EQ(read->stream, 13);
  EXPECT_EQ(read->begin_ns, 1'000U);
  EXPECT_EQ(read->end_ns, 3'500U);
  EXPECT_THAT(read->grid, ElementsAre(1, 2, 3));
  EXPECT_THAT(read->block, ElementsAre(32, 16, 8));
  EXPECT_EQ(read->registers, 40);
  EXPECT_EQ(read->shared_bytes, 1536);
}

TEST(Activity, OfACopyOrAFillingIsReadAndOtherRecordsAreLeftOut) {
  auto record = FakeActivity::filling(4096, 7, 10, 20);
  const auto filling = read_activity(record.data());
  ASSERT_TRUE(filling);
  EXPECT_EQ(
      *filling,
      (DeviceActivity{.kind = DeviceActivity::Kind::fill, .stream = 7, .begin_ns = 10, .end_ns = 20, .bytes = 4096}));
  FakeActivity::put<std::uint32_t>(record, 0, 1);
  EXPECT_EQ(read_activity(record.data())->kind, DeviceActivity::Kind::copy);
  FakeActivity::put<std::uint32_t>(record, 0, 38);  // of another kind
  EXPECT_FALSE(read_activity(record.data()));
}

TEST(Activity, IsRecordedWhileTheRunLastsOnly) {
  FakeActivity cupti;
  cupti.records = {FakeActivity::kernel("b", 7, 30, 40), FakeActivity::kernel("a", 7, 10, 20)};
  ActivityRecorder recorder(FakeActivity::table());
  bool on = false;
  const auto records = recorder.record([&] {
    on = cupti.is_on();
    return Result<>();
  });
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_TRUE(on);
  EXPECT_FALSE(cupti.is_on());
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].name, "a");
  EXPECT_EQ((*records)[1].name, "b");
}

TEST(Activity, OfARunThatFailedIsItsError) {
  FakeActivity cupti;
  ActivityRecorder recorder(FakeActivity::table());
  const auto records = recorder.record([] { return Result<>(fail(ErrorKind::candidate, "it crashed")); });
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().message, "it crashed");
  EXPECT_FALSE(cupti.is_on());
}

TEST(Activity, ThatCannotBeRecordedSaysWhy) {
  const auto nothing = ActivityRecorder::load("/nowhere/libcupti.so");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().kind, ErrorKind::unavailable);
}

}  // namespace
}  // namespace kerf
