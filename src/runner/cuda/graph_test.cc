#include "runner/cuda/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/cuda/fake_driver.h"

namespace kerf {
namespace {

using testing::HasSubstr;

TEST(CapturedGraph, IsGoneWithItsOwner) {
  FakeDriver fake;
  const CudaDriver driver = fake.table();
  {
    const auto stream = CaptureStream::make(driver);
    ASSERT_TRUE(stream);
    auto graph = CapturedGraph::capture(driver, stream->get(), [] { return Result<>(); });
    ASSERT_TRUE(graph) << graph.error().message;
    const CapturedGraph moved = *std::move(graph);
    EXPECT_EQ(moved.launch(stream->get()), 0);
    EXPECT_EQ(fake.graphs + fake.ready_graphs + fake.streams, 3U);
  }
  EXPECT_EQ(fake.graphs + fake.ready_graphs + fake.streams, 0U);
}

TEST(CapturedGraph, SaysWhyAPlanCannotBeOne) {
  FakeDriver fake;
  const CudaDriver driver = fake.table();
  const auto stream = CaptureStream::make(driver);
  const auto capture = [&](const Result<>& handed_over) {
    return CapturedGraph::capture(driver, stream->get(), [&] { return handed_over; });
  };
  const auto waits = capture(fail(ErrorKind::unavailable, "aten::nonzero: not permitted"));
  ASSERT_FALSE(waits);
  EXPECT_EQ(waits.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(waits.error().message, HasSubstr("cannot be captured as a graph: aten::nonzero"));
  const auto wrong = capture(fail(ErrorKind::candidate, "a shape"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::candidate) << "what has nothing to do with graphs stays what it is";
  fake.at_capture_end = 901;
  EXPECT_EQ(capture({}).error().kind, ErrorKind::unavailable);
  fake.at_capture_end = 0;
  fake.at_instantiate = 1;
  EXPECT_EQ(capture({}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(fake.graphs + fake.ready_graphs, 0U) << "nothing is left of those that failed";
  fake.at_instantiate = 0;
  EXPECT_TRUE(capture({})) << "and nothing stands in the way of the next";
}

}  // namespace
}  // namespace kerf
