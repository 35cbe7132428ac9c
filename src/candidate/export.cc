#include "candidate/export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "candidate/bind.h"
#include "candidate/export_python.h"
#include "candidate/export_support.h"
#include "candidate/prototype.h"

namespace kerf {
namespace {

const char* c_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::f64:
      return "double";
    case Dtype::f32:
      return "float";
    case Dtype::i64:
      return "int64_t";
    case Dtype::i32:
      return "int32_t";
    case Dtype::i16:
      return "int16_t";
    case Dtype::i8:
      return "int8_t";
    case Dtype::u8:
      return "uint8_t";
    case Dtype::boolean:
      return "bool";
    case Dtype::bf16:
    case Dtype::f16:
      return "uint16_t";
  }
  return "?";
}

std::string identifier(std::string_view name) {
  std::string text;
  for (const char c : name) text += (std::isalnum(static_cast<unsigned char>(c)) != 0) ? c : '_';
  return "t_" + text;
}

std::string slot(const BoundArgument& argument, const std::vector<BoundTensor>& tensors) {
  using Kind = BoundArgument::Kind;
  switch (argument.kind) {
    case Kind::tensor:
      return fmt::format("address({})", identifier(tensors[static_cast<std::size_t>(argument.tensor)].name));
    case Kind::thread:
      return "0";
    case Kind::f32:
      return fmt::format("bits({:a}f)", argument.number);
    case Kind::f64:
      return fmt::format("bits({:a})", argument.number);
    case Kind::i64:
      if (argument.integer == INT64_MIN) return "bits(-9223372036854775807L - 1)";
      return fmt::format("bits({}L)", argument.integer);
    case Kind::i32:
      return fmt::format("bits((int32_t){}L)", argument.integer);
    case Kind::boolean:
      return fmt::format("bits({}L)", argument.integer);
    case Kind::tensor_map:  // of CUDA, which is exported otherwise
    case Kind::unknown:
      break;
  }
  return "0";
}

std::size_t aligned(std::size_t bytes) { return (bytes + 63) / 64 * 64; }

