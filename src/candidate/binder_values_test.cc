// The arguments of calls: what a plan writes becomes what the operator's schema asks for, or is refused where it
// stands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "candidate/case_reader.h"

namespace kerf {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<Program> bind_call(const std::string& schema, const std::string& arguments) {
  CandidateCase with;
  EXPECT_TRUE(read_case("//: input x f32[6, 8]\n//: output f32[6, 8]\n//: schema aten::f" + schema +
                            " -> Tensor\n//: answer aten::f f32[6, 8]\n",
                        with));
  return bind_case(
      {.text = "/* /// kerf\nversion = 1\n[[step]]\ncall = \"aten.f\"\n" + arguments + "\nout = \"out\"\n/// */\n",
       .language = Language::cpp,
       .name = "test"},
      with);
}

// What the last argument becomes.
CallValue last(const std::string& schema, const std::string& arguments) {
  const auto program = bind_call(schema, arguments);
  if (!program) {
    ADD_FAILURE() << program.error().message;
    return {};
  }
  return std::get<BoundCall>(program->steps.at(0).does).args.back();
}

std::string refusal(const std::string& schema, const std::string& arguments) {
  const auto program = bind_call(schema, arguments);
  return program ? "bound" : program.error().message;
}

using Kind = CallValue::Kind;

TEST(ValuesOfACall, AreOfTheTypeThatTheSchemaSays) {
  const CallValue whole = last("(Tensor self, int n)", R"(args = ["x", 3])");
  EXPECT_EQ(whole.kind, Kind::integer);
  EXPECT_THAT(whole.integers, ElementsAre(3));
  const CallValue real = last("(Tensor self, float p)", R"(args = ["x", 3])");
  EXPECT_EQ(real.kind, Kind::number) << "a whole number is a number, too";
  EXPECT_THAT(real.numbers, ElementsAre(3.0));
  const CallValue scalar = last("(Tensor self, Scalar s)", R"(args = ["x", true])");
  EXPECT_EQ(scalar.kind, Kind::boolean) << "a Scalar keeps what it is";
}

TEST(ValuesOfACall, MayBeExpressionsOverShapes) {
  EXPECT_THAT(last("(Tensor self, int n)", R"(args = ["x", "x.shape[1] * 2"])").integers, ElementsAre(16));
  EXPECT_EQ(last("(Tensor self, ScalarType t)", R"(args = ["x", "x.dtype"])").dtypes.at(0), Dtype::f32);
}

TEST(ValuesOfACall, ThatAreMissingAreTheSchemasDefaults) {
  EXPECT_THAT(last("(Tensor self, int n=7)", R"(args = ["x"])").integers, ElementsAre(7));
  EXPECT_EQ(last("(Tensor self, int? n=None)", R"(args = ["x"])").kind, Kind::none);
  EXPECT_THAT(refusal("(Tensor self, int n)", R"(args = ["x"])"), HasSubstr("the argument `n` is missing"));
}

TEST(ValuesOfACall, OneNumberStandsForAListOfAFixedSizeAlone) {
  EXPECT_THAT(last("(Tensor self, int[2] size)", R"(args = ["x", 3])").integers, ElementsAre(3, 3));
  EXPECT_THAT(refusal("(Tensor self, int[] size)", R"(args = ["x", 3])"), HasSubstr("the argument `size` is"));
}

TEST(ValuesOfACall, NoneIsForWhatMayBeLeftOut) {
  EXPECT_EQ(last("(Tensor self, Tensor? bias)", R"(args = ["x", "none"])").kind, Kind::none);
  EXPECT_THAT(last("(Tensor self, Tensor?[] indices)", R"(args = ["x", ["none", "x"]])").tensors,
              ElementsAre(no_tensor, TensorId{0}));
  EXPECT_THAT(refusal("(Tensor self, int n)", R"(args = ["x", "none"])"), HasSubstr(R"(found "none")"));
}

TEST(ValuesOfACall, ANumberMayStandInATensorsPlace) {
  EXPECT_THAT(last("(Tensor self, Tensor other)", R"(args = ["x", 1.5])").numbers, ElementsAre(1.5));
  EXPECT_THAT(refusal("(Tensor self, Tensor[] others)", R"(args = ["x", ["x", 1]])"),
              HasSubstr("`others` is a list of tensors: found 1 in it"));
}

TEST(ValuesOfACall, AreNotBentToFit) {
  EXPECT_THAT(refusal("(Tensor self, int n)", R"(args = ["x", 1.5])"), HasSubstr("1.5"));
  EXPECT_THAT(refusal("(Tensor self, int n)", R"(args = ["x", true])"), HasSubstr("true"));
  EXPECT_THAT(refusal("(Tensor self, bool b)", R"(args = ["x", 1])"), HasSubstr("the argument `b` is bool"));
  EXPECT_THAT(refusal("(Tensor self, ScalarType t)", R"(args = ["x", "f31"])"), HasSubstr("expected f64, f32"));
  EXPECT_THAT(refusal("(Tensor self, *, MemoryFormat m)", "args = [\"x\"]\nkwargs = { m = \"sideways\" }"),
              HasSubstr("`sideways`, expected one of contiguous_format"));
}

TEST(ValuesOfACall, AreGivenOnceAndByANameThatThereIs) {
  EXPECT_THAT(last("(Tensor self, *, int n=0)", "args = [\"x\"]\nkwargs = { n = 4 }").integers, ElementsAre(4));
  EXPECT_THAT(refusal("(Tensor self, int n)", "args = [\"x\", 1]\nkwargs = { n = 4 }"),
              HasSubstr("`n` is given by position already"));
  EXPECT_THAT(refusal("(Tensor self, int n)", "args = [\"x\", 1]\nkwargs = { m = 4 }"), HasSubstr("no argument `m`"));
  EXPECT_THAT(refusal("(Tensor self, *, int n=0)", R"(args = ["x", 4])"), HasSubstr("expected at most 1"));
}

}  // namespace
}  // namespace kerf
