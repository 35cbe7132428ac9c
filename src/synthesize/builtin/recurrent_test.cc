// Recurrent networks: which calls become kernels, and the plans that are written for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "synthesize/builtin/compose.h"
#include "synthesize/builtin/partition.h"
#include "synthesize/builtin/recurrent.h"
#include "synthesize/graph_text.h"
#include "synthesize/identity.h"

namespace kerf {
namespace {

using testing::HasSubstr;
using testing::Not;

// A network of one layer over `batch` sequences of 20 steps with 8 values each, 24 units; what is behind its params.
Case network(const std::string& op, int batch, const std::string& options = "true 1 0.0 true false true") {
  const bool lstm = op == "lstm";
  const std::string rows = lstm ? "96" : "72", b = std::to_string(batch);
  Case made =
      parse("input x f32 " + b + " 20 8\ninput h f32 1 " + b + " 24\ninput c f32 1 " + b + " 24\nparameter wi f32 " +
            rows + " 8\nparameter wh f32 " + rows + " 24\nparameter bi f32 " + rows + "\nparameter bh f32 " + rows +
            "\ny = aten." + op + ".input x " + (lstm ? "[h,c]" : "h") + " [wi,wh,bi,bh] " + options + " -> f32 " + b +
            " 20 24\nz = aten.relu.default y -> f32 " + b + " 20 24\noutput z\n");
  for (GraphForm form : {GraphForm::exported, GraphForm::core}) {
    Graph& graph = form == GraphForm::core ? made.problem.workloads[0].core : made.problem.workloads[0].exported;
    for (int state = 0; state < (lstm ? 2 : 1); ++state)
      graph.nodes[0].results.push_back(spec_of(Dtype::f32, {1, batch, 24}));
  }
  return made;
}
GeneralGraph rewritten(const Case& c) { return with_recurrent_kernels(*generalise(c.problem, GraphForm::exported)); }

TEST(Recurrent, NetworksOfFewSequencesBecomeKernels) {
  EXPECT_EQ(rewritten(network("lstm", 3)).nodes[0].op, "kerf.lstm");
  EXPECT_EQ(rewritten(network("gru", 8)).nodes[0].op, "kerf.gru");
  EXPECT_EQ(rewritten(network("gru", 9)).nodes[0].op, "aten.gru.input");
  // A layer in both directions has weights for two.
  EXPECT_EQ(rewritten(network("lstm", 3, "true 1 0.0 true true true")).nodes[0].op, "aten.lstm.input");
  // Without biases, or with what is random.
  EXPECT_EQ(rewritten(network("lstm", 3, "false 1 0.0 true false true")).nodes[0].op, "aten.lstm.input");
  EXPECT_EQ(rewritten(network("lstm", 3, "true 1 0.5 true false true")).nodes[0].op, "kerf.lstm");
}

TEST(Recurrent, ALayerIsAProductAndALaunch) {
  const Case c = network("lstm", 3);
  const GeneralGraph graph = rewritten(c);
  EXPECT_EQ(library_calls(graph, partition(graph, Fusing::full)), 1U);  // it calls for products
  const auto written = compose(c.problem, graph, {}, {});
  ASSERT_TRUE(written) << written.error().message;
  // Weights are packed before, in terms of parameters alone.
  EXPECT_THAT(written->text,
              HasSubstr("phase = \"prepare\"\nlaunch = \"pack_gates\"\ngrid = [\"cdiv(wh.shape[1], 16)\"]\n"
                        "args = [\"wh\", \"lstm_packed0\", \"wh.shape[1]\", 4]\n"));
  EXPECT_THAT(written->text,
              HasSubstr("call = \"aten.linear.default\"\nargs = [\"x\", \"wi\", \"bi\"]\nout = \"lstm_gates0\"\n"));
  EXPECT_THAT(written->text,
              HasSubstr("launch = \"lstm_layer\"\ngrid = [\"cdiv(h.shape[1], ROWS)\"]\n"
                        "args = [\"lstm_gates0\", \"lstm_packed0\", \"bh\", \"h\", \"c\", \"y\", \"y_1\", "
                        "\"y_2\", \"h.shape[1]\", \"x.shape[1]\", \"wh.shape[1]\", 1, 1, 0, 0]\n"));
  EXPECT_THAT(written->text, Not(HasSubstr("gru_layer")));
}

}  // namespace
}  // namespace kerf
