#include "app/report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "app/tree_text.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

SessionNode node(NodeIndex index, std::optional<NodeIndex> parent, double speedup, const char* move) {
  SessionNode n;
  n.index = index;
  if (parent) n.expansion.parents = {*parent};
  n.proposal.candidate.text = fmt::format("node {}", index);
  n.proposal.move = move;
  n.proposal.rationale = fmt::format("because of {}", move);
  n.evaluation.verdict = Verdict::measured;
  n.evaluation.receipt.emplace();
  n.evaluation.receipt->time_us = {
      .median = 1000 / speedup, .low = 990 / speedup, .high = 1010 / speedup, .samples = 30};
  n.evaluation.receipt->baselines["eager"] = {.median = 1000, .low = 990, .high = 1010, .samples = 30};
  n.evaluation.receipt->speedup["eager"] = {.value = speedup, .low = speedup * 0.98, .high = speedup * 1.02};
  n.evaluation.receipt->fraction_of_speed_of_light = 0.3 * speedup;
  n.evaluation.receipt->speed_of_light_us = 300;
  n.evaluation.diagnosis.bound = Bound::memory;
  n.outcome = outcome_of(n.evaluation);
  return n;
}

SessionNodes tree() {
  return {node(0, std::nullopt, 1, "identity"), node(1, 0, 1.8, "fuse"), node(2, 0, 0.9, "split"),
          node(3, 1, 2.4, "tile")};
}

Report report(const SessionNodes& nodes, std::optional<NodeIndex> best, bool win, bool confirmed) {
  Report r;
  r.problem = "kernelbench/1/19";
  r.nodes = &nodes;
  r.result.session = "3f9c21d07a55";
  r.result.stopped = {.by = "candidates", .why = "3 candidates were judged"};
  r.result.candidates = 3;
  r.result.seconds = 62;
  r.result.best = best;
  r.result.win = win;
  r.result.confirmed = confirmed;
  return r;
}

TEST(ReportTest, SaysWhatWasFoundHowSureWhyAndWhatNext) {
  const SessionNodes nodes = tree();
  const std::string text = report_text(report(nodes, 3, true, true));
  EXPECT_THAT(
      text, AllOf(HasSubstr("2.40x (2.35 to 2.45)"), HasSubstr("30 samples"), HasSubstr("Memory bandwidth"),
                  HasSubstr("72 % of the speed of light"), HasSubstr("kerf resume 3f9c21d07a55 --budget 8candidates")));
  EXPECT_THAT(text, AllOf(HasSubstr("because of fuse"), HasSubstr("because of tile"), HasSubstr("+33 %"),
                          Not(HasSubstr("because of split"))));
}

TEST(ReportTest, NoWinIsSaidPlainly) {
  const SessionNodes nodes{node(0, std::nullopt, 1, "identity"), node(1, 0, 1.01, "fuse")};
  const std::string text = report_text(report(nodes, 0, false, true));
  EXPECT_THAT(text, AllOf(HasSubstr("No kernel was found that is surely faster"),
                          HasSubstr("an interval that includes 1 is no win"), HasSubstr("identity plan")));
}

TEST(ReportTest, AnIntervalThatNoConfirmingRunStandsBehindIsNoWin) {
  SessionNodes nodes{node(0, std::nullopt, 1, "identity"), node(1, 0, 1.5, "fuse"), node(2, 0, 1.4, "tile")};
  nodes[1].confirmed = node(1, 0, 1.01, "fuse").evaluation;
  EXPECT_THAT(
      report_text(report(nodes, 0, false, true)),
      HasSubstr("The closest, node 2, reached 1.40x (1.37 to 1.43) in the search; it was not measured anew, and "
                "what is not confirmed is no win."));
  nodes.pop_back();
  EXPECT_THAT(report_text(report(nodes, 0, false, true)),
              HasSubstr("The closest, node 1, reached 1.01x (0.99 to 1.03) when it was measured anew; the search had "
                        "seen 1.50x (1.47 to 1.53); an interval that includes 1 is no win."));
}

TEST(ReportTest, WhoLedTheSearchAndWasWrongInTheEndIsNamed) {
  SessionNodes nodes{node(0, std::nullopt, 1, "identity"), node(1, 0, 1.5, "fuse")};
  nodes[1].confirmed = node(1, 0, 1.5, "fuse").evaluation;
  nodes[1].confirmed->verdict = Verdict::wrong;
  nodes[1].confirmed->message = "right when it was checked, wrong in a timed run";
  const std::string text = report_text(report(nodes, 0, false, true));
  EXPECT_THAT(text,
              HasSubstr("Node 1, 1.50x (1.47 to 1.53) in the search, did not stand up to the confirming run: right "
                        "when it was checked, wrong in a timed run."));
}

