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

using testing::ElementsAre;
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
GeneralGraph rewritten(const Case& c, Language language = Language::cpp) {
  return with_recurrent_kernels(*generalise(c.problem, GraphForm::exported), language);
}

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

TEST(Recurrent, OnAGpuMoreSequencesAreFew) {
  EXPECT_EQ(rewritten(network("gru", 9), Language::cuda).nodes[0].op, "kerf.gru");
  EXPECT_EQ(rewritten(network("gru", 100'000), Language::cuda).nodes[0].op, "aten.gru.input");
  EXPECT_EQ(rewritten(network("gru", 9), Language::triton).nodes[0].op, "aten.gru.input");
}

// Of one LSTM cell's layer for three sequences.
std::vector<std::int64_t> units_that_fit(std::int64_t units) {
  Case c = network("lstm", 3);
  const std::string u = std::to_string(units), rows = std::to_string(4 * units);
  c = parse("input x f32 3 20 8\ninput h f32 1 3 " + u + "\ninput c f32 1 3 " + u + "\nparameter wi f32 " + rows +
            " 8\nparameter wh f32 " + rows + " " + u + "\nparameter bi f32 " + rows + "\nparameter bh f32 " + rows +
            "\ny = aten.lstm.input x [h,c] [wi,wh,bi,bh] true 1 0.0 true false true -> f32 3 20 " + u + "\noutput y\n");
  const auto graph = generalise(c.problem, GraphForm::exported);
  return units_a_warp(*graph, *recurrent(*graph, graph->nodes[0]));
}

TEST(Recurrent, WeightsStayInRegistersOfBlocksThatRunTogether) {
  EXPECT_THAT(units_that_fit(256), ElementsAre(2, 4, 1));
  EXPECT_THAT(units_that_fit(500), ElementsAre(2, 1));  // four rows of 16 columns a lane for each unit
  EXPECT_THAT(units_that_fit(1024), ElementsAre(1));
  EXPECT_THAT(units_that_fit(1025), ElementsAre());
}

TEST(Recurrent, ALayerInCudaIsOneCooperativeLaunch) {
  const Case c = network("lstm", 3);
  const auto written = compose(c.problem, rewritten(c, Language::cuda), {}, {}, Language::cuda);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_THAT(written->text, HasSubstr(" and wh.shape[1] == 24\"\n[tune]\nlstm_units = [2, 4, 1]\n"));
  EXPECT_THAT(written->text, HasSubstr("name = \"lstm_states\"\ndtype = \"i64\"\nshape = [2, 1, \"h.shape[1]\", 24]\n"
                                       "zero = true\n"));
  EXPECT_THAT(
      written->text,
      HasSubstr(
          "launch = \"lstm_layer<24, lstm_units>\"\n"
          "grid = [\"cdiv(24, 8 * lstm_units)\", \"min(h.shape[1], max(1, 64 // (1 * cdiv(24, 8 * lstm_units))))\", "
          "1]\n"
          "block = [256]\nshared = \"8 // lstm_units * 2 * 4 * 32 * cdiv(24, 32)\"\ncooperative = true\n"
          "args = [\"lstm_gates0\", \"wh\", \"bh\", \"lstm_gates0\", \"wh\", \"bh\", \"h\", \"c\", \"y\", \"y_1\", "
          "\"y_2\", \"h.shape[1]\", \"x.shape[1]\", 1, \"y.stride[0]\", \"y.stride[1]\", 1, 0, \"lstm_states\"]\n"));
}

TEST(Recurrent, SequencesThatAreAViewOfStepsStayOne) {
  Case c = network("gru", 3);
  for (Graph* graph : {&c.problem.workloads[0].core, &c.problem.workloads[0].exported})
    graph->nodes[0].results[0].stride = {24, 72, 1};
  const GeneralGraph graph = rewritten(c);
  ASSERT_EQ(graph.nodes.size(), 3U);
  EXPECT_EQ(graph.nodes[0].op, "kerf.gru.steps_first");
  EXPECT_THAT(graph.nodes[0].results[0].shape[0], ElementsAre(20, 3, 24));
  EXPECT_TRUE(graph.nodes[0].results[0].contiguous());
  EXPECT_EQ(graph.nodes[1].op, "aten.transpose.int");
  const auto written = compose(c.problem, graph, {}, {});
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_THAT(written->text, HasSubstr("\"y_steps.stride[1]\", \"y_steps.stride[0]\", 0, 0]"));
  EXPECT_THAT(written->text, HasSubstr("name = \"y_steps\"\ndtype = \"f32\"\nshape = [\"x.shape[1]\", \"x.shape[0]\", "
                                       "\"wh.shape[1]\"]"));
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
  EXPECT_THAT(
      written->text,
      HasSubstr(
          "launch = \"lstm_layer\"\ngrid = [\"cdiv(h.shape[1], ROWS)\"]\n"
          "args = [\"lstm_gates0\", \"lstm_packed0\", \"bh\", \"h\", \"c\", \"y\", \"y_1\", "
          "\"y_2\", \"h.shape[1]\", \"x.shape[1]\", \"wh.shape[1]\", 1, \"y.stride[0]\", \"y.stride[1]\", 0, 0]\n"));
  EXPECT_THAT(written->text, Not(HasSubstr("gru_layer")));
}

}  // namespace
}  // namespace kerf
