#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <regex>

#include "app/cli.h"
#include "app/completion.h"
#include "app/exit.h"
#include "app/exporting.h"
#include "app/live_view.h"
#include "app/plot.h"
#include "app/suite_json.h"
#include "app/suite_text.h"
#include "app/wiring.h"
#include "app/words.h"

namespace kerf {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

TEST(WordsTest, NumbersAreScaledForPeople) {
  EXPECT_EQ(time_words(812), "812 us");
  EXPECT_EQ(time_words(1240), "1.24 ms");
  EXPECT_EQ(time_words(2.1e6), "2.10 s");
  EXPECT_EQ(duration_words(45), "45 s");
  EXPECT_EQ(duration_words(200), "3 min 20 s");
  EXPECT_EQ(duration_words(7500), "2 h 05 min");
  EXPECT_EQ(bytes_words(33.6e6), "33.6 MB");
  EXPECT_EQ(percent_words(0.864), "86 %");
  EXPECT_EQ(percent_words(0.034), "3.4 %");
  EXPECT_EQ(count_words(1, "candidate"), "1 candidate");
  EXPECT_EQ(ratio_words({.value = 2.475, .low = 2.44, .high = 2.51}), "2.48x (2.44 to 2.51)");
}

TEST(WordsTest, LinesAreCutAtTheWidthAndCannotSteerTheTerminal) {
  EXPECT_EQ(fit("abcdef", 4), "abc…");
  EXPECT_EQ(fit("abcd", 4), "abcd");
  EXPECT_EQ(fit("naïve text", 6), "naïve…");
  EXPECT_EQ(fit("a\x1b[31mb\nc", 20), "a [31mb c");
}

TEST(WordsTest, TablesAlignByColumnsNotBytes) {
  EXPECT_EQ(table({{"ï", "1"}, {"ab", "22"}}, {1}), "ï    1\nab  22\n");
  EXPECT_THAT(markdown_table({{"a"}, {"x|y"}}), HasSubstr("x\\|y"));
}

TEST(ExitTest, CodesFollowWhoHasToAct) {
  EXPECT_EQ(exit_code(ErrorKind::user), 2);
  EXPECT_EQ(exit_code(ErrorKind::unavailable), 2);
  EXPECT_EQ(exit_code(ErrorKind::internal), 70);
  EXPECT_EQ(exit_code(ErrorKind::cancelled), 130);
}

Snapshot snapshot() {
  Snapshot s;
  s.problem = "kernelbench/1/19";
  s.phase = Phase::searching;
  s.progress.candidates = 12;
  s.in_flight = 2;
  s.failed = 1;
  s.best = 7;
  s.best_speedup = Ratio{.value = 2.48, .low = 2.44, .high = 2.51};
  s.best_fraction_of_speed_of_light = 0.86;
  s.reason = "node 7 leads and was tried least";
  s.seconds_left = 95;
  return s;
}

TEST(LiveViewTest, ShowsWhatMattersWithinTheWidth) {
  const auto lines = live_lines(snapshot(), 100);
  ASSERT_THAT(lines, SizeIs(3));
  EXPECT_THAT(lines[0], AllOf(HasSubstr("12 candidates"), HasSubstr("2 in flight"), HasSubstr("1 min 35 s left")));
  EXPECT_THAT(lines[1], AllOf(HasSubstr("2.48x (2.44 to 2.51)"), HasSubstr("86 % of the speed of light")));
  for (const int width : {10, 20, 33, 60}) {
    for (const std::string& line : live_lines(snapshot(), width))
      EXPECT_LE(columns_of(line), static_cast<std::size_t>(width));
  }
  EXPECT_THAT(live_lines(snapshot(), 30)[0], HasSubstr("12 done"));
}

TEST(LiveViewTest, TheCursorComesBackAndTheScreenIsLeftAsItWas) {
  const auto loop = make_manual_loop();
  const FakeClock clock;
  std::string screen;
  {
    LiveView view(*loop, clock, {.interactive = true, .color = false, .columns = 80},
                  [&](std::string_view text) { screen += text; });
    view.show(snapshot());
    EXPECT_THAT(screen, HasSubstr("\x1b[?25l"));
  }
  EXPECT_THAT(screen, HasSubstr("\x1b[?25h"));
}

TEST(PlainViewTest, KeepsACalmRate) {
  FakeClock clock;
  int lines = 0;
  PlainView view(clock, [&](std::string_view) { ++lines; });
  for (int i = 0; i < 1000; ++i) {
    clock.time += std::chrono::milliseconds(10);
    view.show(snapshot());
  }
  EXPECT_LE(lines, 2) << "ten seconds";
  Snapshot better = snapshot();
  better.best = 9;
  view.show(better);
  EXPECT_LE(lines, 3) << "a new best is told at once";
}

TEST(ExportTest, TheReferenceTakesPartLikeAnExportedModule) {
  EXPECT_EQ(reference_module({.source = "class Model: pass"}),
            "# The reference itself: kerf found nothing that is surely faster.\nclass Model: pass\n\n\nModelNew = "
            "Model\n");
}

SuiteRun suite_run(const char* id, double speedup) {
  SuiteRun run;
  run.id = id;
  run.suite = "suite.jsonl";
  run.options = {{"target", "cpu"}};
  const auto entry = [&](const char* problem, const char* verdict, std::map<std::string, Ratio> speedups) {
    SuiteEntry& e = run.entries.emplace_back();
    e.problem = problem;
    e.done = true;
    e.verdict = verdict;
    e.speedup = std::move(speedups);
  };
  entry("1/1", "measured", {{"eager", {.value = speedup, .low = speedup * 0.97, .high = speedup * 1.03}}});
  entry("1/2", "measured",
        {{"eager", {.value = 1, .low = 0.9, .high = 1.1}}, {"compile", {.value = 2, .low = 1.9, .high = 2.1}}});
  run.entries.back().fraction_of_speed_of_light = 0.83;
  run.entries.back().lost["wrong: fp64_error"] = 7;
  entry("1/3", "refused", {});
  run.entries.back().message = "the <answer> is always \"zero\" & nothing else";
  return run;
}

TEST(SuiteTextTest, SaysTheSameInTextMarkdownAndHtml) {
  const Document document = suite_document(suite_run("x", 4));
  for (const std::string& text : {to_text(document), to_markdown(document), to_html(document)}) {
    EXPECT_THAT(text, AllOf(HasSubstr("geometric mean 2.00x"), HasSubstr("1 win"), HasSubstr("fp64_error"),
                            HasSubstr("83 %"), HasSubstr("torch.compile"), HasSubstr("fast_p")));
  }
  EXPECT_THAT(to_text(document), HasSubstr("the <answer> is always \"zero\" & nothing else"));
}

TEST(SuiteTextTest, ThePageNeedsNothingBesideItAndRunsNothing) {
  SuiteRun run = suite_run("<script>alert(1)</script>", 4);
  run.entries[0].problem = "</text><script>x</script>";
  const std::string html = to_html(suite_document(run));
  EXPECT_THAT(html, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("http")), Not(HasSubstr("src="))));
  EXPECT_THAT(html, AllOf(HasSubstr("&lt;answer&gt; is always &quot;zero&quot; &amp; nothing"), HasSubstr("<svg")));
}

