#include "target/nvidia/emulated_ptx.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kerf {
namespace {

TEST(EmulatedPtx, KnowsBoxesOfTensorMapsInTiles) {
  const std::vector<std::string> operands = {"(to)", "(&map)", "(x)", "(y)", "(bar)", "(policy)"};
  const auto call = [&](const char* text) { return emulated_ptx(text, operands); };
  const std::string load =
      "kerf_tensor_load((unsigned)((to)), (const void*)((&map)), KerfTensorPlace{{(int)((x)), (int)((y))}, 2}, "
      "(unsigned)((bar)))";
  EXPECT_EQ(call("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], "
                 "[%4]"),
            load);
  EXPECT_EQ(call("cp.async.bulk.tensor.2d.shared::cta.global.tile.mbarrier::complete_tx::bytes.L2::cache_hint [%0], "
                 "[%1, {%2, %3}], [%4], %5"),
            load);
  EXPECT_EQ(call("cp.async.bulk.tensor.1d.global.shared::cta.bulk_group [%1, {0}], [%0]"),
            "kerf_tensor_store((const void*)((&map)), KerfTensorPlace{{(int)(0)}, 1}, (unsigned)((to)))");
  EXPECT_EQ(call("cp.async.bulk.commit_group"), "kerf_bulk_commit()");
  EXPECT_EQ(call("cp.async.bulk.wait_group.read 1"), "kerf_bulk_wait((unsigned)(1))");
  for (const char* other :
       {"cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4]",
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], [%4]",
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes",
        "cp.async.bulk.tensor.3d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%0], [%1, {0, 0, 0}], "
        "[%4], {0}",
        "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, "
        "{%2, %3}], [%4], %5",
        "cp.async.bulk.tensor.6d.global.shared::cta.bulk_group [%1, {0}], [%0]", "cp.async.bulk.tensor."})
    EXPECT_EQ(call(other), "") << other;
}

}  // namespace
}  // namespace kerf
