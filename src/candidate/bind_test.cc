// What a Program holds beyond what the cases in text can say: releases, storage, flags, limits.
#include "candidate/bind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "candidate/case_reader.h"
#include "candidate/prototype.h"

namespace kerf {
namespace {

constexpr const char* relu = R"(//: input x f32[6, 8]
//: parameter w f32[8]
//: output f32[6, 8]
//: schema aten::relu(Tensor self) -> Tensor
//: answer aten::relu f32[6, 8]
//: schema aten::t(Tensor(a) self) -> Tensor(a)
//: answer aten::t f32[8, 6]{1, 8} of 3
)";

struct Bound {
  CandidateCase with;
  Result<Program> program;
};

void bind_text(const std::string& header, const std::string& plan, Bound& bound) {
  const auto read = read_case(header, bound.with);
  ASSERT_TRUE(read) << read.error().message;
  bound.program = bind_case({.text = "/* /// kerf\nversion = 1\n" + plan + "/// */\nextern \"C\" void k();\n",
                             .language = Language::cpp,
                             .name = "test"},
                            bound.with);
  ASSERT_TRUE(bound.program) << bound.program.error().message;
}

TEST(Bind, given_tensors_and_outputs_come_first) {
  Bound bound;
  bind_text(relu, "[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"out\"]\n", bound);
  const Program& program = *bound.program;
  ASSERT_EQ(program.tensors.size(), 3U);
  EXPECT_EQ(program.tensors[1].name, "w");
  EXPECT_TRUE(program.tensors[0].read_only);
  EXPECT_EQ(program.tensors[2].kind, BoundTensor::Kind::output);
  EXPECT_FALSE(program.tensors[2].read_only);
}

TEST(Bind, results_are_released_by_the_step_that_uses_them_last) {
  Bound bound;
  bind_text(relu, R"([[step]]
call = "aten.relu.default"
args = ["x"]
out = "a"
[[step]]
call = "aten.relu.default"
args = ["a"]
out = "b"
[[step]]
call = "aten.relu.default"
args = ["a"]
out = "unused"
[[step]]
launch = "k"
grid = [1]
args = ["b", "out"]
)",
            bound);
  const Program& program = *bound.program;
  ASSERT_EQ(program.steps.size(), 4U);
  EXPECT_THAT(program.steps[0].release, testing::IsEmpty());
  EXPECT_THAT(program.steps[1].release, testing::IsEmpty());
  EXPECT_THAT(program.steps[2].release, testing::UnorderedElementsAre(3, 5));
  EXPECT_THAT(program.steps[3].release, testing::ElementsAre(4));
}

TEST(Bind, prepared_results_persist) {
  Bound bound;
  bind_text(relu,
            "[[step]]\nphase = \"prepare\"\ncall = \"aten.relu.default\"\nargs = [\"w\"]\nout = "
            "\"a\"\n[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"a\", \"out\"]\n",
            bound);
  EXPECT_TRUE(bound.program->tensors[3].prepared);
  EXPECT_TRUE(bound.program->tensors[3].read_only);
  EXPECT_TRUE(bound.program->steps[0].prepare);
  EXPECT_THAT(bound.program->steps[1].release, testing::IsEmpty());
}

TEST(Bind, views_share_storage_and_what_goes_with_it) {
  Bound bound;
  bind_text(relu, R"([[step]]
call = "aten.relu.default"
args = ["x"]
out = "a"
[[step]]
call = "aten.t.default"
args = ["a"]
out = "at"
[[step]]
launch = "k"
grid = [1]
args = ["at", "out", "at.stride[1]"]
)",
            bound);
  const Program& program = *bound.program;
  EXPECT_EQ(program.tensors[3].storage, program.tensors[4].storage);
  EXPECT_NE(program.tensors[3].storage, program.tensors[0].storage);
  EXPECT_FALSE(program.tensors[4].read_only);
}

