#include "session/recall.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "session/node_fixture.h"

namespace kerf {
namespace {

using namespace testing_node;

TEST(RecallTest, OperatorsRecallWhatTheirNamesSay) {
  SessionNodes nodes{node(0, std::nullopt, 1), node(1, 0, 1.5), node(2, 0, 2), node(3, 1, 3)};
  SynthesisRequest request;
  const auto indices = [](const std::vector<Recalled>& all) {
    std::vector<NodeIndex> found;
    for (const Recalled& r : all) found.push_back(r.node);
    return found;
  };
  const auto ask = [&](MemoryOperator memory, std::vector<NodeIndex> parents) {
    Expansion expansion;
    expansion.memory = memory;
    expansion.parents = std::move(parents);
    recall(request, expansion, nodes);
  };
  ask(MemoryOperator::inherit, {3});
  EXPECT_EQ(indices(request.ancestors), (std::vector<NodeIndex>{3, 1, 0}));
  EXPECT_TRUE(request.siblings.empty());
  ask(MemoryOperator::siblings, {0});
  EXPECT_EQ(indices(request.ancestors), (std::vector<NodeIndex>{0}));
  EXPECT_EQ(indices(request.siblings), (std::vector<NodeIndex>{1, 2}));
  ask(MemoryOperator::combine, {3, 2});
  EXPECT_EQ(indices(request.siblings), (std::vector<NodeIndex>{2}));
  ask(MemoryOperator::fresh, {3});
  EXPECT_TRUE(request.ancestors.empty());
}

}  // namespace
}  // namespace kerf