TEST(ReportTest, WithoutTimesItSaysWhatWasRightAndThatTimesAreUnavailable) {
  SessionNodes nodes{node(0, std::nullopt, 1, "identity"), node(1, 0, 1, "fuse"), node(2, 0, 1, "split")};
  for (SessionNode& n : nodes) {
    n.evaluation.receipt = Receipt{.evidence = Evidence::emulated, .time_us = {}};
    n.evaluation.receipt->unavailable["time"] = "unavailable: executed in an emulation";
  }
  nodes[2].evaluation.verdict = Verdict::wrong;
  const std::string text = report_text(report(nodes, 0, false, false));
  EXPECT_THAT(text,
              AllOf(HasSubstr("1 of 3 candidates right"), HasSubstr("unavailable: times: executed in an emulation"),
                    Not(HasSubstr("Time 0")), Not(HasSubstr("Not confirmed"))));
}

TEST(ReportTest, UnconfirmedFiguresAreCalledSo) {
  const SessionNodes nodes = tree();
  EXPECT_THAT(report_text(report(nodes, 3, true, false)), HasSubstr("Not confirmed"));
}

TEST(ReportTest, NothingRightHandsNothingOver) {
  const SessionNodes nodes;
  const Report r = report(nodes, std::nullopt, false, false);
  EXPECT_THAT(report_text(r), HasSubstr("Nothing was judged yet"));
  EXPECT_TRUE(report_json(r)["best"].is_null());
  EXPECT_TRUE(report_json(r)["handed_over"].is_null());
}

TEST(ReportTest, WhereNothingCouldBeWrittenItSaysToMakeTheProblemSmaller) {
  const SessionNodes nodes;
  Report r = report(nodes, std::nullopt, false, false);
  r.result.stopped.by = "exhausted";
  r.result.candidates = 0;
  EXPECT_THAT(report_text(r), AllOf(HasSubstr("make it smaller with --set"), Not(HasSubstr("has tried all"))));
  r.result.candidates = 2;
  EXPECT_THAT(report_text(r), AllOf(HasSubstr("has tried all"), Not(HasSubstr("make it smaller"))));
}

TEST(ReportTest, WhereNoReplyCouldBeUsedItDoesNotBlameTheProblem) {
  const SessionNodes nodes;
  Report r = report(nodes, std::nullopt, false, false);
  r.result.stopped.by = "exhausted";
  r.result.candidates = 0;
  r.result.spend.calls = 42;
  EXPECT_THAT(report_text(r), AllOf(HasSubstr("No reply held a candidate"), Not(HasSubstr("make it smaller"))));
}

TEST(ReportTest, WithoutAWinAndWithoutAnIdentityPlanTheReferenceIsHandedOverInOneLine) {
  SessionNodes nodes{node(0, std::nullopt, 1, "identity"), node(1, 0, 0.4, "fuse")};
  nodes[0].evaluation.verdict = Verdict::rejected;
  nodes[0].evaluation.message = "aten.lstm takes what no plan can say";
  Report r = report(nodes, 1, false, true);
  r.result.reference = true;
  EXPECT_THAT(
      report_text(r),
      AllOf(HasSubstr("What is handed over is the reference itself, unchanged: the plan of its own operators is "
                      "not right (aten.lstm takes what no plan can say)."),
            HasSubstr("The closest, node 1, reached 0.4"), Not(HasSubstr("fastest that was right")),
            Not(HasSubstr("Take it over"))));
  EXPECT_EQ(report_json(r)["handed_over"], "reference");
  EXPECT_EQ(report_json(r)["best"]["node"], 1) << "its figures are still there";
  r.result.best.reset();
  EXPECT_THAT(report_text(r), AllOf(HasSubstr("not even the identity plan"), HasSubstr("the reference itself")));
}

TEST(ReportTest, JsonHasTheFieldsThatProgramsReadFirst) {
  const SessionNodes nodes = tree();
  const nlohmann::json json = report_json(report(nodes, 3, true, true));
  for (const char* name :
       {"session", "problem", "target", "candidates", "seconds", "stopped_by", "spend", "best", "files"})
    EXPECT_TRUE(json.contains(name)) << name;
  EXPECT_EQ(json["best"]["node"], 3);
  EXPECT_EQ(json["best"]["evaluation"]["verdict"], "measured");
  EXPECT_TRUE(json["spend"].contains("tokens_in") && json["spend"].contains("usd"));
}

TEST(TreeTextTest, MarksTheBestLineAndIndentsChildren) {
  const SessionNodes nodes = tree();
  const std::string text = tree_text(nodes, 3);
  EXPECT_THAT(text, HasSubstr("*   0  identity"));
  EXPECT_THAT(text, HasSubstr("*     1  fuse"));
  EXPECT_THAT(text, HasSubstr("      2  split"));
  EXPECT_THAT(text, HasSubstr("*       3  tile"));
}

}  // namespace
}  // namespace kerf