TEST(Bind, a_long_loop_binds_in_milliseconds) {
  Bound bound;
  const std::clock_t start = std::clock();
  bind_text(relu,
            "[loops]\nt = 10000\n[[step]]\nfor = \"t\"\nlaunch = \"k\"\ngrid = [\"cdiv(x.shape[0] * 7, 4)\"]\nargs = "
            "[\"x\", \"out\", \"t % 7 + x.shape[1]\"]\n",
            bound);
  EXPECT_EQ(bound.program->steps.size(), 10'000U);
  // Of processor time, which company on the machine does not add to; generous: an unoptimised build.
  EXPECT_LT(std::clock() - start, 2 * CLOCKS_PER_SEC);
}

TEST(Bind, more_rounds_than_the_limit_are_refused) {
  CandidateCase with;
  ASSERT_TRUE(read_case(relu, with));
  BlindMachine machine;
  const auto source = read_source({.text = "/* /// kerf\nversion = 1\n[loops]\nt = 2000000\n[[step]]\nfor = "
                                           "\"t\"\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"out\"]\n/// */\nk(",
                                   .language = Language::cpp,
                                   .name = "test"});
  ASSERT_TRUE(source);
  const auto program = bind({.source = &*source, .workload = &with.workload}, machine);
  ASSERT_FALSE(program);
  EXPECT_THAT(program.error().message, testing::HasSubstr("loops are unrolled"));
}

TEST(Bind, scratch_beyond_the_limit_is_refused) {
  CandidateCase with;
  ASSERT_TRUE(read_case(relu, with));
  BlindMachine machine;
  const auto source =
      read_source({.text = "/* /// kerf\nversion = 1\n[[scratch]]\nname = \"s\"\ndtype = \"f64\"\nshape = "
                           "[100]\n[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"s\", \"out\"]\n/// */\nk(",
                   .language = Language::cpp,
                   .name = "test"});
  ASSERT_TRUE(source);
  EXPECT_TRUE(bind({.source = &*source, .workload = &with.workload, .scratch_limit = 800}, machine));
  const auto program = bind({.source = &*source, .workload = &with.workload, .scratch_limit = 799}, machine);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().at, (Location{6, 9}));
}

TEST(Bind, an_error_of_the_machine_that_is_the_candidates_gets_the_steps_place) {
  struct Failing : BlindMachine {
    Result<> launch(const BoundStep&, const BoundLaunch&) override { return fail(ErrorKind::candidate, "crashed"); }
  };
  CandidateCase with;
  ASSERT_TRUE(read_case(relu, with));
  Failing machine;
  const auto source = read_source(
      {.text = "/* /// kerf\nversion = 1\n[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"out\"]\n/// */\nk(",
       .language = Language::cpp,
       .name = "test"});
  ASSERT_TRUE(source);
  const auto program = bind({.source = &*source, .workload = &with.workload}, machine);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().at, (Location{4, 11}));
}

Source source_of(const std::string& plan) {
  auto source = read_source(
      {.text = "/* /// kerf\nversion = 1\n" + plan + "[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\"]\n/// */\n",
       .language = Language::cpp,
       .name = "test"});
  EXPECT_TRUE(source) << source.error().message;
  return source ? *std::move(source) : Source{};
}

TEST(TunePoints, are_the_product_thinned_by_where_in_order) {
  const auto points = tune_points(source_of("[tune]\nB = [1, 2, 3]\nA = [true, false]\nwhere = \"B < 3 or A\"\n"));
  ASSERT_TRUE(points);
  std::vector<std::string> shown;
  for (const TunePoint& point : *points) shown.push_back(to_string(point));
  EXPECT_THAT(shown, testing::ElementsAre("B=1 A=true", "B=1 A=false", "B=2 A=true", "B=2 A=false", "B=3 A=true"));
}

TEST(TunePoints, without_axes_there_is_one_empty_point) {
  const auto points = tune_points(source_of(""));
  ASSERT_TRUE(points);
  ASSERT_EQ(points->size(), 1U);
  EXPECT_TRUE(points->front().empty());
}

TEST(TunePoints, become_constants_of_their_types) {
  EXPECT_EQ(
      constants(
          {{"B", Value{std::int64_t{16}}}, {"ON", Value{true}}, {"E", Value{0.5}}, {"M", Value{std::int64_t{-3}}}}),
      "constexpr int64_t B = 16L;\nconstexpr bool ON = true;\nconstexpr double E = 0x1p-1;\nconstexpr int64_t M = "
      "-3L;\n");
}

BoundOut last_out(const std::string& plan) {
  Bound bound;
  bind_text(relu, plan, bound);
  const auto* call = bound.program ? std::get_if<BoundCall>(&bound.program->steps.back().does) : nullptr;
  return call == nullptr || call->outs.empty() ? BoundOut{} : call->outs[0];
}