TEST(SuiteTextTest, RunsWithoutTimesHaveNoPlots) {
  SuiteRun run = suite_run("x", 4);
  for (SuiteEntry& e : run.entries) e.speedup.clear();
  const Document document = suite_document(run);
  EXPECT_THAT(document.figures, SizeIs(0));
  EXPECT_THAT(to_html(document), Not(HasSubstr("nan")));
  run.entries.clear();
  EXPECT_THAT(to_text(suite_document(run)), HasSubstr("0 of 0 problems done"));
}

TEST(SuiteTextTest, ComparisonsTellBetterFromNoise) {
  const auto d = difference(suite_run("a", 4), suite_run("b", 5));
  ASSERT_TRUE(d);
  const std::string text = to_text(difference_document(*d));
  EXPECT_THAT(text, AllOf(HasSubstr("1 better, 0 worse, 1 no difference"), HasSubstr("1.25 (")));
  EXPECT_EQ(difference_json(*d)["baselines"]["eager"]["better"], 1);
  EXPECT_EQ(difference_json(*d)["problems"][1]["change"]["eager"]["verdict"], "no_difference");
}

TEST(PlotTest, StaysInsideItsFrame) {
  const Ratio wild{.value = 3e5, .low = 1e-9, .high = 1e12};
  for (const std::string& svg :
       {share_plot({{.name = "a", .values = {wild, {.value = 1, .low = 0.9, .high = 1.1}}, .total = 3}}, "p"),
        share_plot({}, "p"), forest_plot({"a"}, {{.label = "x", .values = {wild}, .bar = 7, .instead = {}}}, "t", "b"),
        forest_plot({"a"}, {}, "t", "b")}) {
    EXPECT_THAT(svg, AllOf(HasSubstr("</svg>"), Not(HasSubstr("nan")), Not(HasSubstr("inf"))));
    const std::regex number("[xc][xy12]*=\"([-0-9.e+]+)\"");
    for (std::sregex_iterator it(svg.begin(), svg.end(), number), end; it != end; ++it) {
      EXPECT_GE(std::stod((*it)[1]), 0);
      EXPECT_LE(std::stod((*it)[1]), 1000);
    }
  }
}

