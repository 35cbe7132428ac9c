// How one launch is looked at: on copies of what it may write, chunks dealt out to threads in turn.
#include "runner/launch_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <new>
#include <vector>

#include "runner/fake_bridge.h"

namespace kerf {
namespace {

using testing::Each;
using testing::Ge;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::int64_t rows = 32, columns = 64;

template <class T>
T given(void* const* args, std::size_t i) {
  return *static_cast<const T*>(args[i]);
}

// out[row][:] += x[row][:]; sums[row] = row.
void add_rows(void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t begin,
              std::int64_t end) {
  for (std::int64_t row = begin; row < end; ++row) {
    for (std::int64_t c = 0; c < columns; ++c)
      given<float*>(args, 1)[row * columns + c] += given<const float*>(args, 0)[row * columns + c];
    given<float*>(args, 2)[row] = static_cast<float>(row + 1);
  }
}

struct LaunchWatch : ::testing::Test {
  FakeBridge bridge;
  KerfBridge table = bridge.table();
  Random random{1};
  alignas(StatusPage) std::array<std::byte, StatusPage::bytes> page_bytes{};
  StatusPage& page = *new (page_bytes.data()) StatusPage{};
  KernelEntry kernel{.name = "add_rows", .types = nullptr, .run = add_rows};
  // Whole lines, so that rows share none.
  alignas(64) std::array<float, rows * columns> x{};
  alignas(64) std::array<float, rows * columns> out{};
  alignas(64) std::array<float, rows> sums{};
  int threads = 2;
  int flushes = 0;
  Result<> flushed;

  LaunchWatch() {
    x.fill(1);
    out.fill(5);
    sums.fill(-1);
    table.parallel = [](int of, std::int64_t tasks, std::int64_t chunk,
                        void (*body)(void*, std::int64_t, std::int64_t, int), void* context) {
      int thread = 0;
      for (std::int64_t i = 0; i < tasks; i += chunk, thread = (thread + 1) % of)
        body(context, i, std::min(tasks, i + chunk), thread);
    };
  }
  static LaunchTensor tensor(std::size_t argument, std::span<float> of, bool writable) {
    return {.argument = argument, .memory = std::as_writable_bytes(of), .writable = writable};
  }
  Result<StepWatch> watch(std::vector<LaunchTensor> tensors, std::int64_t tasks = rows) {
    std::vector<std::uint64_t> values;
    for (int t = 0; t < threads; ++t)
      for (const LaunchTensor& each : tensors) values.push_back(reinterpret_cast<std::uint64_t>(each.memory.data()));
    const std::array<std::int64_t, 1> grid = {tasks};
    const LaunchToWatch launch{.kernel = kernel,
                               .grid = grid,
                               .tasks = tasks,
                               .arguments = tensors.size(),
                               .values = values,
                               .tensors = tensors};
    const WatchTools tools{.bridge = table, .threads = threads, .random = random, .page = page, .flush_caches = [this] {
                             ++flushes;
                             return flushed;
                           }};
    StepWatch seen;
    TRY(watch_launch(tools, launch, seen));
    return seen;
  }
  Result<StepWatch> watch() { return watch({tensor(0, x, false), tensor(1, out, true), tensor(2, sums, true)}); }
};

TEST_F(LaunchWatch, LeavesMemoryAsItWas) {
  ASSERT_TRUE(watch());
  EXPECT_THAT(out, Each(5));
  EXPECT_THAT(sums, Each(-1));
  EXPECT_EQ(page.phase.load(), StatusPage::Phase::ours);
}

TEST_F(LaunchWatch, TimesThreadsTogetherApartAndChunksAlone) {
  const auto seen = watch();
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_EQ(seen->tasks, rows);
  EXPECT_THAT(seen->busiest_us, SizeIs(3));
  EXPECT_THAT(seen->apart_us, SizeIs(3));
  EXPECT_THAT(seen->chunk_us, SizeIs(16)) << "two rows each: eight chunks a thread";
  EXPECT_THAT(seen->chunk_us, Each(Ge(0)));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_LE(seen->busiest_us[i], seen->all_us[i]);
  EXPECT_EQ(flushes, 6) << "before each";
}

TEST_F(LaunchWatch, NamesTheArgumentWhoseLinesChunksShare) {
  const auto seen = watch();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->lines.argument, 2);
  EXPECT_GT(seen->lines.shared_writes, 0);
  EXPECT_THAT(seen->no_lines, IsEmpty());
}

TEST_F(LaunchWatch, OneThreadSharesNothing) {
  threads = 1;
  const auto seen = watch();
  ASSERT_TRUE(seen);
  EXPECT_THAT(seen->apart_us, IsEmpty());
  EXPECT_THAT(seen->chunk_us, SizeIs(8));
  EXPECT_EQ(seen->lines.argument, -1);
  EXPECT_THAT(seen->no_lines, IsEmpty());
}

TEST_F(LaunchWatch, OneTaskIsNotRunApart) {
  const auto seen = watch({tensor(0, x, false), tensor(1, out, true), tensor(2, sums, true)}, 1);
  ASSERT_TRUE(seen);
  EXPECT_THAT(seen->apart_us, IsEmpty());
  EXPECT_THAT(seen->chunk_us, SizeIs(1));
}

// x and out are the same memory, and sums a part of it: what one argument writes the others read, on copies, too.
TEST_F(LaunchWatch, ArgumentsThatOverlapStayTogether) {
  static float last_sum;
  last_sum = 0;
  kernel.run = [](void* const* args, std::int64_t, const std::int64_t*, std::int64_t, std::int64_t begin,
                  std::int64_t end) {
    EXPECT_EQ(given<float*>(args, 0), given<float*>(args, 1));
    EXPECT_EQ(given<float*>(args, 2), given<float*>(args, 1) + columns);
    for (std::int64_t row = begin; row < end; ++row) given<float*>(args, 0)[row * columns] = 9;
    if (begin <= 1 && end > 1) last_sum = given<float*>(args, 2)[0];
  };
  std::vector<LaunchTensor> tensors = {tensor(0, out, false), tensor(1, out, true), tensor(2, out, true)};
  tensors[2].memory = tensors[2].memory.subspan(columns * sizeof(float), rows * sizeof(float));
  ASSERT_TRUE(watch(tensors));
  EXPECT_EQ(last_sum, 9);
  EXPECT_THAT(out, Each(5));
}

TEST_F(LaunchWatch, MoreMemoryThanIsCopiedIsNotLookedAt) {
  LaunchTensor huge = tensor(1, out, true);
  huge.memory = {huge.memory.data(), std::size_t{600} << 20};  // nobody touches it
  const auto seen = watch({tensor(0, x, false), huge, tensor(2, sums, true)});
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->tasks, 0);
  EXPECT_EQ(flushes, 0);
  EXPECT_EQ(seen->no_lines, "600 MB that it may write are more than are copied");
}

TEST_F(LaunchWatch, CachesThatCannotBeFlushedEndIt) {
  flushed = fail(ErrorKind::system, "no memory");
  const auto seen = watch();
  ASSERT_FALSE(seen);
  EXPECT_EQ(seen.error().kind, ErrorKind::system);
  EXPECT_THAT(out, Each(5));
}

TEST_F(LaunchWatch, APageFaultTakesTimeAndThreadsAreSomewhere) {
  const auto us = page_fault_us();
  ASSERT_TRUE(us);
  EXPECT_GT(*us, 0);
  const WatchTools tools{.bridge = table, .threads = 2, .random = random, .page = page, .flush_caches = {}};
  EXPECT_GE(nodes_of_threads(tools), 1);
}

}  // namespace
}  // namespace kerf