constexpr const char* relu_to_out = "[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"out\"\n";

TEST(Bind, an_output_that_nothing_else_touches_adopts_a_fresh_result) {
  EXPECT_EQ(last_out(relu_to_out).kind, BoundOut::Kind::adopt);
}

TEST(Bind, an_output_that_a_launch_is_given_too_is_written) {
  const std::string launch = "[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"out\"]\n";
  EXPECT_EQ(last_out(launch + relu_to_out).kind, BoundOut::Kind::write);
}

TEST(Bind, an_output_that_two_steps_write_adopts_nothing) {
  EXPECT_EQ(last_out(std::string(relu_to_out) + relu_to_out).kind, BoundOut::Kind::write);
}

TEST(Bind, a_result_that_shares_memory_with_another_tensor_is_copied) {
  Bound bound;
  bind_text(
      "//: input x f32[6, 8]\n//: output f32[6, 8]\n//: schema aten::view_as(Tensor(a) self, Tensor other) -> "
      "Tensor(a)\n"
      "//: answer aten::view_as f32[6, 8] of 0\n",
      "[[step]]\ncall = \"aten.view_as\"\nargs = [\"x\", \"x\"]\nout = \"out\"\n", bound);
  ASSERT_TRUE(bound.program);
  EXPECT_EQ(std::get<BoundCall>(bound.program->steps.back().does).outs[0].kind, BoundOut::Kind::write);
}

// What the last call, which fills scratch `s`, does with its result.
BoundOut::Kind filled(const std::string& more, const std::string& scratch, const std::string& steps,
                      const std::string& after = "") {
  Bound bound;
  bind_text(
      "//: input x f32[6, 8]\n//: output f32[6, 8]\n//: schema aten::relu(Tensor self) -> Tensor\n"
      "//: answer aten::relu f32[6, 8]\n//: prototype k const f32*, f32*, i64\n" +
          more,
      "[[scratch]]\nname = \"s\"\ndtype = \"f32\"\nshape = [6, 8]\n" + scratch + steps +
          "[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"s\", \"out\"]\n" + after,
      bound);
  BoundOut::Kind found = BoundOut::Kind::drop;
  if (!bound.program) return found;
  for (const BoundStep& step : bound.program->steps)
    if (const auto* call = std::get_if<BoundCall>(&step.does)) found = call->outs.at(0).kind;
  return found;
}

TEST(Bind, scratch_that_one_call_fills_is_its_result) {
  const std::string call = "[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"s\"\n";
  EXPECT_EQ(filled("", "", call), BoundOut::Kind::adopt);
  EXPECT_EQ(filled("", "zero = true\n", call), BoundOut::Kind::write);
  EXPECT_EQ(filled("", "", call + call), BoundOut::Kind::write);
  EXPECT_EQ(filled("", "", "[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"s\", \"out\"]\n" + call),
            BoundOut::Kind::write);
}

TEST(Bind, scratch_that_a_view_fills_is_the_view_where_nothing_else_uses_the_memory) {
  const std::string turn =
      "//: schema aten::movedim(Tensor(a) self, int source, int destination) -> Tensor(a)\n"
      "//: answer aten::movedim f32[6, 8] of ";
  const std::string moved = "[[step]]\ncall = \"aten.movedim\"\nargs = [\"y\", 0, 1]\nout = \"s\"\n";
  const std::string call = "[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"y\"\n";
  const std::string again = "[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"y\", \"out\"]\n";
  // Tensors are numbered as they appear: x, out, s, y.
  EXPECT_EQ(filled(turn + "3\n", "", call + moved), BoundOut::Kind::adopt);
  EXPECT_EQ(filled(turn + "3\n", "", call + again + moved), BoundOut::Kind::adopt);
  EXPECT_EQ(filled(turn + "3\n", "", call + moved, again), BoundOut::Kind::write);
  EXPECT_EQ(filled(turn + "0\n", "", call + moved), BoundOut::Kind::write);
}

TEST(Plans, only_a_call_whose_output_nothing_else_names_gives_it_alone) {
  const Source source = source_of(
      "[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"out0\"\n[[step]]\ncall = \"aten.relu\"\nargs = "
      "[\"out1\"]\nout = \"out1\"\n");
  EXPECT_TRUE(only_gives(source.plan, source.plan.steps[0], "out0"));
  EXPECT_FALSE(only_gives(source.plan, source.plan.steps[1], "out1"));
  EXPECT_FALSE(only_gives(source.plan, source.plan.steps[1], "out0"));
}

