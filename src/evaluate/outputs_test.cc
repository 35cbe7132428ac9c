#include "evaluate/outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "evaluate/fake_oracle.h"
#include "evaluate/machine_watch.h"
#include "evaluate/trial_pool.h"

namespace kerf {
namespace {

TensorSpec strided(std::vector<std::int64_t> shape, std::vector<std::int64_t> stride, Dtype dtype = Dtype::f32) {
  return {.dtype = dtype, .shape = std::move(shape), .stride = std::move(stride)};
}

RC_GTEST_PROP(Sentinel, IsFiniteAndFarFromZeroInEveryType, (std::uint64_t seed)) {
  Random random(seed);
  const auto s = make_sentinel(random);
  double d = 0;
  std::memcpy(&d, &s, 8);
  RC_ASSERT(std::isfinite(d) && std::abs(d) > 1000);
  for (const auto half : {static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(s >> 32)}) {
    float f = 0;
    std::memcpy(&f, &half, 4);
    RC_ASSERT(std::isfinite(f) && std::abs(f) >= 1000 && std::abs(f) < 2.1e6F);
  }
  for (int i = 0; i < 4; ++i) {
    const auto bits = static_cast<std::uint16_t>(s >> (16 * i));
    RC_ASSERT((bits & 0x7c00) != 0x7c00);  // f16
    RC_ASSERT((bits & 0x7f80) != 0x7f80);  // bf16
    RC_ASSERT((bits & 0x7fff) != 0);
  }
  RC_ASSERT(make_sentinel(random) != s);
}

TEST(Margins, ShowAWriteOnEitherSide) {
  for (const auto placement : {Placement::front, Placement::back}) {
    auto arena = *make_arena("t", {{"out", strided({5}, {1})}, {"out1", strided({3}, {1})}}, placement);
    fill_margins(arena, 0x1122334455667788);
    EXPECT_FALSE(find_margin_hit(arena, 0x1122334455667788));
    const auto at = arena.tensors[1].offset;
    arena.memory.bytes()[at + 12] ^= std::byte{1};
    auto hit = find_margin_hit(arena, 0x1122334455667788);
    ASSERT_TRUE(hit);
    EXPECT_EQ(hit->name, "out1");
    EXPECT_TRUE(hit->behind);
    EXPECT_EQ(hit->distance, 0U);
    if (placement == Placement::front) continue;
    fill_margins(arena, 0x1122334455667788);
    arena.memory.bytes()[at - 9] ^= std::byte{1};
    hit = find_margin_hit(arena, 0x1122334455667788);
    ASSERT_TRUE(hit);
    EXPECT_FALSE(hit->behind);
    EXPECT_EQ(hit->distance, 8U);
  }
}

TEST(Differences, IgnoreGapsBetweenStridedElements) {
  const auto spec = strided({2, 2}, {1, 4});
  auto a = *make_arena("a", {{"out", spec}}, Placement::front), b = *make_arena("b", {{"out", spec}}, Placement::front);
  const auto at = a.tensors[0].offset;
  a.memory.bytes()[at + 8] = std::byte{7};  // between the columns
  EXPECT_FALSE(find_difference(a, b));
  a.memory.bytes()[at + 16] = std::byte{7};  // element [0, 1]
  const auto difference = find_difference(a, b);
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->first, (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(difference->count, 1);
}

RC_GTEST_PROP(Perturbation, KeepsTheMultisetAndTouchesNothingElse, (std::uint64_t seed)) {
  Random random(seed);
  const auto columns = static_cast<std::int64_t>(2 + random.below(40));
  const auto spec = strided({3, columns}, {columns + 2, 1}, Dtype::i32);
  auto arena = *make_arena("t", {{"x", spec}, {"table", spec}}, Placement::back);
  const auto bytes = arena.memory.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31 % 251);
  const std::vector<std::byte> before(bytes.begin(), bytes.end());
  const auto elements = [&](const std::byte* from) {
    std::vector<std::int32_t> values;
    for (std::int64_t i = 0; i < 3; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        std::int32_t v = 0;
        std::memcpy(&v, from + arena.tensors[0].offset + 4 * (i * (columns + 2) + j), 4);
        values.push_back(v);
      }
    }
    return values;
  };
  perturb(arena, {"x"}, random);
  auto old_values = elements(before.data()), new_values = elements(bytes.data());
  RC_ASSERT(old_values != new_values);
  std::ranges::sort(old_values);
  std::ranges::sort(new_values);
  RC_ASSERT(old_values == new_values);
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto gap = arena.tensors[0].offset + static_cast<std::size_t>(4 * (i * (columns + 2) + columns));
    if (i < 2) RC_ASSERT(std::equal(bytes.data() + gap, bytes.data() + gap + 8, before.data() + gap));
  }
  const auto table = arena.tensors[1].offset;
  RC_ASSERT(std::equal(bytes.data() + table, bytes.data() + bytes.size(), before.data() + table));
}

