// The names of a plan: who may be called what, and who may use it when.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "candidate/case_reader.h"

namespace kerf {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* workload = R"(//: input x f32[6, 8]
//: parameter w f32[8]
//: output f32[6, 8]
//: init mode "same"
//: schema aten::relu(Tensor self) -> Tensor
//: answer aten::relu f32[6, 8]
)";
constexpr const char* two_outputs = "//: input x f32[6, 8]\n//: output f32[6, 8]\n//: output f32[6]\n";
constexpr const char* launch = "[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"out\"]\n";
constexpr const char* kernel = "extern \"C\" void k();\n";

// "bound", or "RULE at TEXT OF THE CANDIDATE FROM THERE TO THE END OF ITS LINE: message".
std::string outcome(const std::string& plan, const std::string& header = workload, const std::string& code = kernel,
                    const std::string& before = "") {
  CandidateCase with;
  const auto read = read_case(header, with);
  EXPECT_TRUE(read) << read.error().message;
  const std::string text = before + "/* /// kerf\nversion = 1\n" + plan + "/// */\n" + code;
  const auto program = bind_case({.text = text, .language = Language::cpp, .name = "test"}, with);
  if (program) return "bound";
  const Error& error = program.error();
  std::size_t from = 0;
  for (int line = 1; line < error.at->line; ++line) from = text.find('\n', from) + 1;
  const std::string there = text.substr(from, text.find('\n', from) - from);
  std::string rule;
  for (const auto& [key, value] : error.facts)
    if (key == "rule") rule = value;
  return rule + " at " + there.substr(static_cast<std::size_t>(error.at->column) - 1) + ": " + error.message;
}

TEST(NamesOfAPlan, HideNothingThatTheWorkloadGives) {
  const auto scratch = [](const std::string& name) {
    return outcome("[[scratch]]\nname = \"" + name + "\"\ndtype = \"f32\"\nshape = [1]\n" + launch);
  };
  EXPECT_EQ(scratch("s"), "bound");
  EXPECT_THAT(scratch("x"), StartsWith("name at x\": `x` is the name of an input already"));
  EXPECT_THAT(scratch("w"), HasSubstr("`w` is the name of a parameter or buffer already"));
  EXPECT_THAT(outcome("[loops]\nx = 2\n" + std::string(launch)), HasSubstr("`x` is the name of an input already"));
}

TEST(NamesOfAPlan, ResultsAreThereFromTheirStepOnAndHaveOneName) {
  const auto relu = [](const std::string& of, const std::string& out) {
    return "[[step]]\ncall = \"aten.relu\"\nargs = [\"" + of + "\"]\nout = \"" + out + "\"\n";
  };
  EXPECT_EQ(outcome(relu("x", "y") + relu("y", "out")), "bound");
  EXPECT_THAT(outcome(relu("x", "y") + relu("y", "y") + relu("y", "out")),
              StartsWith("name at y\": the name `y` is given at line 6 already"));
  EXPECT_THAT(outcome(relu("y", "out") + relu("x", "y")),
              HasSubstr("`y` is the result of the step at line 7, which runs later"));
}

TEST(NamesOfAPlan, OutputsAreThoseOfTheWorkload) {
  const auto relu = [](const std::string& out) {
    return "[[step]]\ncall = \"aten.relu\"\nargs = [\"x\"]\nout = \"" + out + "\"\n";
  };
  EXPECT_THAT(outcome(relu("out1")), HasSubstr("there is no output `out1`: expected `out`"));
  EXPECT_THAT(outcome(relu("out2"), two_outputs), HasSubstr("there is no output `out2`: expected `out0` to `out1`"));
}

TEST(NamesOfAPlan, EveryOutputIsAmongWhatStepsAreGiven) {
  const auto with = [](const std::string& args) {
    return outcome("[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = " + args + "\n", two_outputs);
  };
  EXPECT_EQ(with(R"(["x", "out0", "out1"])"), "bound");
  EXPECT_THAT(with(R"(["x", "out0"])"), HasSubstr("no step writes `out1`"));
  EXPECT_THAT(with(R"(["x", "out0", "out1.shape[0]"])"), HasSubstr("no step writes `out1`"))
      << "who is told a shape writes nothing";
}