TEST(Plans, the_last_writer_of_an_output_is_the_last_step_that_names_it) {
  const Source source = source_of(
      "[[step]]\nlaunch = \"first\"\ngrid = [1]\nargs = [\"out\"]\n[[step]]\ncall = \"aten.relu.default\"\nargs = "
      "[\"x\"]\nout = \"out\"\n");
  EXPECT_EQ(last_writer(source, "out").text, "aten.relu.default");
  EXPECT_EQ(last_writer(source, "out").at, (Location{8, 9}));
  EXPECT_EQ(last_writer(source, "out7").at, (Location{1, 4}));
}

TEST(Plans, the_same_kernel_is_in_the_table_once) {
  const Source source = source_of("[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"out\"]\n");
  EXPECT_THAT(kernels_of(source), testing::ElementsAre("k"));
}

TEST(Candidates, languages_by_extension_and_import) {
  EXPECT_EQ(language_of("a/b.cpp", ""), Language::cpp);
  EXPECT_EQ(language_of("b.cu", ""), Language::cuda);
  EXPECT_EQ(language_of("b.py", "import triton\n"), Language::triton);
  EXPECT_EQ(language_of("b.py", "from triton.experimental import gluon\n"), Language::gluon);
  EXPECT_EQ(language_of("b.py", "# gluon\n"), Language::triton);
  EXPECT_EQ(language_of("b.txt", ""), std::nullopt);
}

TEST(Candidates, the_same_text_in_another_language_is_another_candidate) {
  const Candidate a{.text = "x", .language = Language::cpp, .name = "a"},
      b{.text = "x", .language = Language::cuda, .name = "a"};
  EXPECT_NE(a.id(), b.id());
  EXPECT_EQ(a.id(), (Candidate{.text = "x", .language = Language::cpp, .name = "other"}).id());
}

TEST(PlanText, may_stand_behind_other_words_of_its_comment_and_behind_quotes) {
  const auto found =
      read_source({.text = "// don't stop at a quote\nconst char* s = \"/* /// kerf\";\n/* what this does\n   /// "
                           "kerf\nversion = 1\n[[step]]\nlaunch = \"k\"\ngrid = [1]\n///\n*/\n",
                   .language = Language::cpp,
                   .name = "test"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->plan.at, (Location{4, 4}));
}

TEST(PlanText, is_missing_or_not_ended_with_one_clear_line) {
  const auto message = [](const char* text, Language language) {
    const auto found = read_source({.text = text, .language = language, .name = "test"});
    return found ? std::string("ok") : std::to_string(found.error().at->line) + " " + found.error().message;
  };
  EXPECT_THAT(message("int x;\n", Language::cpp), testing::HasSubstr("1 no plan: expected `/* /// kerf`"));
  EXPECT_THAT(message("import triton\n", Language::triton), testing::HasSubstr("1 no plan: expected `# /// kerf`"));
  EXPECT_THAT(message("\n/* /// kerf\nversion = 1\n", Language::cpp), testing::HasSubstr("2 the plan is not ended"));
  EXPECT_THAT(message("/* /// kerf\nversion = 1\n*/ int x;\n", Language::cpp),
              testing::HasSubstr("3 `*/` ends the comment"));
  EXPECT_THAT(message("# /// kerf\n# version = 1\nx = 1\n", Language::triton),
              testing::HasSubstr("1 the plan is not ended"));
  EXPECT_THAT(message("/* /// kerf 1\n/// */\n", Language::cpp), testing::HasSubstr("expected the end of the line"));
  EXPECT_THAT(message((std::string(max_candidate_bytes + 1, 'x')).c_str(), Language::cpp),
              testing::HasSubstr("bytes of text"));
}

TEST(PlanText, windows_line_ends_do_no_harm) {
  const auto found =
      read_source({.text = "/* /// kerf\r\nversion = 1\r\n[[step]]\r\nlaunch = \"k\"\r\ngrid = [1]\r\n/// */\r\n",
                   .language = Language::cpp,
                   .name = "test"});
  EXPECT_TRUE(found) << found.error().message;
}

}  // namespace
}  // namespace kerf