// A plan of launches only, at one workload: everything is a number by now.
Result<std::string> export_cpp(const ExportRequest& request) {
  for (const Step& step : request.source->plan.steps) {
    if (step.kind == Step::Kind::call) {
      return fail(
          ErrorKind::unavailable,
          fmt::format(
              "unavailable: the plan calls {}, an operator of PyTorch that plain C++ does not have; --format pytorch "
              "carries it",
              step.target.text));
    }
  }
  BlindMachine machine;
  constexpr int threads = 64;  // at most: scratch of a thread's own is there for so many
  const Program program = TRY(bind(
      {.source = request.source, .workload = request.workload, .tune = request.tune, .threads = threads}, machine));

  std::string parameters, comment, scratch;
  std::size_t bytes = 0;
  for (const BoundTensor& tensor : program.tensors) {
    if (!tensor.spec) return fail(ErrorKind::internal, fmt::format("the shape of `{}` is not known", tensor.name));
    const std::string type = c_type(tensor.spec->dtype);
    if (tensor.kind == BoundTensor::Kind::scratch) {
      scratch +=
          fmt::format("  {}* const {} = ({}*)((char*)scratch + {});\n", type, identifier(tensor.name), type, bytes);
      if (tensor.zero)
        scratch +=
            fmt::format("  __builtin_memset({}, 0, {});\n", identifier(tensor.name), tensor.spec->storage_bytes());
      bytes += aligned(tensor.spec->storage_bytes());
      continue;
    }
    parameters += fmt::format("{}{}* {}, ", tensor.kind == BoundTensor::Kind::given ? "const " : "", type,
                              identifier(tensor.name));
    comment += fmt::format("//   {}: {}\n", identifier(tensor.name), to_string(*tensor.spec));
  }
  const std::vector<std::string> kernels = kernels_of(*request.source);
  std::string body;
  for (const BoundStep& step : program.steps) {
    const auto& launch = std::get<BoundLaunch>(step.does);
    std::vector<std::string> slots;
    std::uint64_t indexed = 0;
    for (std::size_t i = 0; i < launch.args.size(); ++i) {
      slots.push_back(slot(launch.args[i], program.tensors));
      if (launch.args[i].kind == BoundArgument::Kind::thread) indexed |= std::uint64_t{1} << i;
    }
    if (slots.size() > 64) {
      return fail(ErrorKind::unavailable,
                  fmt::format("unavailable: {} takes {} arguments, an exported launch at most 64", launch.kernel,
                              slots.size()));
    }
    const auto kernel = std::ranges::find(kernels, launch.kernel) - kernels.begin();
    body += fmt::format(
        "  {{  // {}\n    const unsigned long long slots[] = {{{}{}}};\n    const long grid[] = {{{}}};\n"
        "    kerf_launch({}, slots, {}, {}ULL, grid, {}, threads);\n  }}\n",
        launch.kernel, fmt::join(slots, ", "), slots.empty() ? "0" : "", fmt::join(launch.grid, ", "), kernel,
        slots.size(), indexed, launch.grid.size());
  }
  std::string text;
  if (!request.headline.empty()) text += fmt::format("// {}\n", request.headline);
  text += fmt::format(
      "// Written by kerf for {}; needs no header and no library but OpenMP.\n"
      "// Compile: g++ {} -fopenmp -shared -fPIC -o kernel.so THIS_FILE\n"
      "//\n// kerf_run computes the outputs from the inputs and parameters, at these shapes only:\n{}"
      "// scratch: kerf_scratch_bytes() bytes, aligned to 64; threads: at most {}.\n\n",
      request.problem == nullptr ? "a problem" : request.problem->id, fmt::join(request.flags, " "), comment, threads);
  text += request.prelude + "\n" + constants(request.tune) + "#line 1 \"candidate\"\n" +
          request.source->candidate.text + trailer(*request.source) + std::string(export_launcher());
  text += R"cpp(
#line 1 "kerf_run"
    namespace {
    template <class T>
    unsigned long long bits(T value) {
      unsigned long long slot = 0;
      __builtin_memcpy(&slot, &value, sizeof value);
      return slot;
    }
    inline unsigned long long address(const void* pointer) { return (unsigned long long)pointer; }
    }  // namespace
  )cpp";
  text += fmt::format(
      "extern \"C\" __attribute__((visibility(\"default\"))) long kerf_scratch_bytes() {{ return {}; }}\n", bytes);
  text += fmt::format(
      "extern \"C\" __attribute__((visibility(\"default\"))) void kerf_run({}void* scratch, int threads) {{\n"
      "  (void)scratch;\n  if (threads > {}) threads = {};\n{}{}}}\n",
      parameters, threads, threads, scratch, body);
  return text;
}

}  // namespace

std::optional<ExportFormat> export_format_from(std::string_view name) {
  if (name == "source") return ExportFormat::source;
  if (name == "cpp") return ExportFormat::cpp;
  if (name == "pytorch") return ExportFormat::pytorch;
  return std::nullopt;
}

Result<std::string> export_candidate(ExportFormat format, const ExportRequest& request) {
  if (format == ExportFormat::source) return request.source->candidate.text;
  const Language language = request.source->candidate.language;
  const bool python = language == Language::cuda || language == Language::triton || language == Language::gluon;
  const bool known = language == Language::cpp || (python && format == ExportFormat::pytorch);
  if (!known) {
    return fail(ErrorKind::unavailable,
                fmt::format("unavailable: a candidate in {} cannot be exported as {}; {}--format source gives its text",
                            to_string(language), format == ExportFormat::cpp ? "cpp" : "pytorch",
                            python ? "--format pytorch can, and " : ""));
  }
  return format == ExportFormat::cpp ? export_cpp(request) : export_python(request);
}

}  // namespace kerf