TEST(NamesOfAPlan, KernelsAreWholeWordsBehindThePlan) {
  EXPECT_EQ(outcome(launch, workload, "void f(int kk); void k(int);"), "bound");
  EXPECT_EQ(outcome(launch, workload, "k"), "bound") << "the last word of the text, too";
  EXPECT_THAT(outcome(launch, workload, "void kk(); void k2(); void _k();"),
              StartsWith("kernel at k\": no kernel `k` in the source"));
  EXPECT_THAT(outcome(launch, workload, "", "void k();\n"), HasSubstr("no kernel `k`")) << "the plan comes first";
  EXPECT_EQ(outcome(launch, workload, "#define NAME(a, b) void a##b()\n"), "bound") << "macros may paste it together";
}

TEST(NamesOfAPlan, KernelsWithTemplateArgumentsAreLookedForByTheirName) {
  CandidateCase with;
  ASSERT_TRUE(read_case(workload, with));
  const auto found = [&](const char* code) {
    return bind_case({.text = "/* /// kerf\nversion = 1\n[[step]]\nlaunch = \"rows<4>\"\ngrid = [1]\nblock = "
                              "[32]\nargs = [\"x\", \"out\"]\n/// */\n" +
                              std::string(code),
                      .language = Language::cuda,
                      .name = "test"},
                     with)
        .has_value();
  };
  EXPECT_TRUE(found("template <int N> __global__ void rows(const float* x, float* out) {}"));
  EXPECT_FALSE(found("template <int N> __global__ void rows4(const float* x, float* out) {}"));
}

TEST(NamesOfAPlan, CountersAreKnownInTheirLoopAlone) {
  const auto with = [](const std::string& more) {
    return outcome("[loops]\nt = 2\n[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"out\", \"t\"]\n" + more);
  };
  EXPECT_EQ(with("for = \"t\"\n"), "bound");
  EXPECT_THAT(with(""), HasSubstr("`t` is known only in steps with `for = \"t\"`"));
}

TEST(NamesOfAPlan, PrepareStepsMayUseWhatParametersGive) {
  const auto prepared = [](const std::string& first, const std::string& args) {
    return outcome("[[scratch]]\nname = \"s\"\ndtype = \"f32\"\nshape = [8]\n" + first +
                   "[[step]]\nphase = \"prepare\"\nlaunch = \"k\"\ngrid = [1]\nargs = [\"w\", \"s\"" + args + "]\n" +
                   launch);
  };
  const std::string relu = "[[step]]\ncall = \"aten.relu\"\nargs = [\"w\"]\nout = \"r\"\n";
  EXPECT_EQ(prepared("", ""), "bound");
  EXPECT_EQ(prepared("", ", \"w.shape[0] + threads\""), "bound");
  EXPECT_THAT(prepared("", ", \"x\""), HasSubstr("`x` is an input"));
  EXPECT_THAT(prepared("", ", \"2 * x.shape[0]\""), StartsWith("prepare at x.shape[0]\"]: `x` is an input"));
  EXPECT_THAT(prepared(relu, ", \"r\""), HasSubstr("`r` is the result of a step that is run every time"));
  EXPECT_THAT(prepared("[[step]]\nlaunch = \"k\"\ngrid = [1]\nargs = [\"x\", \"s\"]\n", ""),
              HasSubstr("`s` is written at line 7 in every run"));
}

TEST(NamesOfAPlan, AreCheckedInStepsThatNeverRunToo) {
  EXPECT_THAT(outcome("[loops]\nt = 0\n[[step]]\nfor = \"t\"\nlaunch = \"k\"\ngrid = [\"y\"]\nargs = [\"x\"]\n" +
                      std::string(launch)),
              StartsWith("name at y\"]: unknown name `y`"));
}

}  // namespace
}  // namespace kerf