TEST(CompletionTest, KnowsEveryCommandAndOption) {
  const auto line = make_command_line();
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(*line->app, shell);
    for (const char* word : {"optimize", "suite", "doctor", "budget", "calibrate", "run"})
      EXPECT_THAT(script, HasSubstr(word)) << shell;
  }
}

int parse(CommandLine& line, std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "kerf");
  try {
    line.app->parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code();
  }
  return 0;
}

TEST(CommandLineTest, OptionsReachTheirCommand) {
  const auto line = make_command_line();
  ASSERT_EQ(parse(*line, {"optimize", "a.py", "--set", "n=3", "--set", "m=4", "--budget", "5m", "--seed", "9", "--json",
                          "--jobs", "3"}),
            0);
  EXPECT_EQ(line->optimize.problem.spec, "a.py");
  EXPECT_EQ(line->optimize.problem.set, (std::vector<std::string>{"n=3", "m=4"}));
  EXPECT_EQ(line->optimize.search.budget, "5m");
  EXPECT_EQ(line->optimize.search.seed, 9u);
  EXPECT_TRUE(line->optimize.common.json);
}

TEST(CommandLineTest, ProblemsOfASuiteShareAGpuButNotTheCoresOnWhichTheyAreTimed) {
  const auto line = make_command_line();
  ASSERT_EQ(parse(*line, {"suite", "run", "s.jsonl", "--sessions", "3"}), 0);
  EXPECT_EQ(line->suite_run.sessions, 3);
  EXPECT_EQ(sessions_beside(1, "cpu").value_or(0), 1);
  const auto cpu = sessions_beside(2, "cpu");
  ASSERT_FALSE(cpu);
  EXPECT_EQ(cpu.error().kind, ErrorKind::user);
  EXPECT_THAT(cpu.error().message, HasSubstr("--sessions 2"));
  const auto gpu = sessions_beside(3, "nvidia");
  ASSERT_TRUE(gpu) << gpu.error().message;
  EXPECT_LE(*gpu, 3);
  EXPECT_GE(*gpu, 1);
}

TEST(CommandLineTest, NonsenseIsRefused) {
  for (const std::vector<const char*>& arguments :
       std::vector<std::vector<const char*>>{{},
                                             {"fly"},
                                             {"optimize", "a.py", "--evaluations", "guessed"},
                                             {"ask"},
                                             {"tell", "last"},
                                             {"optimize", "a.py", "--jobs", "0"},
                                             {"suite", "run", "s.jsonl", "--sessions", "0"},
                                             {"optimize", "a.py", "--mode", "fast"},
                                             {"suite"},
                                             {"completion", "csh"},
                                             {"optimize", "a.py", "--nonsense"}}) {
    const auto line = make_command_line();
    EXPECT_NE(parse(*line, arguments), 0);
  }
}

TEST(CommandLineTest, WhatThisVersionLacksIsCalledUnavailable) {
  SearchChoices choices;
  choices.language = "cuda";  // on target cpu
  auto options = session_options(choices);
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().kind, ErrorKind::unavailable);
  choices = {};
  choices.synthesizer = "builtin,replay:last";
  options = session_options(choices);
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().kind, ErrorKind::user);
  choices = {};
  choices.evaluations = "recorded";
  options = session_options(choices);
  ASSERT_FALSE(options);
  EXPECT_THAT(options.error().message, HasSubstr("replay:"));
  choices = {};
  choices.policy = "astrology";
  options = session_options(choices);
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().kind, ErrorKind::user);
}

}  // namespace
}  // namespace kerf
