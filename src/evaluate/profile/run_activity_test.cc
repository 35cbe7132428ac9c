#include "evaluate/profile/run_activity.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace kerf {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

using Kind = DeviceActivity::Kind;

DeviceActivity kernel(const char* name, std::int64_t stream, std::uint64_t begin, std::uint64_t end) {
  return {.kind = Kind::kernel, .name = name, .stream = stream, .begin_ns = begin, .end_ns = end};
}
DeviceActivity mark(std::uint64_t begin) {
  return {.kind = Kind::fill, .stream = 7, .begin_ns = begin, .end_ns = begin + 1000, .bytes = mark_bytes};
}

// Waits, marks, runs two kernels with a gap between them, marks.
std::vector<DeviceActivity> two_kernels() {
  return {kernel("wait", 7, 1'000, 301'000), mark(302'000), kernel("a", 7, 304'000, 314'000),
          kernel("b", 7, 317'000, 320'000), mark(321'000)};
}

std::vector<DeviceActivity> with(DeviceActivity more) {
  auto records = two_kernels();
  records.push_back(std::move(more));
  std::ranges::stable_sort(records, {}, &DeviceActivity::begin_ns);
  return records;
}

TEST(RunActivity, IsWhatLiesBetweenTheMarks) {
  const auto run = run_activity(two_kernels());
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->stream, 7);
  EXPECT_EQ(run->count, 2);
  EXPECT_EQ(run->beside, 0);
  EXPECT_DOUBLE_EQ(run->span_us, 18);
  EXPECT_DOUBLE_EQ(run->idle_us, 1 + 3 + 1);
  EXPECT_DOUBLE_EQ(run->longest_gap_us, 3);
  ASSERT_EQ(run->events.size(), 2U);
  EXPECT_EQ(run->events[1].what, "b");
  EXPECT_DOUBLE_EQ(run->events[1].begin_us, 14);
  EXPECT_DOUBLE_EQ(run->events[1].us, 3);
  EXPECT_DOUBLE_EQ(run->events[1].gap_us, 3);
}

TEST(RunActivity, NamesOfACandidatesFitIntoEveryDocument) {
  const std::string accented = "caf\xc3\xa9", longer = std::string(199, 'k') + "\xc3\xa9\n";
  const auto run = run_activity({mark(302'000), kernel(accented.c_str(), 7, 304'000, 314'000),
                                 kernel(longer.c_str(), 7, 317'000, 320'000), mark(321'000)});
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->events.at(0).what, "caf??");
  EXPECT_NO_THROW(static_cast<void>(to_json(*run).dump()));
}

TEST(RunActivity, OnAnotherStreamIsFineWhereTheTimedOneWaitedForIt) {
  const auto run = run_activity(with(kernel("helper", 13, 305'000, 319'000)));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->count, 3);
  EXPECT_EQ(run->beside, 1);
  EXPECT_DOUBLE_EQ(run->idle_us, 1 + 1) << "b began while it ran";
}

TEST(RunActivity, OutsideTheTimedStreamsRunIsRefused) {
  for (const auto& escaped : {kernel("late", 13, 318'000, 330'000), kernel("later", 13, 323'000, 330'000),
                              kernel("early", 13, 290'000, 310'000)}) {
    const auto run = run_activity(with(escaped));
    ASSERT_FALSE(run) << escaped.name;
    EXPECT_EQ(run.error().kind, ErrorKind::candidate);
    EXPECT_THAT(run.error().message, HasSubstr(escaped.name + " ran on another stream"));
    EXPECT_THAT(run.error().facts, Contains(Pair("verdict", "rejected")));
    EXPECT_THAT(run.error().facts, Contains(Pair("rule", "other_stream")));
  }
}

TEST(RunActivity, OfTheCandidatesOwnThatIsAsLargeAsAMarkIsNoMark) {
  auto own = mark(315'000);
  const auto run = run_activity(with(own));
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->count, 3);
  EXPECT_DOUBLE_EQ(run->span_us, 18);
  EXPECT_EQ(run->events[1].what, "fill");
  EXPECT_EQ(run->events[1].bytes, mark_bytes);
}

TEST(RunActivity, ThatIsNotWholeIsUnknown) {
  const auto why = [](std::vector<DeviceActivity> records) {
    const auto run = run_activity(records);
    return run || run.error().kind != ErrorKind::unavailable ? "" : run.error().message;
  };
  EXPECT_THAT(why({}), HasSubstr("where the run began"));
  auto records = two_kernels();
  records.pop_back();
  EXPECT_THAT(why(records), HasSubstr("where the run ended"));
  records = two_kernels();
  records[2].begin_ns = 0;
  EXPECT_THAT(why(records), HasSubstr("lack times"));
}

TEST(RunActivity, KeepsTheFirstEventsAndCountsAll) {
  const auto run = run_activity(two_kernels(), 1);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->count, 2);
  EXPECT_DOUBLE_EQ(run->longest_gap_us, 3);
  ASSERT_EQ(run->events.size(), 1U);
  const auto json = to_json(*run);
  EXPECT_EQ(to_json(run_activity_from(json)), json);
}

}  // namespace
}  // namespace kerf
