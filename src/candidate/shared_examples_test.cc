// The examples that came with the format's definition, on the workloads that they are for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <sstream>

#include "candidate/case_reader.h"

namespace kerf {
namespace {

namespace fs = std::filesystem;

std::optional<fs::path> examples() {
  const char* variable = std::getenv("KERF_SHARED");
  const fs::path shared = variable ? fs::path(variable) : fs::path(KERF_CASES) / "../../../shared";
  if (!fs::exists(shared / "examples")) {
    std::cout << "unavailable: " << (shared / "examples").string() << " (set KERF_SHARED)\n";
    return std::nullopt;
  }
  return shared / "examples";
}

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What each problem's workload is, in the notation of cases, with operators and results as PyTorch has them.
const std::map<std::string, std::string>& workloads() {
  static const std::map<std::string, std::string> table = {
      {"L1_001", R"(//: input A f32[512, 512]
//: input B f32[512, 512]
//: output f32[512, 512]
)"},
      {"L1_036", R"(//: input x f32[16, 64, 32, 32]
//: output f32[16, 64, 32, 32]
//: init num_features 64
//: init eps 1e-05
)"},
      {"L1_040", R"(//: input x f32[4, 16, 64, 64]
//: parameter ln.weight f32[16, 64, 64]
//: parameter ln.bias f32[16, 64, 64]
//: output f32[4, 16, 64, 64]
)"},
      {"L1_041", R"(//: input x f32[4, 32, 4096]
//: output f32[4, 32, 4075]
//: init kernel_size 8
//: init stride 1
//: init padding 4
//: init dilation 3
//: init return_indices false
)"},
      {"L1_091", R"(//: input x f32[128, 4000]
//: output f32[128, 4000]
//: init dim 1
//: schema aten::flip(Tensor self, int[] dims) -> Tensor
//: schema aten::flip.out(Tensor self, int[] dims, *, Tensor(a!) out) -> Tensor(a!)
//: schema aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor
//: schema aten::cumsum.out(Tensor self, int dim, *, ScalarType? dtype=None, Tensor(a!) out) -> Tensor(a!)
//: schema aten::cumsum.dimname(Tensor self, str dim, *, ScalarType? dtype=None) -> Tensor
//: schema aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor
//: schema aten::relu_(Tensor(a!) self) -> Tensor(a!)
//: schema aten::t(Tensor(a) self) -> Tensor(a)
//: answer aten::flip f32[128, 4000]
//: answer aten::cumsum f32[128, 4000]
//: answer aten::sum f32[128]
//: answer aten::t f32[4000, 128]{1, 4000} of 0
)"},
      {"L1_095", R"(//: input predictions f32[256, 1000]
//: input targets i64[256]
//: output f32[]
)"},
      {"L2_021", R"(//: input x f32[4, 8, 32, 32]
//: parameter conv.weight f32[32, 8, 3, 3]
//: parameter conv.bias f32[32]
//: parameter bias f32[32, 1, 1]
//: parameter scale f32[32, 1, 1]
//: parameter group_norm.weight f32[32]
//: parameter group_norm.bias f32[32]
//: output f32[4, 32, 30, 30]
//: init in_channels 8
//: init out_channels 32
//: init kernel_size 3
//: init num_groups 8
//: schema aten::convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, bool transposed, SymInt[] output_padding, SymInt groups) -> Tensor
//: answer aten::convolution f32[4, 32, 30, 30]
)"},
      {"L2_071", R"(//: input x f32[4, 8, 64, 64]
//: parameter conv.weight f32[32, 8, 3, 3]
//: parameter conv.bias f32[32]
//: output f32[4, 32, 62, 62]
//: init in_channels 8
//: init out_channels 32
//: init kernel_size 3
//: init divisor 2
)"},
      {"L3_040", R"(//: input x f32[128, 4, 32]
//: input h0 f32[6, 4, 64]
//: output f32[6, 4, 64]
//: init num_layers 6
//: init hidden_size 64
//: init bias true
//: init batch_first false
//: schema aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor
//: schema aten::linear.out(Tensor input, Tensor weight, Tensor? bias=None, *, Tensor(a!) out) -> Tensor(a!)
//: answer aten::linear f32[128, 4, 192]
)"},
      {"L3_050", R"(//: input x f32[2, 128, 256]
//: parameter c_attn.weight f32[768, 256]
//: parameter c_attn.bias f32[768]
//: output f32[2, 128, 256]
//: init n_embd 256
//: init n_head 4
//: schema aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor
//: answer aten::linear f32[2, 128, 768]
)"},
      {"S1", R"(//: input x f32[2048, 1024]
//: input y f32[1024, 2048]
//: output f32[2048, 1024]
//: output i64[2048]
//: init limit 0.5
//: init weight 2.0
//: schema aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)
//: schema aten::gelu(Tensor self, *, str approximate="none") -> Tensor
//: schema aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]
//: schema aten::cat(Tensor[] tensors, int dim=0) -> Tensor
//: schema aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor
//: schema aten::t(Tensor(a) self) -> Tensor(a)
//: answer aten::max f32[2048] & i64[2048]
//: answer aten::gelu f32[2048]
//: answer aten::split f32[2048, 512]{1024, 1} of 0 & f32[2048, 512]{1024, 1} of 0
//: answer aten::cat f32[2048, 1024]
//: answer aten::clamp f32[2048, 1024]
//: answer aten::t f32[2048, 1024]{1, 2048} of 1
)"},
  };
  return table;
}

// The kernels' parameters, read from their declarations: no compiler here.
void add_prototypes(const std::string& text, FakeMachine& machine) {
  static const std::map<std::string, std::string> types = {
      {"float", "f32"}, {"double", "f64"}, {"int64_t", "i64"}, {"int", "i32"}, {"bool", "bool"}};
  const std::regex declaration(R"re(extern "C" void (\w+)\(([^)]*)\))re");
  for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it) {
    const std::string parameters = (*it)[2];
    const std::regex parameter(R"re((const )?(\w+)(\*)?[^,]*)re");
    std::vector<std::string> list;
    for (std::sregex_iterator p(parameters.begin(), parameters.end(), parameter); p != end; ++p) {
      list.push_back((*p)[3].matched ? (*p)[1].str() + types.at((*p)[2]) + "*" : types.at((*p)[2]));
    }
    machine.add_prototype((*it)[1], list);
  }
}

Candidate candidate_of(const fs::path& path) {
  Candidate candidate{.text = contents(path), .language = Language::cpp, .name = path.filename().string()};
  candidate.language = language_of(path.string(), candidate.text).value();
  return candidate;
}

std::string prepare(const std::string& problem, CandidateCase& with) {
  std::string header = workloads().at(problem);
  if (problem == "L3_040") {
    for (int layer = 0; layer < 6; ++layer) {
      const std::string n = std::to_string(layer);
      header += "//: parameter gru.weight_ih_l" + n + (layer == 0 ? " f32[192, 32]\n" : " f32[192, 64]\n");
      header += "//: parameter gru.weight_hh_l" + n + " f32[192, 64]\n//: parameter gru.bias_ih_l" + n +
                " f32[192]\n//: parameter gru.bias_hh_l" + n + " f32[192]\n";
    }
  }
  const auto read = read_case(header, with);
  return read ? "" : read.error().message;
}

TEST(SharedExamples, candidates_that_are_right_lint_and_bind) {
  const auto folder = examples();
  if (!folder) GTEST_SKIP();
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(*folder / "candidates")) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".problem.py")) continue;
    SCOPED_TRACE(name);
    const std::string problem = name.substr(0, name.starts_with("S1") ? 2 : 6);
    const Candidate candidate = candidate_of(entry.path());
    const auto source = read_source(candidate);
    ASSERT_TRUE(source) << source.error().message;
    CandidateCase with;
    ASSERT_EQ(prepare(problem, with), "");
    const auto points = tune_points(*source);
    ASSERT_TRUE(points) << points.error().message;
    EXPECT_TRUE(supports(*source, with.workload).value_or(false));
    for (const TunePoint& point : *points) {
      const auto linted = lint(*source, with.workload, point, 2);
      ASSERT_TRUE(linted) << linted.error().message << " at " << linted.error().at->line << ":"
                          << linted.error().at->column;
    }
    ++seen;
    if (candidate.language != Language::cpp) continue;
    add_prototypes(candidate.text, with.machine);
    const auto program = bind_case(candidate, with);
    ASSERT_TRUE(program) << program.error().message << " at " << program.error().at->line << ":"
                         << program.error().at->column;
    if (problem == "L3_040") {
      EXPECT_EQ(program->steps.size(), 6U * (1 + 128));
    }
  }
  EXPECT_EQ(seen, 15);
}

TEST(SharedExamples, defects_that_need_no_answer_are_found_where_the_first_line_says) {
  const auto folder = examples();
  if (!folder) GTEST_SKIP();
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(*folder / "bad")) {
    const std::string name = entry.path().filename().string();
    const int number = std::stoi(name.substr(0, 2));
    if (number > 29 || number == 23) continue;
    SCOPED_TRACE(name);
    const Candidate candidate = candidate_of(entry.path());
    std::istringstream first(candidate.text);
    std::string slashes, bad, problem, place;
    first >> slashes >> bad >> problem >> place;
    CandidateCase with;
    ASSERT_EQ(prepare(problem, with), "");
    add_prototypes(candidate.text, with.machine);
    const auto program = bind_case(candidate, with);
    ASSERT_FALSE(program) << candidate.text.substr(0, 80);
    const Error& error = program.error();
    EXPECT_EQ(error.kind, ErrorKind::candidate);
    ASSERT_TRUE(error.at);
    EXPECT_EQ(std::to_string(error.at->line) + ":" + std::to_string(error.at->column), place) << error.message;
    ++seen;
  }
  EXPECT_EQ(seen, 28);
}

}  // namespace
}  // namespace kerf
