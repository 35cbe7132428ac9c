// Kernels written against the block itself, for tests of the emulation: no compiler. Each test runs with threads that
// start in ascending and in descending order.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runner/emulation/block_emulator.h"

namespace kerf {

// What a thread of a block does; the data is the launch's one argument.
using Body = void (*)(KerfBlock* block, int* data);

// KernelEntry::run of any body, which is argument 1.
inline void run_body(void* const* args, std::int64_t /*arguments*/, const std::int64_t* /*grid*/, std::int64_t /*dims*/,
                     std::int64_t /*begin*/, std::int64_t /*end*/) {
  auto* block = reinterpret_cast<KerfBlock*>(reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) &
                                             ~(KerfBlock::region_bytes - 1));
  (*static_cast<Body*>(args[1]))(block, *static_cast<int**>(args[0]));
}

class Blocks : public ::testing::TestWithParam<bool> {  // descending
 protected:
  static constexpr std::int64_t shared_bytes = 8100;  // ends a little before the page that nobody may touch

  void SetUp() override {
    auto made = BlockEmulator::create();
    ASSERT_TRUE(made) << made.error().message;
    emulator = *std::move(made);
  }
  // Block `index` of a launch of four.
  std::optional<BlockTrouble> run(Body body, std::array<std::int64_t, 3> threads, std::int64_t index = 0) {
    const KernelEntry entry{.name = "k", .types = nullptr, .run = run_body};
    const EmulatedLaunch launch{
        .kernel = &entry, .grid = {4, 1, 1}, .block = threads, .shared_bytes = shared_bytes, .variables = {}};
    int* data = out.data();
    void* const args[] = {&data, &body};
    return emulator->run(launch, args, 2, index, GetParam());
  }
  std::optional<BlockTrouble> run(Body body, std::int64_t threads, std::int64_t index = 0) {
    return run(body, {threads, 1, 1}, index);
  }

  std::unique_ptr<BlockEmulator> emulator;
  std::vector<int> out = std::vector<int>(64, -7);
};

inline std::string order_name(const ::testing::TestParamInfo<bool>& descending) {
  return descending.param ? "descending" : "ascending";
}

}  // namespace kerf