struct Pool : ::testing::Test {
  FakeOracle oracle;
  Workload workload = fake_workload();
  Random random{1};
  Pool() { oracle.workloads[workload.id] = workload; }
};

TEST_F(Pool, DrawsFewTrialsForManyCandidates) {
  TrialPool pool(oracle, {.bytes = 1 << 30, .copies = 3});
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) seen.insert((*pool.pick(workload, "own", Placement::front, random))->id);
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(oracle.calls.size(), 3U);
}

TEST_F(Pool, KeepsTheChangingTrialApart) {
  TrialPool pool(oracle);
  const auto changing = *pool.changing(workload, random);
  EXPECT_EQ(changing, *pool.changing(workload, random));
  for (int i = 0; i < 50; ++i) EXPECT_NE(changing, *pool.pick(workload, "own", Placement::front, random));
}

TEST_F(Pool, ForgetsTheLeastUsedWhenItIsFullButNotWhatIsHeld) {
  const auto other = fake_workload(8, 8);
  oracle.workloads[other.id] = other;
  const auto held = *TrialPool(oracle).pick(workload, "own", Placement::front, random);
  TrialPool pool(oracle, {.bytes = held->arena.memory.size(), .copies = 3});
  auto first = *pool.pick(workload, "own", Placement::front, random);
  (void)*pool.pick(other, "own", Placement::front, random);
  EXPECT_EQ(pool.size(), 1U);
  EXPECT_THAT(oracle.calls, ::testing::Not(::testing::Contains("forget " + first->id)));
  const auto id = first->id;
  first.reset();
  EXPECT_THAT(oracle.calls, ::testing::Contains("forget " + id));
}

TEST(MachineLoad, IsReadFromProcStat) {
  const auto load = parse_proc_stat(
      "cpu  79780 0 13898 552815 605 0 83 26 0 0\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5 6\nprocs_running 3\nprocs_blocked "
      "0\n");
  ASSERT_TRUE(load);
  EXPECT_EQ(load->cores, 2);
  EXPECT_EQ(load->running, 3);
  EXPECT_EQ(load->stolen, 26);
  EXPECT_FALSE(parse_proc_stat("nothing"));
  EXPECT_TRUE(has_company(*load, *load, 2)) << "two others on two cores";
  EXPECT_FALSE(has_company({.running = 1, .cores = 2, .stolen = 5}, {.running = 9, .cores = 2, .stolen = 5}, 2))
      << "what runs afterwards may be our own";
  EXPECT_TRUE(has_company({.running = 1, .cores = 2, .stolen = 5}, {.running = 1, .cores = 2, .stolen = 6}, 2));
  EXPECT_FALSE(has_company({.running = 5, .cores = 64, .stolen = 0}, {.running = 5, .cores = 64, .stolen = 0}, 8));
  const MachineLoad shared{.running = 1, .cores = 64, .device = DeviceLoad{.others = 2}};
  EXPECT_TRUE(is_crowded(shared, 1));
  EXPECT_EQ(crowding(shared, 1), 3) << "three take turns on the device";
}

}  // namespace
}  // namespace kerf
